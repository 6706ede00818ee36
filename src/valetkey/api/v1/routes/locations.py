"""Locations: made, found by name, changed, tried, forgotten."""

from __future__ import annotations

from typing import Final

import msgspec

from valetkey.api.v1.asking import Ask, Lines, route
from valetkey.api.v1.pages import cursor_of, page_of, read_cursor
from valetkey.api.v1.reports import report_lines, report_shape
from valetkey.api.v1.routes.endings import ending_shape, revoked_shape
from valetkey.domain import location as domain
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.services.locations import Changed, LocationChange, NewLocation
from valetkey.services.registry import Services
from valetkey.wire import locations as wire
from valetkey.wire.base import Nothing, Page
from valetkey.wire.leases import Ending
from valetkey.wire.reports import Report


def levels(access: frozenset[AccessLevel]) -> list[AccessLevel]:
    """Return access levels in the order in which they are told."""
    return [level for level in AccessLevel if level in access]


def shape(
    location: domain.Location,
    kind: IntegrationType | None,
    client_endpoint: str,
    changed: Changed | None = None,
) -> wire.Location:
    """Return a location's shape; ``changed`` is what a change came to."""
    return wire.Location(
        id=location.id,
        project_id=location.project_id,
        name=location.name,
        bucket=location.bucket,
        access=[level.value for level in levels(location.access)],
        created_at=location.created_at,
        updated_at=location.updated_at,
        version=location.version,
        allow_external_delete=location.allow_external_delete,
        shared_sessions=location.shared_sessions,
        requester_pays=location.requester_pays,
        creator=location.creator or None,
        integration_id=location.integration_id or None,
        integration_type=kind.value if kind is not None else None,
        parent_id=location.parent_id,
        folder=location.prefix or None,
        region=location.region or None,
        endpoint=location.endpoint or None,
        client_endpoint=client_endpoint or None,
        storage_class=location.storage_class or None,  # type: ignore[arg-type]  # parsed when made
        kms_key_arn=location.kms_key_arn or None,
        ends_at=location.ends_at,
        child_ids=[each.id for each in changed.below] if changed is not None else None,
        leases_beyond=changed.beyond.live.count if changed is not None else None,
        live_until=changed.beyond.live.until if changed is not None else None,
    )


async def _shown(
    services: Services, location: domain.Location, changed: Changed | None = None
) -> wire.Location:
    types = await services.locations.types_of([location])
    endpoint = services.vending.endpoint(location)
    return shape(location, types.get(location.integration_id), endpoint, changed)


def _place(location: domain.Location) -> tuple[str, str]:
    return location.name, location.id


async def list_locations(ask: Ask[wire.LocationsQuery, Nothing]) -> Page[wire.Location]:
    query, locations = ask.query, ask.services.locations
    if query.project_id is not None:
        found = await locations.of_project(ask.caller, query.project_id)
        found = [each for each in found if query.name in {None, each.name}]
    else:
        found = await locations.visible(ask.caller, name=query.name or "")
    after = read_cursor(query.cursor, tuple[str, str])
    left = [each for each in sorted(found, key=_place) if after is None or _place(each) > after]
    shown = left[: query.limit]
    types = await locations.types_of(shown)
    return page_of(
        shown,
        lambda each: shape(
            each, types.get(each.integration_id), ask.services.vending.endpoint(each)
        ),
        cursor_of(left, query.limit, _place),
    )


def _new(body: wire.NewLocation) -> NewLocation:
    return NewLocation(
        name=body.name,
        bucket=body.bucket,
        integration_id=body.integration_id or "",
        folder=body.folder or "",
        region=body.region or "",
        endpoint=body.endpoint or "",
        storage_class=body.storage_class or "",
        allow_external_delete=body.allow_external_delete,
        kms_key_arn=body.kms_key_arn or "",
        shared_sessions=body.shared_sessions,
        requester_pays=body.requester_pays,
        parent_id=body.parent_id or "",
        access=parse_levels(body.access),
        ends_at=body.ends_at,
    )


async def create_location(ask: Ask[Nothing, wire.NewLocation]) -> wire.Location:
    new = _new(ask.body)
    made = await ask.services.locations.create(ask.caller, ask.body.project_id, new)
    return await _shown(ask.services, made)


async def check_new_location(ask: Ask[Nothing, wire.NewLocation]) -> Nothing:
    await ask.services.locations.try_out(ask.caller, ask.body.project_id, _new(ask.body))
    return Nothing()


async def get_location(ask: Ask[Nothing, Nothing]) -> wire.Location:
    return await _shown(
        ask.services, await ask.services.locations.get(ask.caller, ask["locationId"])
    )


async def update_location(ask: Ask[Nothing, wire.LocationChange]) -> wire.Location:
    body, unset = ask.body, msgspec.UNSET
    wanted = LocationChange(
        name=None if body.name is unset else body.name,
        allow_external_delete=(
            None if body.allow_external_delete is unset else body.allow_external_delete
        ),
        shared_sessions=None if body.shared_sessions is unset else body.shared_sessions,
        requester_pays=None if body.requester_pays is unset else body.requester_pays,
        kms_key_arn=None if body.kms_key_arn is unset else body.kms_key_arn or "",
        access=None if body.access is unset else parse_levels(body.access),
        ends_at=None if body.ends_at is unset else body.ends_at,
        sets_end=body.ends_at is not unset,
        revokes_beyond=body.revoke_beyond is True,
    )
    changed = await ask.services.locations.update(ask.caller, ask["locationId"], wanted)
    shown, revoked = await _shown(ask.services, changed.location, changed), changed.beyond.revoked
    if revoked is None:
        return shown
    return msgspec.structs.replace(shown, revoked=await revoked_shape(ask.services, revoked))


async def delete_location(ask: Ask[wire.LocationDeletion, Nothing]) -> Ending:
    ending = await ask.services.locations.delete(
        ask.caller, ask["locationId"], revokes=ask.query.revoke
    )
    return await ending_shape(ask.services, ending)


async def verify_location(ask: Ask[Nothing, Nothing]) -> Report:
    report = await ask.services.locations.test(ask.caller, ask["locationId"])
    return report_shape(report, f"location:{ask['locationId']}")


async def follow_verification(ask: Ask[Nothing, Nothing]) -> Lines:
    location_id = ask["locationId"]
    await ask.services.locations.get(ask.caller, location_id)  # before the answer has begun
    events = ask.services.locations.test_stream(ask.caller, location_id)
    return Lines(report_lines(events, f"location:{location_id}", ask.caller.request_id))


ROUTES: Final = (
    route(wire.LIST_LOCATIONS, list_locations),
    route(wire.CREATE_LOCATION, create_location),
    route(wire.CHECK_NEW_LOCATION, check_new_location),
    route(wire.GET_LOCATION, get_location),
    route(wire.UPDATE_LOCATION, update_location),
    route(wire.DELETE_LOCATION, delete_location),
    route(wire.VERIFY_LOCATION, verify_location, lines=follow_verification),
)
