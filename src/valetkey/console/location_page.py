"""One location: its facts, what it gives to whom, and what can be changed."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.credentials import TTLS
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.leases import block_of
from valetkey.console.locations import FIELDS, HERE
from valetkey.console.menus import day_of, end_of_day, number
from valetkey.console.page import lives_on
from valetkey.console.web import fields, go_to, lines, plain, reload, repeated
from valetkey.domain.access import Action
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.errors import Conflict, InvalidInput, NotFound
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import Location, LocationChange
from valetkey.domain.people import Project
from valetkey.domain.revocation import Kind
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.services.grants import NewGrant

_GRANT_FIELDS: Final = {
    "user": "subject",
    "group": "subject",
    "prefix": "folders",
    "prefixes": "folders",
    "access": "grant-access",
    "ttl": "ttl",
    "endsAt": "grant-ends",
    "reason": "why",
}


@get("/locations/{location_id:str}")
async def show_location(services: Services, reader: Reader, location_id: Segment) -> Response[str]:
    """Show everything about one location."""
    location = await services.locations.get(reader.caller, location_id)
    project = _project(reader, location)
    may_grant = reader.may(Action.MANAGE_PROJECT, project)
    may_change = reader.may(Action.MANAGE_LOCATIONS, project)
    parent = None
    if location.parent_id:
        parent = await services.locations.get(reader.caller, location.parent_id)
    return reader.page(
        "locations/page.html",
        here=HERE,
        location=location,
        project=project,
        parent=parent,
        may_change=may_change,
        # A root's extent is an owner's to change, since they gave it.
        may_narrow=may_change and (parent is not None or reader.may_manage_roots(project)),
        may_grant=may_grant,
        grants=await services.grants.of_location(reader.caller, location_id) if may_grant else (),
        now=services.clock.now(),
        levels=list(AccessLevel),
        ttls=TTLS,
        block=await block_of(services, reader, Kind.LOCATION, location_id),
    )


def _project(reader: Reader, location: Location) -> Project:
    found = (each for each in reader.projects if each.id == location.project_id)
    project = next(found, None)
    if project is None:
        raise NotFound("The project of this location is not yours to see.", hint="Ask its owner.")
    return project


@post("/locations/{location_id:str}")
async def change_location(
    request: HttpRequest, services: Services, reader: Reader, location_id: Segment
) -> HttpResponse:
    """Change a location: its name, what it gives, until when, and whether deletions reach its
    bucket. What a form does not have stays."""
    form, levels = await fields(request), await repeated(request, "access")
    stored = await services.locations.get(reader.caller, location_id)
    try:
        has_extent = "ends" in form
        given: dict[str, Any] = plain(form, LocationChange)
        given["revokes_beyond"] = form.get("revoke") == "yes"
        if has_extent:
            given["access"] = _access(levels)
        if has_extent and form["ends"] != day_of(stored.ends_at):
            given["ends_at"] = end_of_day(form["ends"], "endsAt")
        wanted = LocationChange(**given)
        changed = await services.locations.update(reader.caller, location_id, wanted)
    except (InvalidInput, Conflict) as error:
        return refused(error, FIELDS, otherwise="name-error")
    return reload(f"/locations/{location_id}?done=location-changed{lives_on(changed.beyond)}")


def _access(levels: list[str]) -> frozenset[AccessLevel]:
    """Read ticked boxes; the service refuses that there are none."""
    return parse_levels(levels) if levels else frozenset()


@post("/locations/{location_id:str}/grants")
async def create_grant(
    request: HttpRequest, services: Services, reader: Reader, location_id: Segment
) -> HttpResponse:
    """Grant folders and access of a location to a person, a service account or a group."""
    form, levels = await fields(request), await repeated(request, "access")
    is_group = form.get("kind") == SubjectKind.GROUP.value
    try:
        new = NewGrant(
            subject_kind=SubjectKind.GROUP if is_group else SubjectKind.USER,
            subject=form.get("subject", "").strip(),
            prefixes=tuple(lines(form.get("folders", ""))),
            levels=parse_levels(levels),
            max_ttl=parse_ttl(number(form.get("ttl", ""))),
            ends_at=end_of_day(form.get("grant-ends", ""), "endsAt"),
            reason=form.get("why", ""),
        )
        await services.grants.create(reader.caller, location_id, new)
    except (InvalidInput, Conflict) as error:
        return refused(error, _GRANT_FIELDS, otherwise="grant-error")
    return reload(f"/locations/{location_id}?done=grant-created")


@post("/locations/{location_id:str}/grants/{grant_id:str}/delete")
async def delete_grant(
    services: Services, reader: Reader, location_id: Segment, grant_id: Segment
) -> HttpResponse:
    """Take a grant back."""
    ending = await services.grants.delete(reader.caller, location_id, grant_id)
    return go_to(f"/locations/{location_id}?done=grant-deleted{lives_on(ending)}")


ROUTES = (show_location, change_location, create_grant, delete_grant)
