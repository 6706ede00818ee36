"""Integrations: the list, the panel that makes one, and the report that writes itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar import Response, get, post
from litestar.response import Stream

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.drift import drifted
from valetkey.console.guide import first_guide
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.menus import ListPart
from valetkey.console.page import lives_on
from valetkey.console.reports import stream_report
from valetkey.console.web import fields, go_to, tell
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.integration import Integration
from valetkey.domain.integration_types import IntegrationType, NewIntegration, parse_type
from valetkey.domain.secret import Secret

HERE: Final = "/integrations"
_FIELDS: Final = {
    "name": "name",
    "key": "key",
    "secret": "secret",
    "roleArn": "role_arn",
    "endpoint": "endpoint",
}


@get("/integrations")
async def list_integrations(
    request: HttpRequest, services: Services, reader: Reader
) -> Response[str]:
    """List the organisation's integrations."""
    integrations = await services.integrations.of_org(reader.caller, reader.org.id)
    shown = ListPart.of(request, integrations, lambda integration: integration.name)
    return reader.page("integrations/list.html", here=HERE, shown=shown, now=services.clock.now())


@get("/integrations/new")
async def new_integration(services: Services, reader: Reader) -> Response[str]:
    """Open the panel on the right: the fields in the reference page's order, and the guide."""
    await services.integrations.of_org(reader.caller, reader.org.id)
    types = [
        kind for kind in IntegrationType if kind.rules.opens_by_role or kind.rules.opens_by_key
    ]
    return reader.part(
        "integrations/new.html",
        guide=first_guide(),
        kind=types[0],
        types=[(kind.value, kind.rules.label) for kind in types],
    )


@get("/integrations/new/fields")
async def fields_of_type(request: HttpRequest, reader: Reader) -> Response[str]:
    """Show the fields of another type of integration."""
    kind = parse_type(request.query_params.get("type", ""))
    return reader.part("integrations/fields.html", kind=kind)


@post("/integrations", status_code=201)
async def create_integration(
    request: HttpRequest, services: Services, reader: Reader
) -> Response[str]:
    """Register an integration; the answer is the report, which asks AWS as it is shown."""
    form = await fields(request)
    try:
        new = NewIntegration(
            type=parse_type(form.get("type", "")),
            name=form.get("name", ""),
            key=form.get("key", ""),
            secret=Secret(form.get("secret", "")),
            role_arn=form.get("role_arn", ""),
            endpoint=form.get("endpoint", ""),
        )
        integration = await services.integrations.register(reader.caller, reader.org.id, new)
    except (InvalidInput, Conflict) as error:
        return refused(error, _FIELDS, otherwise="name-error")
    answer = reader.part(
        "integrations/created.html", integration=integration, fixed=False, on_page=False
    )
    return tell(answer)


@post("/integrations/{integration_id:str}/repair", status_code=200)
async def repair_integration(
    request: HttpRequest, services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Take another key and secret, or another role, and show the report anew."""
    form, on_page = await fields(request), request.query_params.get("in") == "page"
    stored = await services.integrations.get(reader.caller, integration_id)
    try:
        integration = await services.integrations.update(
            reader.caller,
            integration_id,
            credentials=_new_key(form, stored),
            role_arn=form.get("role_arn") or None,
        )
    except InvalidInput as error:
        return refused(error, _FIELDS, otherwise="secret-error")
    return tell(
        reader.part(
            "integrations/created.html",
            integration=integration,
            now=services.clock.now(),
            fixed=True,
            on_page=on_page,
        )
    )


def _new_key(form: Mapping[str, str], stored: Integration) -> tuple[str, Secret] | None:
    """Return the key and secret of a form, or None where it keeps those that are stored."""
    key, secret = form.get("key", ""), form.get("secret", "")
    if key == stored.access_key_id and not secret:
        return None
    if bool(key) != bool(secret):
        raise InvalidInput(
            "A key goes with its secret.",
            hint="Enter both, or leave the secret empty to keep what is stored.",
            field="secret" if key else "key",
        )
    return (key, Secret(secret)) if key else None


@post("/integrations/{integration_id:str}/verify", status_code=200)
async def verify_integration(
    request: HttpRequest, services: Services, reader: Reader, integration_id: Segment
) -> Stream:
    """Ask AWS, and send each check as soon as it is known; then what follows from them."""
    on_page = request.query_params.get("in") == "page"
    return stream_report(
        services.integrations.verify_stream(reader.caller, integration_id),
        "integrations/outcome.html",
        lambda verified: {
            "integration": verified[0],
            "report": verified[1],
            "drifted": drifted(verified[1]),
            "now": services.clock.now(),
            "on_page": on_page,
        },
    )


@get("/integrations/{integration_id:str}/delete")
async def ask_to_delete(
    services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Ask before an integration goes, naming it and what stands on it."""
    integration = await services.integrations.get(reader.caller, integration_id)
    return reader.part("integrations/delete.html", integration=integration)


@post("/integrations/{integration_id:str}/delete")
async def delete_integration(
    services: Services, reader: Reader, integration_id: Segment
) -> HttpResponse:
    """Forget an integration."""
    ending = await services.integrations.delete(reader.caller, integration_id)
    return go_to(f"/integrations?done=integration-deleted{lives_on(ending)}")


ROUTES = (
    list_integrations,
    new_integration,
    fields_of_type,
    create_integration,
    repair_integration,
    verify_integration,
    ask_to_delete,
    delete_integration,
)
