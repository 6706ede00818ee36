"""API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from valetkey.api.v1.asking import Ask, route
from valetkey.api.v1.pages import cursor, page_of, read_cursor
from valetkey.api.v1.routes.endings import ending_shape
from valetkey.api.v1.routes.locations import levels
from valetkey.domain.people import ApiToken
from valetkey.domain.scope import parse_levels
from valetkey.domain.token_limits import TokenLimits, read_limits
from valetkey.identity.tokens import TOKEN_LIFETIME, NewToken
from valetkey.wire import tokens as wire
from valetkey.wire.base import Nothing, Page, Person
from valetkey.wire.leases import Ending


def _limits(limits: TokenLimits) -> wire.TokenLimits:
    return wire.TokenLimits(
        location_ids=None if limits.locations is None else sorted(limits.locations),
        prefixes=None if limits.prefixes is None else list(limits.prefixes),
        access=(
            None if limits.levels is None else [level.value for level in levels(limits.levels)]
        ),
        max_ttl_seconds=None if limits.max_ttl is None else int(limits.max_ttl.total_seconds()),
        networks=None if limits.networks is None else list(limits.networks),
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
    return wire.Token(
        id=found.id,
        org_id=found.org_id,
        name=found.description,
        holder=Person(id=found.user_id, email=email or None),
        state="revoked" if found.revoked_at else state,
        limits=_limits(found.limits),
        creator=found.creator,
        created_at=found.created_at,
        expires_at=found.expires_at,
        revoked_at=found.revoked_at,
        last_used_at=found.last_used_at,
        last_used_from=found.last_used_from or None,
        token=token,
    )


async def list_tokens(ask: Ask[wire.TokensQuery, Nothing]) -> Page[wire.Token]:
    query, tokens = ask.query, ask.services.tokens
    after = read_cursor(query.cursor, tuple[str])
    last = after[0] if after else ""
    if query.org_id is not None:
        found = await tokens.of_org(ask.caller, query.org_id, after=last, limit=query.limit + 1)
    else:
        email = ask.caller.principal.email
        own = await tokens.own(ask.caller)
        found = [(token, email) for token in own if not last or token.id < last]
    now, shown = ask.services.clock.now(), found[: query.limit]
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


async def create_token(ask: Ask[Nothing, wire.NewToken]) -> wire.Token:
    made, secret = await ask.services.tokens.create(ask.caller, new_token(ask.body))
    email = ask.caller.principal.email
    return shape(made, email, ask.services.clock.now(), secret.reveal())


async def get_token(ask: Ask[Nothing, Nothing]) -> wire.Token:
    found, email = await ask.services.tokens.get(ask.caller, ask["tokenId"])
    return shape(found, email, ask.services.clock.now())


async def revoke_token(ask: Ask[Nothing, Nothing]) -> Ending:
    ending = await ask.services.tokens.revoke(ask.caller, ask["tokenId"])
    return await ending_shape(ask.services, ending)


ROUTES: Final = (
    route(wire.LIST_TOKENS, list_tokens),
    route(wire.CREATE_TOKEN, create_token),
    route(wire.GET_TOKEN, get_token),
    route(wire.REVOKE_TOKEN, revoke_token),
)
