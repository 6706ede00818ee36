"""Datasets: the list, the panel that makes one, and its deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar import Response, get, post

from valetkey.catalog.dependencies import Catalog
from valetkey.catalog.services.datasets.datasets import DatasetView, NewDataset
from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.locations import Shown as ShownLocation
from valetkey.console.locations import readable_locations
from valetkey.console.web import fields, go_to
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.people import Project

HERE: Final = "/datasets"


@dataclass(frozen=True, slots=True)
class Shown:
    """A dataset in the list. ``place`` is empty for whoever may not see locations."""

    view: DatasetView
    project: Project
    place: str


def _place(locations: list[ShownLocation], location_id: str) -> str:
    found = (line.location for line in locations if line.location.id == location_id)
    return next((f"s3://{location.bucket}/{location.prefix}" for location in found), "")


@get("/datasets")
async def list_datasets(services: Services, catalog: Catalog, reader: Reader) -> Response[str]:
    """List the datasets of every project where the reader may look."""
    reader.require(reader.rights.read_datasets, "read datasets")
    locations = await readable_locations(services, reader)
    shown: list[Shown] = []
    for project in reader.projects:
        if reader.may_in(project).read_datasets:
            views = await catalog.datasets.of_project(reader.caller, project.id)
            shown += [
                Shown(view, project, _place(locations, view.dataset.location_id)) for view in views
            ]
    return reader.page("datasets/list.html", here=HERE, shown=shown, has_locations=bool(locations))


@get("/datasets/new")
async def new_dataset(services: Services, reader: Reader) -> Response[str]:
    """Open the panel that makes a dataset."""
    reader.require(reader.rights.manage_datasets, "manage datasets")
    locations = await readable_locations(services, reader)
    usable = [line for line in locations if reader.may_in(line.project).manage_datasets]
    return reader.part("datasets/new.html", locations=usable)


@post("/datasets")
async def create_dataset(request: HttpRequest, catalog: Catalog, reader: Reader) -> HttpResponse:
    """Make a dataset on a location, and go to it."""
    form = await fields(request)
    project_id, _, location_id = form.get("location", "").partition("/")
    try:
        view = await catalog.datasets.create(
            reader.caller, project_id, NewDataset(form.get("name", ""), location_id)
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"name": "name", "location": "location"}, otherwise="name-error")
    target = f"/console/datasets/{view.dataset.id}?done=dataset-created"
    return Response(b"", status_code=200, headers={"HX-Redirect": target})


@get("/datasets/{dataset_id:str}/delete")
async def ask_to_delete(catalog: Catalog, reader: Reader, dataset_id: Segment) -> Response[str]:
    """Ask before a dataset goes, saying what goes with it and what stays."""
    view = await catalog.datasets.get(reader.caller, dataset_id)
    return reader.part("datasets/delete.html", view=view)


@post("/datasets/{dataset_id:str}/delete")
async def delete_dataset(catalog: Catalog, reader: Reader, dataset_id: Segment) -> HttpResponse:
    """Delete a dataset; its bucket is not touched."""
    await catalog.datasets.delete(reader.caller, dataset_id)
    return go_to("/datasets?done=dataset-deleted")


async def count(catalog: Catalog, reader: Reader) -> int:
    """Return how many datasets the reader may see, for the first page."""
    readable = [project for project in reader.projects if reader.may_in(project).read_datasets]
    found = [await catalog.datasets.of_project(reader.caller, project.id) for project in readable]
    return sum(map(len, found))


ROUTES = (list_datasets, new_dataset, create_dataset, ask_to_delete, delete_dataset)
