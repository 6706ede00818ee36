"""Who the caller is, logins, and API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from valetkey.api.v1.asking import Ask, route
from valetkey.api.v1.pages import cursor as cursor_at
from valetkey.api.v1.pages import page_of, read_cursor
from valetkey.api.v1.routes.people import project_role
from valetkey.domain.errors import InvalidInput
from valetkey.domain.people import ApiKey
from valetkey.domain.secret import Secret
from valetkey.services import accounts
from valetkey.services.guard import missing
from valetkey.wire import accounts as wire
from valetkey.wire.base import Nothing, Page, Paging

_DAY: Final = 86_400


async def get_me(ask: Ask[Nothing, Nothing]) -> wire.Me:
    people, principal = ask.services.people, ask.caller.principal
    return wire.Me(
        id=principal.user_id,
        email=principal.email,
        orgs=[
            wire.OwnOrg(id=org.id, name=org.name, role=principal.org_roles[org.id].value)
            for org in await people.organizations(ask.caller)
        ],
        projects=[
            wire.OwnProject(
                id=project.id,
                org_id=project.org_id,
                name=project.name,
                role=project_role(principal, project),
            )
            for project in await people.projects(ask.caller)
        ],
        token_id=principal.key_id or None,
    )


def _login(login: accounts.Login) -> wire.Login:
    return wire.Login(token=login.token.reveal(), expires_at=login.claims.expires_at)


async def create_login(ask: Ask[Nothing, wire.NewLogin]) -> wire.Login:
    password = Secret(ask.body.password)
    return _login(
        await ask.services.accounts.login(ask.body.email, password, source=ask.caller.source)
    )


async def renew_login(ask: Ask[Nothing, wire.Renewal]) -> wire.Login:
    return _login(await ask.services.accounts.refresh(Secret(ask.body.token)))


async def change_password(ask: Ask[Nothing, wire.PasswordChange]) -> wire.Login:
    old, new = Secret(ask.body.old), Secret(ask.body.new)
    return _login(await ask.services.accounts.change_password(ask.caller, old, new))


async def sign_out_everywhere(ask: Ask[Nothing, Nothing]) -> wire.Login:
    return _login(await ask.services.accounts.sign_out_everywhere(ask.caller))


def _token(key: ApiKey, now: datetime, token: str | None = None) -> wire.Token:
    state: wire.TokenState = "expired" if key.expires_at <= now else "active"
    return wire.Token(
        id=key.id,
        name=key.description,
        state="revoked" if key.revoked_at else state,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        token=token,
    )


async def list_tokens(ask: Ask[Paging, Nothing]) -> Page[wire.Token]:
    after = read_cursor(ask.query.cursor, tuple[str])
    keys = await ask.services.accounts.api_keys(ask.caller)
    left = [key for key in keys if after is None or key.id < after[0]]
    now, shown = ask.services.clock.now(), left[: ask.query.limit]
    following = cursor_at(shown[-1].id) if len(left) > ask.query.limit else None
    return page_of(shown, lambda key: _token(key, now), following)


async def create_token(ask: Ask[Nothing, wire.NewToken]) -> wire.Token:
    seconds = ask.body.ttl_seconds
    if seconds is not None and (seconds < _DAY or seconds % _DAY):
        raise InvalidInput(
            "A token is good for whole days.",
            hint=f"Use a multiple of {_DAY}.",
            field="ttlSeconds",
        )
    days = None if seconds is None else seconds // _DAY
    key, token = await ask.services.accounts.create_api_key(ask.caller, ask.body.name, days=days)
    return _token(key, ask.services.clock.now(), token.reveal())


async def get_token(ask: Ask[Nothing, Nothing]) -> wire.Token:
    for key in await ask.services.accounts.api_keys(ask.caller):
        if key.id == ask["tokenId"]:
            return _token(key, ask.services.clock.now())
    raise missing(f"token:{ask['tokenId'][:80]}")


async def revoke_token(ask: Ask[Nothing, Nothing]) -> Nothing:
    await ask.services.accounts.revoke_api_key(ask.caller, ask["tokenId"])
    return Nothing()


ROUTES: Final = (
    route(wire.GET_ME, get_me),
    route(wire.CREATE_LOGIN, create_login),
    route(wire.RENEW_LOGIN, renew_login),
    route(wire.CHANGE_PASSWORD, change_password),
    route(wire.SIGN_OUT_EVERYWHERE, sign_out_everywhere),
    route(wire.LIST_TOKENS, list_tokens),
    route(wire.CREATE_TOKEN, create_token),
    route(wire.GET_TOKEN, get_token),
    route(wire.REVOKE_TOKEN, revoke_token),
)
