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
from valetkey.console.locations import chosen_location, location_menu, readable_locations
from valetkey.console.menus import ListPart
from valetkey.console.web import fields, go_to, reload
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.people import Project

HERE: Final = "/datasets"


@dataclass(frozen=True, slots=True)
class ShownDataset:
    """A dataset in the list. ``place`` is empty for whoever may not see locations."""

    view: DatasetView
    project: Project
    place: str


@get("/datasets")
async def list_datasets(
    request: HttpRequest, services: Services, catalog: Catalog, reader: Reader
) -> Response[str]:
    """List the datasets of every project where the reader may look."""
    reader.require(reader.rights.read_datasets, "read datasets")
    locations = await readable_locations(services, reader)
    places = {line.location.id: line.place for line in locations}
    projects = {project.id: project for project in reader.projects}
    views = await catalog.datasets.visible(reader.caller, reader.projects)
    shown = [
        ShownDataset(
            view, projects[view.dataset.project_id], places.get(view.dataset.location_id, "")
        )
        for view in views
    ]
    return reader.page(
        "datasets/list.html",
        here=HERE,
        shown=ListPart.of(request, shown, lambda line: f"{line.view.dataset.name} {line.place}"),
        has_locations=bool(locations),
    )


@get("/datasets/new")
async def new_dataset(services: Services, reader: Reader) -> Response[str]:
    """Open the panel that makes a dataset."""
    reader.require(reader.rights.manage_datasets, "manage datasets")
    usable = await readable_locations(services, reader, Action.MANAGE_DATASETS)
    return reader.part("datasets/new.html", locations=location_menu(usable))


@post("/datasets")
async def create_dataset(
    request: HttpRequest, services: Services, catalog: Catalog, reader: Reader
) -> HttpResponse:
    """Make a dataset on a location, and go to it."""
    form = await fields(request)
    try:
        usable = await readable_locations(services, reader, Action.MANAGE_DATASETS)
        location = chosen_location(form.get("location", ""), usable).location
        view = await catalog.datasets.create(
            reader.caller, location.project_id, NewDataset(form.get("name", ""), location.id)
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"name": "name", "location": "location"}, otherwise="name-error")
    return reload(f"/datasets/{view.dataset.id}?done=dataset-created")


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
    return len(await catalog.datasets.visible(reader.caller, reader.projects))


ROUTES = (list_datasets, new_dataset, create_dataset, ask_to_delete, delete_dataset)
