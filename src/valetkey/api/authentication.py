"""Who is asking: the token of a request, and the caller that it stands for.

The guard stands in front of every route of the API's router, so that a new route is closed unless
it says otherwise.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from valetkey.domain.errors import Unauthenticated
from valetkey.services.audit import Caller
from valetkey.services.registry import Services

#: Handler options: open to everybody; the token may stand alone, as AWS clients send it.
PUBLIC: Final = "public"
BARE_TOKEN: Final = "bare_token"  # noqa: S105  # an option's name
_CALLER: Final = "valetkey_caller"
#: In a request's state: what answers it.
SERVICES: Final = "valetkey_services"


async def require_caller(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let nobody pass without a token that holds now. Raises Unauthenticated."""
    if not handler.opt.get(PUBLIC):
        await authenticate(connection, handler)


async def authenticate(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> Caller:
    """Return who a request's token stands for, and keep it with the request.

    Raises Unauthenticated.
    """
    token = _token(
        connection.headers.get("authorization", ""), bare=bool(handler.opt.get(BARE_TOKEN))
    )
    source = source_of(connection)
    principal = await provide_services(connection).principals.read(token, source=source)
    structlog.contextvars.bind_contextvars(actor=principal.email)
    caller = Caller(principal, request_id=request_id_of(connection), source=source)
    connection.scope["state"][_CALLER] = caller
    return caller


def provide_services(request: ASGIConnection[Any, Any, Any, Any]) -> Services:
    """Return the services that came with a request."""
    services: Services = request.scope["state"][SERVICES]
    return services


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """Return who is asking: what the guard found out."""
    caller = request.scope["state"].get(_CALLER)
    if not isinstance(caller, Caller):
        raise _unauthenticated("This request has no token.")
    return caller


def request_id_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the id under which the logs and the audit trail know this request."""
    return str(connection.scope.get("state", {}).get("request_id", ""))


def source_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the network address that asks (behind a trusted proxy, the one it names)."""
    return connection.client.host if connection.client else ""


def _token(header: str, *, bare: bool) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if bare and header and not token:
        return header.strip()
    raise _unauthenticated(
        "This request has no token." if not header else "This is no bearer token."
    )


def _unauthenticated(message: str) -> Unauthenticated:
    return Unauthenticated(
        message,
        hint="Send 'Authorization: Bearer TOKEN', with the token of a login or an API token.",
    )
