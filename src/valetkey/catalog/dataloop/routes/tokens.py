"""A password, or a token that is still good, for a token (Dataloop's ``POST /token?default``)."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import JSONBody

from valetkey.api.authentication import request_id_of, source_of
from valetkey.api.dependencies import Services
from valetkey.catalog.dataloop.wire.accounts import RefreshToken, TokenOut, UserCredentials
from valetkey.domain.secret import Secret
from valetkey.identity.accounts import Login
from valetkey.serving.disconnect import while_connected


@post("/token", status_code=200, security=[{}], tags=["accounts"])
async def token(
    data: JSONBody[UserCredentials | RefreshToken],
    request: Request[Any, Any, Any],
    services: Services,
) -> TokenOut:
    """Exchange an e-mail address and a password for a token, or refresh one before it ends."""
    if isinstance(data, RefreshToken):
        return token_of(await services.accounts.refresh(Secret(data.refresh_token)))
    secret = Secret(data.password)
    signing_in = services.accounts.login(
        data.username, secret, source=source_of(request), request_id=request_id_of(request)
    )
    return token_of(await while_connected(request.receive, signing_in))


def token_of(login: Login) -> TokenOut:
    """Return a login's shape."""
    text = login.token.reveal()
    lifetime = login.claims.expires_at - login.claims.issued_at
    return TokenOut(id_token=text, refresh_token=text, expires_in=int(lifetime.total_seconds()))


ROUTES = (token,)
