"""API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.pages import cursor, page_of, read_cursor
from valetkey.api.v1.routes.endings import ending_shape
from valetkey.domain.people import ApiToken
from valetkey.domain.scope import parse_levels
from valetkey.domain.token_limits import TokenLimits, read_limits
from valetkey.identity.tokens import TOKEN_LIFETIME, NewToken
from valetkey.wire import leases as leases_wire
from valetkey.wire import tokens as wire
from valetkey.wire.base import Nothing, Page, Person

_limits: Final = ShapeMapper(
    wire.TokenLimits,
    TokenLimits,
    named={"location_ids": "locations", "access": "levels", "max_ttl_seconds": "max_ttl"},
    by={"location_ids": lambda ids: None if ids is None else sorted(ids)},
)
_shape: Final = ShapeMapper(
    wire.Token,
    ApiToken,
    named={"name": "description"},
    by={"limits": _limits},
    added=("holder", "state", "token"),
)


def _read(limits: wire.TokenLimits | None) -> TokenLimits:
    limits = limits or wire.TokenLimits()
    return read_limits(
        locations=limits.location_ids,
        prefixes=limits.prefixes,
        levels=None if limits.access is None else parse_levels(limits.access),
        max_ttl=limits.max_ttl_seconds,
        networks=limits.networks,
    )


def shape(found: ApiToken, email: str, now: datetime, token: str | None = None) -> wire.Token:
    """Return a token's shape; ``token`` is the secret itself, when it is made."""
    state: wire.TokenState = "expired" if found.expires_at <= now else "active"
    return _shape(
        found,
        holder=Person(id=found.user_id, email=email or None),
        state="revoked" if found.revoked_at else state,
        token=token,
    )


async def list_tokens(call: ApiCall[wire.TokensQuery, Nothing]) -> Page[wire.Token]:
    query, tokens = call.query, call.services.tokens
    after = read_cursor(query.cursor, tuple[str])
    last = after[0] if after else ""
    if query.org_id is not None:
        found = await tokens.of_org(call.caller, query.org_id, after=last, limit=query.limit + 1)
    else:
        email = call.caller.principal.email
        own = await tokens.own(call.caller)
        found = [(token, email) for token in own if not last or token.id < last]
    now, shown = call.services.clock.now(), found[: query.limit]
    following = cursor(shown[-1][0].id) if len(found) > query.limit else None
    return page_of(shown, lambda each: shape(each[0], each[1], now), following)


def new_token(body: wire.NewToken) -> NewToken:
    """Return the token that is asked for. Raises InvalidInput."""
    seconds = body.ttl_seconds
    return NewToken(
        body.name,
        TOKEN_LIFETIME if seconds is None else timedelta(seconds=seconds),
        limits=_read(body.limits),
        org_id=body.org_id or "",
    )


async def create_token(call: ApiCall[Nothing, wire.NewToken]) -> wire.Token:
    made, secret = await call.services.tokens.create(call.caller, new_token(call.body))
    email = call.caller.principal.email
    return shape(made, email, call.services.clock.now(), secret.reveal())


async def get_token(call: ApiCall[Nothing, Nothing]) -> wire.Token:
    found, email = await call.services.tokens.get(call.caller, call["tokenId"])
    return shape(found, email, call.services.clock.now())


async def revoke_token(call: ApiCall[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await call.services.tokens.revoke(call.caller, call["tokenId"])
    return await ending_shape(call, ending)


ROUTES: Final = (
    route(wire.LIST_TOKENS, list_tokens),
    route(wire.CREATE_TOKEN, create_token),
    route(wire.GET_TOKEN, get_token),
    route(wire.REVOKE_TOKEN, revoke_token),
)
