"""Integrations: register, verify, change, forget."""

from __future__ import annotations

from typing import Any, Final

from litestar import delete, get, patch, post

from valetkey.api import wire
from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration import Integration, IntegrationType
from valetkey.domain.secret import Secret
from valetkey.services.audit import Caller
from valetkey.services.guard import missing
from valetkey.services.registry import Services


def _require_sts(kind: str) -> None:
    if kind != IntegrationType.AWS_STS:
        raise InvalidInput(
            f"{kind[:40]!r} is not a type of integration that can be made here.",
            hint="Use aws-sts.",
            field="type",
        )


@post("/orgs/{org_id:str}/integrations", status_code=201, tags=["integrations"])
async def create_integration(
    services: Services,
    caller: Caller,
    org_id: str,
    data: wire.NewIntegration,
    verify: bool = True,  # a query parameter
) -> dict[str, Any]:
    """Register an integration, and verify it unless ``verify=false``.

    It is kept even if a check fails: its ``state`` says so, and the report says why.
    """
    _require_sts(data.type)
    integration = await services.integrations.create(
        caller,
        org_id,
        name=data.name,
        key=data.options.key,
        secret=Secret(data.options.secret),
        role_arn=data.options.roleArns or data.options.roleArn,
    )
    if not verify:
        return wire.integration_out(integration)
    integration, report = await services.integrations.verify(caller, integration.id)
    shown = wire.report_out(report, f"integration:{integration.id}")
    return wire.integration_out(integration) | {"report": shown}


@get(
    ["/orgs/{org_id:str}/integrations", "/orgs/{org_id:str}/availableIntegrations"],
    tags=["integrations"],
)
async def list_integrations(
    services: Services, caller: Caller, org_id: str
) -> list[dict[str, Any]]:
    """List an organisation's integrations; secrets are never shown."""
    return [wire.integration_out(i) for i in await services.integrations.of_org(caller, org_id)]


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
) -> dict[str, Any]:
    """Show an integration."""
    return wire.integration_out(await _in_org(services, caller, org_id, integration_id))


@patch("/orgs/{org_id:str}/integrations", tags=["integrations"])
async def change_integration(
    services: Services, caller: Caller, org_id: str, data: wire.IntegrationChange
) -> dict[str, Any]:
    """Change an integration's name, key, secret or role."""
    await _in_org(services, caller, org_id, data.integration_id)
    options = data.credentials.options if data.credentials else wire.IntegrationOptions()
    if bool(options.key) != bool(options.secret):
        raise InvalidInput(
            "A key goes with its secret.", hint="Send both, or neither.", field="credentials"
        )
    integration = await services.integrations.update(
        caller,
        data.integration_id,
        name=data.name,
        credentials=(options.key, Secret(options.secret)) if options.key else None,
        role_arn=options.roleArns or options.roleArn or None,
    )
    return wire.integration_out(integration)


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
) -> dict[str, Any]:
    """Ask AWS whether the integration works, through each of its drivers too."""
    await _in_org(services, caller, org_id, integration_id)
    _, report = await services.integrations.verify(caller, integration_id)
    return wire.report_out(report, f"integration:{integration_id}")


HANDLERS: Final = (
    create_integration,
    list_integrations,
    show_integration,
    change_integration,
    delete_integration,
    verify_integration,
)
