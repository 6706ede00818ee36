"""Locations: the list, the panel that makes one, and the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.response import Stream

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.reports import stream_report
from valetkey.console.web import fields, go_to
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    InvalidInput,
)
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.people import Project
from valetkey.services.locations import NewLocation

HERE: Final = "/locations"
_FIELDS: Final = {
    "name": "name",
    "bucket": "bucket",
    "prefix": "folder",
    "path": "folder",
    "region": "region",
    "endpoint": "endpoint",
    "integrationId": "integration",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A location in the list."""

    location: Location
    project: Project
    may_manage: bool


async def readable_locations(services: Services, reader: Reader) -> list[Shown]:
    """Return the locations of every project where the reader may see them."""
    found = []
    for project in reader.projects:
        rights = reader.may_in(project)
        if rights.read_locations:
            locations = await services.locations.of_project(reader.caller, project.id)
            found += [Shown(location, project, rights.manage_locations) for location in locations]
    return found


async def usable_integrations(services: Services, reader: Reader) -> Sequence[Integration]:
    """Return the integrations that the reader may choose from."""
    if not reader.rights.read_integrations:
        return ()
    return await services.integrations.of_org(reader.caller, reader.org.id)


@get("/locations")
async def list_locations(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[str]:
    """List the locations. Raises Denied for who may see none."""
    reader.require(reader.rights.read_locations, "read locations")
    return reader.page(
        "locations/list.html",
        here=HERE,
        shown=await readable_locations(services, reader),
        open_for=request.query_params.get("new", ""),
    )


@get("/locations/new")
async def new_location(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[str]:
    """Open the panel that makes a location."""
    places = [project for project in reader.projects if reader.may_in(project).manage_locations]
    reader.require(bool(places), "manage locations")
    return reader.part(
        "locations/new.html",
        places=places,
        integrations=await usable_integrations(services, reader),
        chosen=request.query_params.get("integration", ""),
    )


@post("/locations", status_code=201)
async def create_location(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[Any]:
    """Make a location; the bucket is looked for at AWS."""
    form = await fields(request)
    new = NewLocation(
        name=form.get("name", ""),
        integration_id=form.get("integration", ""),
        bucket=form.get("bucket", ""),
        folder=form.get("folder", ""),
        region=form.get("region", ""),
        endpoint=form.get("endpoint", ""),
        allow_external_delete=form.get("delete") == "yes",
    )
    try:
        location = await services.locations.create(reader.caller, form.get("project", ""), new)
    except (InvalidInput, Conflict) as error:
        return refused(error, _FIELDS, otherwise="name-error")
    except (AwsRefused, AwsUnavailable) as error:
        return refused(error, {}, otherwise="bucket-error")
    return reader.part("locations/created.html", location=location)


@get("/locations/{location_id:str}/test")
async def show_test(
    request: Request[Any, Any, Any], services: Services, reader: Reader, location_id: Segment
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
        services.locations.test_stream(reader.caller, location_id),
        "locations/outcome.html",
        lambda report: {"location": location, "report": report},
    )


@get("/locations/{location_id:str}/delete")
async def ask_to_delete(services: Services, reader: Reader, location_id: Segment) -> Response[str]:
    """Ask before a location goes, naming it."""
    location = await services.locations.get(reader.caller, location_id)
    return reader.part("locations/delete.html", location=location)


@post("/locations/{location_id:str}/delete")
async def delete_location(
    services: Services, reader: Reader, location_id: Segment
) -> Response[Any]:
    """Forget a location."""
    await services.locations.delete(reader.caller, location_id)
    return go_to("/locations?done=location-deleted")


ROUTES = (
    list_locations,
    new_location,
    create_location,
    show_test,
    test_location,
    ask_to_delete,
    delete_location,
)
