"""Locations: made, found by name, changed, tried, forgotten."""

from __future__ import annotations

from typing import Final

import msgspec

from valetkey.api.mapping import InputMapper, ShapeMapper
from valetkey.api.v1.calls import ApiCall, LinesResponse, route
from valetkey.api.v1.pages import cursor_of, page_of, read_cursor
from valetkey.api.v1.reports import report_lines, report_shape
from valetkey.api.v1.routes.endings import ending_shape, revoked_shape
from valetkey.domain import location as domain
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.scope import parse_levels
from valetkey.services.locations import Changed
from valetkey.services.registry import Services
from valetkey.wire import leases as leases_wire
from valetkey.wire import locations as wire
from valetkey.wire import reports
from valetkey.wire.base import Nothing, Page

_shape: Final = ShapeMapper(
    wire.Location,
    domain.Location,
    named={"folder": "prefix"},
    added=(
        "integration_type",
        "client_endpoint",
        "child_ids",
        "leases_beyond",
        "live_until",
        "revoked",
    ),
)
_new: Final = InputMapper(
    domain.NewLocation, wire.NewLocation, by={"access": parse_levels}, beside=("project_id",)
)
_change: Final = InputMapper(
    domain.LocationChange,
    wire.LocationChange,
    named={"revoke_beyond": "revokes_beyond"},
    by={"access": parse_levels},
)


def shape(
    services: Services,
    location: domain.Location,
    kind: IntegrationType | None,
    changed: Changed | None = None,
) -> wire.Location:
    """Return a location's shape; ``changed`` is what a change came to."""
    return _shape(
        location,
        integration_type=kind.value if kind is not None else None,
        client_endpoint=services.vending.endpoint(location) or None,
        child_ids=[each.id for each in changed.below] if changed is not None else None,
        leases_beyond=changed.beyond.live.count if changed is not None else None,
        live_until=changed.beyond.live.until if changed is not None else None,
    )


async def _shown(
    services: Services, location: domain.Location, changed: Changed | None = None
) -> wire.Location:
    types = await services.locations.types_of([location])
    return shape(services, location, types.get(location.integration_id), changed)


def _place(location: domain.Location) -> tuple[str, str]:
    return location.name, location.id


async def list_locations(call: ApiCall[wire.LocationsQuery, Nothing]) -> Page[wire.Location]:
    query, locations = call.query, call.services.locations
    if query.project_id is not None:
        found = await locations.of_project(call.caller, query.project_id)
        found = [each for each in found if query.name in {None, each.name}]
    else:
        found = await locations.visible(call.caller, name=query.name or "")
    after = read_cursor(query.cursor, tuple[str, str])
    left = [each for each in sorted(found, key=_place) if after is None or _place(each) > after]
    shown = left[: query.limit]
    types = await locations.types_of(shown)
    return page_of(
        shown,
        lambda each: shape(call.services, each, types.get(each.integration_id)),
        cursor_of(left, query.limit, _place),
    )


async def create_location(call: ApiCall[Nothing, wire.NewLocation]) -> wire.Location:
    new = _new(call.body)
    made = await call.services.locations.create(call.caller, call.body.project_id, new)
    return await _shown(call.services, made)


async def check_new_location(call: ApiCall[Nothing, wire.NewLocation]) -> Nothing:
    await call.services.locations.try_out(call.caller, call.body.project_id, _new(call.body))
    return Nothing()


async def get_location(call: ApiCall[Nothing, Nothing]) -> wire.Location:
    return await _shown(
        call.services, await call.services.locations.get(call.caller, call["locationId"])
    )


async def update_location(call: ApiCall[Nothing, wire.LocationChange]) -> wire.Location:
    changed = await call.services.locations.update(
        call.caller, call["locationId"], _change(call.body)
    )
    shown, revoked = await _shown(call.services, changed.location, changed), changed.beyond.revoked
    if revoked is None:
        return shown
    return msgspec.structs.replace(shown, revoked=await revoked_shape(call, revoked))


async def delete_location(call: ApiCall[wire.LocationDeletion, Nothing]) -> leases_wire.Ending:
    ending = await call.services.locations.delete(
        call.caller, call["locationId"], revokes=call.query.revoke
    )
    return await ending_shape(call, ending)


async def verify_location(call: ApiCall[Nothing, Nothing]) -> reports.Report:
    report = await call.services.locations.verify(call.caller, call["locationId"])
    return report_shape(report, f"location:{call['locationId']}")


async def follow_verification(call: ApiCall[Nothing, Nothing]) -> LinesResponse:
    location_id = call["locationId"]
    await call.services.locations.get(call.caller, location_id)  # before the answer has begun
    events = call.services.locations.verify_stream(call.caller, location_id)
    return LinesResponse(report_lines(events, f"location:{location_id}", call.caller.request_id))


ROUTES: Final = (
    route(wire.LIST_LOCATIONS, list_locations),
    route(wire.CREATE_LOCATION, create_location),
    route(wire.CHECK_NEW_LOCATION, check_new_location),
    route(wire.GET_LOCATION, get_location),
    route(wire.UPDATE_LOCATION, update_location),
    route(wire.DELETE_LOCATION, delete_location),
    route(wire.VERIFY_LOCATION, verify_location, lines=follow_verification),
)
