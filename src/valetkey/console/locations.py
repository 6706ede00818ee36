"""Locations: the list, the panel that makes one, the test, and its deletion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Stream

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.menus import ListPart, Menu, chosen, end_of_day
from valetkey.console.page import lives_on
from valetkey.console.reports import stream_report
from valetkey.console.web import fields, go_to, named, plain, repeated, tell
from valetkey.domain.access import Action
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    InvalidInput,
)
from valetkey.domain.integration import Integration
from valetkey.domain.location import ALL_ACCESS, Location, NewLocation
from valetkey.domain.people import Project
from valetkey.domain.scope import AccessLevel, parse_levels

HERE: Final = "/locations"
FIELDS: Final = {
    "name": "name",
    "bucket": "bucket",
    "prefix": "folder",
    "path": "folder",
    "region": "region",
    "endpoint": "endpoint",
    "integrationId": "integration",
    "project": "project",
    "access": "access",
    "endsAt": "ends",
}


@dataclass(frozen=True, slots=True)
class ShownLocation:
    """A location in a list."""

    location: Location
    project: Project

    @property
    def label(self) -> str:
        """What people read of it in a menu."""
        return label_of(self.location)

    @property
    def place(self) -> str:
        return _place_of(self.location)


def label_of(location: Location) -> str:
    """Return what people read of a location in a menu."""
    return f"{location.name} ({_place_of(location)})"


def _place_of(location: Location) -> str:
    return f"s3://{location.bucket}/{location.prefix}"


async def readable_locations(
    services: Services, reader: Reader, action: Action = Action.READ_LOCATIONS, *, name: str = ""
) -> list[ShownLocation]:
    """Return the locations of every project where the reader may see them, and may do ``action``;
    with ``name`` those of that name."""
    allowed = {each.id: each for each in reader.projects if reader.may(action, each)}
    found = await services.locations.visible(reader.caller, name=name)
    return [
        ShownLocation(each, allowed[each.project_id])
        for each in found
        if each.project_id in allowed
    ]


def location_menu(shown: Iterable[ShownLocation]) -> Menu:
    """Return the menu of locations."""
    return Menu.of((line.location.id, line.label) for line in shown)


def chosen_location(text: str, shown: Iterable[ShownLocation]) -> ShownLocation:
    """Return the location that a form means. Raises InvalidInput."""
    return chosen(
        text,
        shown,
        lambda line: (line.location.id, line.location.name),
        what="location",
        field="location",
    )


async def usable_integrations(services: Services, reader: Reader) -> Sequence[Integration]:
    """Return the integrations that the reader may choose from."""
    if not reader.rights.read_integrations:
        return ()
    return await services.integrations.of_org(reader.caller, reader.org.id)


@get("/locations")
async def list_locations(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """List the locations. Raises Denied for who may see none."""
    reader.require(reader.rights.read_locations, "read locations")
    shown = await readable_locations(services, reader)
    return reader.page(
        "locations/list.html",
        here=HERE,
        shown=ListPart.of(request, shown, lambda line: f"{line.location.name} {line.place}"),
        open_for=request.query_params.get("new", ""),
    )


@get("/locations/new")
async def new_location(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Open the panel that makes a location."""
    places = [each for each in reader.projects if reader.may(Action.MANAGE_LOCATIONS, each)]
    reader.require(bool(places), "manage locations")
    integrations = await usable_integrations(services, reader)
    return reader.part(
        "locations/new.html",
        places=Menu.of((project.id, project.name) for project in places),
        integrations=Menu.of(
            (each.id, f"{each.name} ({each.state.value})") for each in integrations
        ),
        chosen=request.query_params.get("integration", ""),
        levels=list(AccessLevel),
        fresh=NewLocation("", ""),
    )


@post("/locations", status_code=201)
async def create_location(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Make a location; the bucket is looked for at AWS."""
    form, levels = await fields(request), await repeated(request, "access")
    try:
        project = chosen(
            form.get("project", ""), reader.projects, named, what="project", field="project"
        )
        given: dict[str, Any] = {"name": "", "bucket": ""} | plain(form, NewLocation)
        integration = await _integration_id(services, reader, form.get("integration", ""))
        given["integration_id"] = integration
        given["access"] = parse_levels(levels) if levels else ALL_ACCESS
        given["ends_at"] = end_of_day(form.get("ends", ""), "endsAt")
        new = NewLocation(**given)
        location = await services.locations.create(reader.caller, project.id, new)
    except (InvalidInput, Conflict) as error:
        return refused(error, FIELDS, otherwise="name-error")
    except (AwsRefused, AwsUnavailable) as error:
        return refused(error, {}, otherwise="bucket-error")
    return tell(reader.part("locations/created.html", location=location))


async def _integration_id(services: Services, reader: Reader, text: str) -> str:
    """Return the integration that a form means; whoever sees none names none: what they make lies
    within what their project has."""
    if not text or not reader.rights.read_integrations:
        return text
    integrations = await usable_integrations(services, reader)
    found = chosen(text, integrations, named, what="integration", field="integrationId")
    return found.id


@get("/locations/{location_id:str}/test")
async def show_test(
    request: HttpRequest, services: Services, reader: Reader, location_id: Segment
) -> Response[str]:
    """Open the panel in which a test writes itself."""
    location = await services.locations.get(reader.caller, location_id)
    name = "tested" if request.query_params.get("in") == "panel" else "test"
    return reader.part(f"locations/{name}.html", location=location)


@post("/locations/{location_id:str}/test", status_code=200)
async def test_location(services: Services, reader: Reader, location_id: Segment) -> Stream:
    """List, write, read and delete a probe object, and send each check as soon as it is known."""
    location = await services.locations.get(reader.caller, location_id)
    return stream_report(
        services.locations.verify_stream(reader.caller, location_id),
        "locations/outcome.html",
        lambda report: {"location": location, "report": report},
    )


@get("/locations/{location_id:str}/delete")
async def ask_to_delete(services: Services, reader: Reader, location_id: Segment) -> Response[str]:
    """Ask before a location goes, naming it."""
    location = await services.locations.get(reader.caller, location_id)
    return reader.part("locations/delete.html", location=location)


@post("/locations/{location_id:str}/delete")
async def delete_location(services: Services, reader: Reader, location_id: Segment) -> HttpResponse:
    """Forget a location."""
    ending = await services.locations.delete(reader.caller, location_id)
    return go_to(f"/locations?done=location-deleted{lives_on(ending)}")


ROUTES = (
    list_locations,
    new_location,
    create_location,
    show_test,
    test_location,
    ask_to_delete,
    delete_location,
)
