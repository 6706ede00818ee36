"""Integrations: register, verify, change, forget."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import JSONBody
from litestar.response import Stream

from valetkey.api.dependencies import Caller, Services
from valetkey.catalog.dataloop.wire.integrations import (
    IntegrationChangeIn,
    IntegrationIn,
    IntegrationOut,
    OptionsIn,
)
from valetkey.catalog.dataloop.wire.reports import ReportOut, report_lines
from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration import Integration
from valetkey.services.lookup import missing


@post("/orgs/{org_id:str}/integrations", tags=["integrations"])
async def create_integration(
    services: Services,
    caller: Caller,
    org_id: str,
    data: JSONBody[IntegrationIn],
    verify: bool = True,  # a query parameter
) -> IntegrationOut:
    """Register an integration, and verify it unless ``verify=false``.

    It is kept even if a check fails: its ``state`` says so, and the report says why.
    """
    integration = await services.integrations.register(caller, org_id, data.new)
    if not verify or not integration.type.rules.is_tried_at_once:
        return IntegrationOut.of(integration)
    integration, report = await services.integrations.verify(caller, integration.id)
    return IntegrationOut.of(integration, ReportOut.of(report, f"integration:{integration.id}"))


@get(
    ["/orgs/{org_id:str}/integrations", "/orgs/{org_id:str}/availableIntegrations"],
    tags=["integrations"],
)
async def list_integrations(
    services: Services, caller: Caller, org_id: str
) -> list[IntegrationOut]:
    """List an organisation's integrations; secrets are never shown."""
    found = await services.integrations.of_org(caller, org_id)
    return [IntegrationOut.of(integration) for integration in found]


async def _in_org(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> Integration:
    integration = await services.integrations.get(caller, integration_id)
    if integration.org_id != org_id:
        raise missing(f"integration:{integration_id}")
    return integration


@get("/orgs/{org_id:str}/integrations/{integration_id:str}", tags=["integrations"])
async def show_integration(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> IntegrationOut:
    """Show an integration."""
    return IntegrationOut.of(await _in_org(services, caller, org_id, integration_id))


@patch("/orgs/{org_id:str}/integrations", tags=["integrations"])
async def change_integration(
    services: Services, caller: Caller, org_id: str, data: JSONBody[IntegrationChangeIn]
) -> IntegrationOut:
    """Change an integration's name, key and secret, or role."""
    await _in_org(services, caller, org_id, data.integration_id)
    options = data.credentials.options if data.credentials else OptionsIn()
    if bool(options.key) != bool(options.hidden):
        raise InvalidInput(
            "A key goes with its secret.", hint="Send both, or neither.", field="credentials"
        )
    integration = await services.integrations.update(
        caller,
        data.integration_id,
        name=data.name,
        credentials=(options.key, options.hidden) if options.key else None,
        role_arn=options.role or None,
    )
    if integration.type.rules.trusts_server and options.role:
        # Now there is something to try: does the role trust this server, and only so?
        integration, report = await services.integrations.verify(caller, integration.id)
        return IntegrationOut.of(integration, ReportOut.of(report, f"integration:{integration.id}"))
    return IntegrationOut.of(integration)


@delete("/orgs/{org_id:str}/integrations/{integration_id:str}", tags=["integrations"])
async def delete_integration(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> None:
    """Forget an integration and its secret; refused while drivers use it."""
    await _in_org(services, caller, org_id, integration_id)
    await services.integrations.delete(caller, integration_id)


@post(
    "/orgs/{org_id:str}/integrations/{integration_id:str}/verify",
    status_code=200,
    tags=["integrations"],
)
async def verify_integration(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> ReportOut:
    """Ask AWS whether the integration works, through each of its drivers too."""
    await _in_org(services, caller, org_id, integration_id)
    _, report = await services.integrations.verify(caller, integration_id)
    return ReportOut.of(report, f"integration:{integration_id}")


@post(
    "/orgs/{org_id:str}/integrations/{integration_id:str}/verify/stream",
    status_code=200,
    media_type="application/x-ndjson",
    tags=["integrations"],
)
async def follow_verification(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> Stream:
    """Verify, and send each check as soon as it is known: a JSON object a line, the report last."""
    await _in_org(services, caller, org_id, integration_id)
    events = services.integrations.verify_stream(caller, integration_id)
    lines = report_lines(events, f"integration:{integration_id}")
    return Stream(lines, media_type="application/x-ndjson")


ROUTES = (
    create_integration,
    list_integrations,
    show_integration,
    change_integration,
    delete_integration,
    verify_integration,
    follow_verification,
)
