"""Integrations: the list, the panel that makes one, and the report that writes itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Stream

from valetkey.console.checks import refused
from valetkey.console.guide import first_guide
from valetkey.console.page import Reader
from valetkey.console.web import fields, go_to, safe_headers, templates
from valetkey.domain.errors import Conflict, InvalidInput, ValetkeyError
from valetkey.domain.secret import Secret
from valetkey.services.registry import Services

HERE: Final = "/integrations"
#: Stands between the pieces of a page that comes piece by piece.
BETWEEN: Final = "\x1e"
_FIELDS: Final = {"name": "name", "key": "key", "secret": "secret", "roleArn": "role_arn"}


@get("/integrations")
async def list_integrations(services: Services, reader: Reader) -> Response[str]:
    """List the organisation's integrations."""
    found = await services.integrations.of_org(reader.caller, reader.org.id)
    return reader.page("integrations/list.html", here=HERE, integrations=found)


@get("/integrations/new")
async def new_integration(services: Services, reader: Reader) -> Response[str]:
    """Open the panel on the right: the fields in the reference page's order, and the guide."""
    await services.integrations.of_org(reader.caller, reader.org.id)
    return reader.part("integrations/new.html", guide=first_guide())


@post("/integrations", status_code=201)
async def create_integration(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[str]:
    """Register an integration; the answer is the report, which asks AWS as it is shown."""
    form = await fields(request)
    try:
        integration = await services.integrations.create(
            reader.caller,
            reader.org.id,
            name=form.get("name", ""),
            key=form.get("key", ""),
            secret=Secret(form.get("secret", "")),
            role_arn=form.get("role_arn", ""),
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, _FIELDS, otherwise="name-error")
    return reader.part("integrations/created.html", integration=integration)


@post("/integrations/{integration_id:str}/mend", status_code=200)
async def mend_integration(
    request: Request[Any, Any, Any], services: Services, reader: Reader, integration_id: str
) -> Response[str]:
    """Take another key and secret, or another role, and show the report anew."""
    form = await fields(request)
    key, secret = form.get("key", ""), form.get("secret", "")
    stored = await services.integrations.get(reader.caller, integration_id)
    if key == stored.access_key_id and not secret:
        key = ""  # the form shows the key that is stored; nothing is changed about it
    try:
        if bool(key) != bool(secret):
            raise InvalidInput(
                "A key goes with its secret.",
                hint="Enter both, or leave both empty to keep those that are stored.",
                field="secret" if key else "key",
            )
        integration = await services.integrations.update(
            reader.caller,
            integration_id,
            credentials=(key, Secret(secret)) if key else None,
            role_arn=form.get("role_arn") or None,
        )
    except InvalidInput as error:
        return refused(error, _FIELDS, otherwise="secret-error")
    return reader.part("integrations/created.html", integration=integration)


@post("/integrations/{integration_id:str}/verify", status_code=200)
async def verify_integration(services: Services, reader: Reader, integration_id: str) -> Stream:
    """Ask AWS, and send each check as soon as it is known; then what follows from them."""
    await services.integrations.get(reader.caller, integration_id)
    return Stream(
        _report(services, reader, integration_id),
        media_type="text/html; charset=utf-8",
        headers=safe_headers(),
    )


async def _report(services: Services, reader: Reader, integration_id: str) -> AsyncIterator[str]:
    def part(name: str, **context: Any) -> str:
        text = templates().get_template(name).render(csrf=reader.session.csrf, **context)
        return text.replace(BETWEEN, "") + BETWEEN

    try:
        integration, report = await services.integrations.verify(reader.caller, integration_id)
        for number, check in enumerate(report.checks):
            yield part("integrations/check.html", check=check, number=number)
    except ValetkeyError as error:
        yield part("error_part.html", error=error, request_id="")
        return
    yield part("integrations/outcome.html", integration=integration, report=report)


@get("/integrations/{integration_id:str}/delete")
async def ask_to_delete(services: Services, reader: Reader, integration_id: str) -> Response[str]:
    """Ask before an integration goes, naming it and what stands on it."""
    integration = await services.integrations.get(reader.caller, integration_id)
    return reader.part("integrations/delete.html", integration=integration)


@post("/integrations/{integration_id:str}/delete")
async def delete_integration(
    services: Services, reader: Reader, integration_id: str
) -> Response[Any]:
    """Forget an integration."""
    await services.integrations.delete(reader.caller, integration_id)
    return go_to("/integrations?done=integration-deleted")


ROUTES = (
    list_integrations,
    new_integration,
    create_integration,
    mend_integration,
    verify_integration,
    ask_to_delete,
    delete_integration,
)
