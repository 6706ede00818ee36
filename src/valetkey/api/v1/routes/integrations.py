"""Integrations: register, verify, change, forget."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec

from valetkey.api.mapping import InputMapper, ShapeMapper
from valetkey.api.v1.calls import ApiCall, LinesResponse, route
from valetkey.api.v1.orgs import which_org
from valetkey.api.v1.pages import part
from valetkey.api.v1.reports import report_lines, report_shape
from valetkey.api.v1.routes.endings import ending_shape, living
from valetkey.domain import integration as domain
from valetkey.domain import integration_types
from valetkey.domain.errors import InvalidInput
from valetkey.domain.secret import Secret
from valetkey.domain.verification import Report as Found
from valetkey.wire import integrations as wire
from valetkey.wire import leases as leases_wire
from valetkey.wire import reports
from valetkey.wire.base import Nothing, Page

_shape: Final = ShapeMapper(
    wire.Integration,
    domain.Integration,
    by={"role_arn": lambda arn: str(arn) or None},
    added=("report", "live_leases", "live_until"),
)
_new: Final = InputMapper(
    integration_types.NewIntegration,
    wire.NewIntegration,
    named={"access_key_id": "key", "secret_access_key": "secret"},
    by={"secret_access_key": Secret},
    beside=("org_id", "provider", "ref"),
)


def shape(integration: domain.Integration, report: Found | None = None) -> wire.Integration:
    """Return an integration's shape, with the report of a verification just made."""
    told = report_shape(report, f"integration:{integration.id}") if report else None
    return _shape(integration, report=told)


async def list_integrations(
    call: ApiCall[wire.IntegrationsQuery, Nothing],
) -> Page[wire.Integration]:
    org_id = which_org(call.caller, call.query.org_id)
    found = await call.services.integrations.of_org(call.caller, org_id)
    wanted = [each for each in found if call.query.name in {None, each.name}]
    return part(wanted, call.query, lambda each: (each.name, each.id), shape)


async def create_integration(
    call: ApiCall[wire.VerifyQuery, wire.NewIntegration],
) -> wire.Integration:
    body, services = call.body, call.services
    given = {"provider": body.provider, "ref": body.ref}
    facts = {name: value for name, value in given.items() if value is not None}
    new = replace(_new(body), facts=facts)
    org_id = which_org(call.caller, body.org_id)
    integration = await services.integrations.register(call.caller, org_id, new)
    if not call.query.verify or not integration.type.rules.is_tried_at_once:
        return shape(integration)
    return shape(*await services.integrations.verify(call.caller, integration.id))


async def get_integration(call: ApiCall[Nothing, Nothing]) -> wire.Integration:
    return shape(await call.services.integrations.get(call.caller, call["integrationId"]))


async def update_integration(call: ApiCall[Nothing, wire.IntegrationChange]) -> wire.Integration:
    body, unset = call.body, msgspec.UNSET
    if (body.access_key_id is unset) != (body.secret_access_key is unset):
        raise InvalidInput(
            "A key goes with its secret.",
            hint="Send both accessKeyId and secretAccessKey, or neither.",
            field="secretAccessKey" if body.secret_access_key is unset else "accessKeyId",
        )
    credentials = None
    if body.access_key_id is not unset and body.secret_access_key is not unset:
        credentials = (body.access_key_id, Secret(body.secret_access_key))
    role_arn = None if body.role_arn is unset else body.role_arn
    integration = await call.services.integrations.update(
        call.caller,
        call["integrationId"],
        name=None if body.name is unset else body.name,
        credentials=credentials,
        role_arn=role_arn,
    )
    if integration.type.rules.trusts_server and role_arn:
        # Now there is something to try: does the role trust this server, and only so?
        return shape(*await call.services.integrations.verify(call.caller, integration.id))
    return shape(integration)


async def delete_integration(call: ApiCall[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await call.services.integrations.delete(call.caller, call["integrationId"])
    return await ending_shape(call, ending)


async def verify_integration(call: ApiCall[Nothing, Nothing]) -> reports.Report:
    integration_id = call["integrationId"]
    _, report = await call.services.integrations.verify(call.caller, integration_id)
    return report_shape(report, f"integration:{integration_id}")


async def follow_verification(call: ApiCall[Nothing, Nothing]) -> LinesResponse:
    integration_id = call["integrationId"]
    await call.services.integrations.get(call.caller, integration_id)
    events = call.services.integrations.verify_stream(call.caller, integration_id)
    return LinesResponse(
        report_lines(events, f"integration:{integration_id}", call.caller.request_id)
    )


async def disable_integration(call: ApiCall[Nothing, Nothing]) -> wire.Integration:
    integrations, integration_id = call.services.integrations, call["integrationId"]
    changed, ending = await integrations.disable(call.caller, integration_id)
    return msgspec.structs.replace(shape(changed), **living(ending))


async def enable_integration(call: ApiCall[Nothing, Nothing]) -> wire.Integration:
    return shape(await call.services.integrations.enable(call.caller, call["integrationId"]))


ROUTES: Final = (
    route(wire.LIST_INTEGRATIONS, list_integrations),
    route(wire.CREATE_INTEGRATION, create_integration),
    route(wire.GET_INTEGRATION, get_integration),
    route(wire.UPDATE_INTEGRATION, update_integration),
    route(wire.DELETE_INTEGRATION, delete_integration),
    route(wire.VERIFY_INTEGRATION, verify_integration, lines=follow_verification),
    route(wire.DISABLE_INTEGRATION, disable_integration),
    route(wire.ENABLE_INTEGRATION, enable_integration),
)
