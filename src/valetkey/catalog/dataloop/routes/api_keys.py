"""The caller's own API keys."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import JSONBody

from valetkey.api.dependencies import Caller, Services
from valetkey.catalog.dataloop.wire.accounts import ApiKeyIn, ApiKeyOut
from valetkey.catalog.dataloop.wire.base import ListPage
from valetkey.domain.errors import InvalidInput
from valetkey.domain.people import TokenForm
from valetkey.identity.tokens import TOKEN_LIFETIME, NewToken, lifetime_of


@post("/apiKeys", tags=["accounts"])
async def create(data: JSONBody[ApiKeyIn], caller: Caller, services: Services) -> ApiKeyOut:
    """Make an API key; the answer alone holds it."""
    principal = caller.principal
    if data.user_id not in {None, principal.user_id, principal.email}:
        raise InvalidInput(
            "An API key is made for oneself.",
            hint="Leave userId out, or log in as that user.",
            field="userId",
        )
    lifetime = TOKEN_LIFETIME if data.days is None else lifetime_of(data.days)
    new = NewToken(data.description, lifetime, form=TokenForm.JWT)
    key, jwt = await services.tokens.create(caller, new)
    return ApiKeyOut.of(key, jwt.reveal())


@get("/apiKeys", tags=["accounts"])
async def listing(caller: Caller, services: Services) -> ListPage[ApiKeyOut]:
    """List the caller's own keys, newest first."""
    keys = await services.tokens.own(caller)
    return ListPage(items=[ApiKeyOut.of(key) for key in keys])


@delete("/apiKeys/{key_id:str}", tags=["accounts"])
async def revoke(key_id: str, caller: Caller, services: Services) -> None:
    """End a key at once."""
    await services.tokens.revoke(caller, key_id)


ROUTES = (create, listing, revoke)
