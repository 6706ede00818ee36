"""Rotating an integration's access key; switching an integration off and on."""

from __future__ import annotations

from datetime import timedelta

from litestar import get, post, put

from valetkey.api.dependencies import Caller, Services
from valetkey.api.wire.integrations import IntegrationOut
from valetkey.api.wire.rotation import RotateIn, RotationOut, RotationStatusOut, ScheduleIn
from valetkey.services.lookup import missing

_PATH = "/orgs/{org_id:str}/integrations/{integration_id:str}"


async def _require_in_org(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> None:
    integration = await services.integrations.get(caller, integration_id)
    if integration.org_id != org_id:
        raise missing(f"integration:{integration_id}")


@post(f"{_PATH}/rotate", status_code=202, tags=["rotation"])
async def rotate(
    services: Services,
    caller: Caller,
    org_id: str,
    integration_id: str,
    data: RotateIn | None = None,
) -> RotationOut:
    """Start to replace the access key, or go on with the rotation under way.

    It goes on by itself; ask for its status. Vending uses the old key until the new one is proven.
    """
    await _require_in_org(services, caller, org_id, integration_id)
    asked = data or RotateIn()
    administrator = asked.administrator.signer if asked.administrator else None
    rotation = await services.rotations.start(
        caller,
        integration_id,
        delete_stranger=asked.delete_stranger,
        grace=asked.grace,
        administrator=administrator,
    )
    services.rotations.advance_soon(rotation.id, administrator)
    return RotationOut.of(rotation)


@get(f"{_PATH}/rotate", tags=["rotation"])
async def rotation_status(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> RotationStatusOut:
    """Show the latest rotation, step by step, and the schedule."""
    await _require_in_org(services, caller, org_id, integration_id)
    return RotationStatusOut.of(await services.rotations.status(caller, integration_id))


@put(f"{_PATH}/rotate/schedule", tags=["rotation"])
async def schedule_rotation(
    services: Services, caller: Caller, org_id: str, integration_id: str, data: ScheduleIn
) -> RotationStatusOut:
    """Rotate every so many seconds (a day to a year) from now on, or never (null)."""
    await _require_in_org(services, caller, org_id, integration_id)
    every = None if data.every_seconds is None else timedelta(seconds=data.every_seconds)
    await services.rotations.schedule(caller, integration_id, every)
    return RotationStatusOut.of(await services.rotations.status(caller, integration_id))


@post(f"{_PATH}/disable", status_code=200, tags=["integrations"])
async def disable_integration(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> IntegrationOut:
    """Give no credentials through an integration until it is enabled again."""
    await _require_in_org(services, caller, org_id, integration_id)
    return IntegrationOut.of(await services.integrations.disable(caller, integration_id))


@post(f"{_PATH}/enable", status_code=200, tags=["integrations"])
async def enable_integration(
    services: Services, caller: Caller, org_id: str, integration_id: str
) -> IntegrationOut:
    """Give credentials through an integration again; it has to be verified anew."""
    await _require_in_org(services, caller, org_id, integration_id)
    return IntegrationOut.of(await services.integrations.enable(caller, integration_id))


ROUTES = (rotate, rotation_status, schedule_rotation, disable_integration, enable_integration)
