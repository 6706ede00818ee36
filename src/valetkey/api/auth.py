"""Who is asking: the token in the Authorization header, and the roles of this moment."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request

from valetkey.api.errors import request_id_of
from valetkey.domain.errors import Unauthenticated
from valetkey.services.audit import Caller
from valetkey.services.registry import Services

_SCHEME: Final = "bearer "


def token_of(header: str) -> str:
    """Return the token of an Authorization header, with or without the word Bearer: AWS's
    container-credentials contract sends it verbatim. Raises Unauthenticated when there is none."""
    token = header[len(_SCHEME) :] if header.lower().startswith(_SCHEME) else header
    if not token.strip():
        raise Unauthenticated(
            "The request has no token.",
            hint="Send 'Authorization: Bearer <token>'; log in or make an API key to get one.",
        )
    return token.strip()


def source_of(request: Request[Any, Any, Any]) -> str:
    """Return the network address that the request came from."""
    return request.client.host if request.client else ""


async def caller_of(request: Request[Any, Any, Any], services: Services) -> Caller:
    """Return who is asking. Raises Unauthenticated."""
    principal = await services.accounts.authenticate(
        token_of(request.headers.get("authorization", ""))
    )
    return Caller(principal, request_id_of(request), source_of(request))
