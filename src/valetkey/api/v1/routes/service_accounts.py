"""Service accounts, and tokens for them."""

from __future__ import annotations

from typing import Final

from valetkey.api.shaping import Shaping
from valetkey.api.v1.asking import Ask, route
from valetkey.api.v1.pages import cursor, page_of, part, read_cursor
from valetkey.api.v1.routes.endings import departure_shape
from valetkey.api.v1.routes.projects import role_of
from valetkey.api.v1.routes.tokens import new_token, shape
from valetkey.domain.people import User
from valetkey.wire import service_accounts as wire
from valetkey.wire import tokens as tokens_wire
from valetkey.wire.base import Nothing, Page, Paging
from valetkey.wire.orgs import Departure

_shape: Final = Shaping(
    wire.ServiceAccount, User, by={"project_id": lambda project_id: project_id or ""}
)


async def list_service_accounts(
    ask: Ask[wire.ServiceAccountsQuery, Nothing],
) -> Page[wire.ServiceAccount]:
    found = await ask.services.service_accounts.of_project(ask.caller, ask.query.project_id)
    return part(found, ask.query, lambda each: (each.name, each.id), _shape)


async def create_service_account(
    ask: Ask[Nothing, wire.NewServiceAccount],
) -> wire.ServiceAccount:
    body = ask.body
    made = await ask.services.service_accounts.create(
        ask.caller, body.project_id, body.name, role_of(body.role)
    )
    return _shape(made)


async def get_service_account(ask: Ask[Nothing, Nothing]) -> wire.ServiceAccount:
    return _shape(await ask.services.service_accounts.get(ask.caller, ask["serviceAccountId"]))


async def delete_service_account(ask: Ask[Nothing, Nothing]) -> Departure:
    left = await ask.services.service_accounts.delete(ask.caller, ask["serviceAccountId"])
    return departure_shape(left)


async def list_tokens(ask: Ask[Paging, Nothing]) -> Page[tokens_wire.Token]:
    accounts, account_id = ask.services.service_accounts, ask["serviceAccountId"]
    account = await accounts.get(ask.caller, account_id)
    after = read_cursor(ask.query.cursor, tuple[str])
    tokens = await accounts.tokens(ask.caller, account_id)
    found = [token for token in tokens if after is None or token.id < after[0]]
    now, shown = ask.services.clock.now(), found[: ask.query.limit]
    following = cursor(shown[-1].id) if len(found) > len(shown) else None
    return page_of(shown, lambda each: shape(each, account.email, now), following)


async def create_token(ask: Ask[Nothing, tokens_wire.NewToken]) -> tokens_wire.Token:
    accounts, account_id = ask.services.service_accounts, ask["serviceAccountId"]
    account = await accounts.get(ask.caller, account_id)
    made, secret = await accounts.create_token(ask.caller, account_id, new_token(ask.body))
    return shape(made, account.email, ask.services.clock.now(), secret.reveal())


ROUTES: Final = (
    route(wire.LIST_SERVICE_ACCOUNTS, list_service_accounts),
    route(wire.CREATE_SERVICE_ACCOUNT, create_service_account),
    route(wire.GET_SERVICE_ACCOUNT, get_service_account),
    route(wire.DELETE_SERVICE_ACCOUNT, delete_service_account),
    route(wire.LIST_SERVICE_ACCOUNT_TOKENS, list_tokens),
    route(wire.CREATE_SERVICE_ACCOUNT_TOKEN, create_token),
)
