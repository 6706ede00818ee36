"""Service accounts, and tokens for them."""

from __future__ import annotations

from typing import Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.pages import cursor, page_of, part, read_cursor
from valetkey.api.v1.routes.endings import departure_shape
from valetkey.api.v1.routes.projects import role_of
from valetkey.api.v1.routes.tokens import new_token, shape
from valetkey.domain.people import User
from valetkey.wire import service_accounts as wire
from valetkey.wire import tokens as tokens_wire
from valetkey.wire.base import Nothing, Page, Paging
from valetkey.wire.orgs import Departure

_shape: Final = ShapeMapper(
    wire.ServiceAccount, User, by={"project_id": lambda project_id: project_id or ""}
)


async def list_service_accounts(
    call: ApiCall[wire.ServiceAccountsQuery, Nothing],
) -> Page[wire.ServiceAccount]:
    found = await call.services.service_accounts.of_project(call.caller, call.query.project_id)
    return part(found, call.query, lambda each: (each.name, each.id), _shape)


async def create_service_account(
    call: ApiCall[Nothing, wire.NewServiceAccount],
) -> wire.ServiceAccount:
    body = call.body
    made = await call.services.service_accounts.create(
        call.caller, body.project_id, body.name, role_of(body.role)
    )
    return _shape(made)


async def get_service_account(call: ApiCall[Nothing, Nothing]) -> wire.ServiceAccount:
    return _shape(await call.services.service_accounts.get(call.caller, call["serviceAccountId"]))


async def delete_service_account(call: ApiCall[Nothing, Nothing]) -> Departure:
    left = await call.services.service_accounts.delete(call.caller, call["serviceAccountId"])
    return departure_shape(left)


async def list_tokens(call: ApiCall[Paging, Nothing]) -> Page[tokens_wire.Token]:
    accounts, account_id = call.services.service_accounts, call["serviceAccountId"]
    account = await accounts.get(call.caller, account_id)
    after = read_cursor(call.query.cursor, tuple[str])
    tokens = await accounts.tokens(call.caller, account_id)
    found = [token for token in tokens if after is None or token.id < after[0]]
    now, shown = call.services.clock.now(), found[: call.query.limit]
    following = cursor(shown[-1].id) if len(found) > len(shown) else None
    return page_of(shown, lambda each: shape(each, account.email, now), following)


async def create_token(call: ApiCall[Nothing, tokens_wire.NewToken]) -> tokens_wire.Token:
    accounts, account_id = call.services.service_accounts, call["serviceAccountId"]
    account = await accounts.get(call.caller, account_id)
    made, secret = await accounts.create_token(call.caller, account_id, new_token(call.body))
    return shape(made, account.email, call.services.clock.now(), secret.reveal())


ROUTES: Final = (
    route(wire.LIST_SERVICE_ACCOUNTS, list_service_accounts),
    route(wire.CREATE_SERVICE_ACCOUNT, create_service_account),
    route(wire.GET_SERVICE_ACCOUNT, get_service_account),
    route(wire.DELETE_SERVICE_ACCOUNT, delete_service_account),
    route(wire.LIST_SERVICE_ACCOUNT_TOKENS, list_tokens),
    route(wire.CREATE_SERVICE_ACCOUNT_TOKEN, create_token),
)
