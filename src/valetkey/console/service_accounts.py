"""Service accounts: programs of a project, and their tokens."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.leases import block_of, show_left
from valetkey.console.projects import HERE, role_of
from valetkey.console.tokens import FIELDS, form_context, location_names, new_token, state_of
from valetkey.console.web import fields, reload, tell
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.revocation import Kind

_NEW: Final = {"name": "account-name", "role": "account-role"}


@post("/projects/{project_id:str}/service-accounts")
async def create_account(
    request: HttpRequest, services: Services, reader: Reader, project_id: Segment
) -> HttpResponse:
    """Make a service account, and go to it: it needs a token next."""
    form = await fields(request)
    try:
        made = await services.service_accounts.create(
            reader.caller,
            project_id,
            form.get("account-name", ""),
            role_of(form.get("account-role", "")),
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, _NEW, otherwise="account-name-error")
    return reload(f"/service-accounts/{made.id}?done=account-created")


@get("/service-accounts/{account_id:str}")
async def show_account(services: Services, reader: Reader, account_id: Segment) -> Response[str]:
    """Show one service account and its tokens."""
    account = await services.service_accounts.get(reader.caller, account_id)
    tokens = await services.service_accounts.tokens(reader.caller, account_id)
    return reader.page(
        "projects/service_account.html",
        here=HERE,
        account=account,
        tokens=tokens,
        states=state_of(services, tokens),
        names=await location_names(services, reader),
        block=await block_of(services, reader, Kind.SERVICE_ACCOUNT, account_id),
        post_to=f"/service-accounts/{account_id}/tokens",
        **form_context(),
    )


@post("/service-accounts/{account_id:str}/tokens", status_code=201)
async def create_token(
    request: HttpRequest, services: Services, reader: Reader, account_id: Segment
) -> Response[str]:
    """Make a token for a service account. This answer alone holds it."""
    try:
        new = await new_token(request, services, reader)
        token, secret = await services.service_accounts.create_token(reader.caller, account_id, new)
    except InvalidInput as error:
        return refused(error, FIELDS, otherwise="description-error")
    return tell(reader.part("tokens/made.html", made=token, secret=secret.reveal()))


@get("/service-accounts/{account_id:str}/delete")
async def ask_to_delete(services: Services, reader: Reader, account_id: Segment) -> Response[str]:
    """Ask before a service account goes, saying what goes with it."""
    account = await services.service_accounts.get(reader.caller, account_id)
    return reader.part("projects/delete_account.html", account=account)


@post("/service-accounts/{account_id:str}/delete", status_code=200)
async def delete_account(services: Services, reader: Reader, account_id: Segment) -> HttpResponse:
    """Forget a service account, and say what could not be ended."""
    account = await services.service_accounts.get(reader.caller, account_id)
    left = await services.service_accounts.delete(reader.caller, account_id)
    return await show_left(
        services, reader, left, here=HERE, back=f"/projects/{account.project_id}"
    )


ROUTES = (create_account, show_account, create_token, ask_to_delete, delete_account)
