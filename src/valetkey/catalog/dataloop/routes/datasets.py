"""Datasets: make, find, show, change, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Request, delete, get, patch, post
from litestar.params import JSONBody

from valetkey.api.address import api_address
from valetkey.api.dependencies import Caller, Services
from valetkey.catalog.dataloop.wire.datasets import (
    DatasetIn,
    DatasetOut,
    DatasetPatchIn,
    DatasetQueryIn,
    DatasetsPageOut,
)
from valetkey.catalog.dependencies import Catalog
from valetkey.catalog.domain.dataset_filter import fits
from valetkey.catalog.services.datasets.datasets import DatasetView, NewDataset
from valetkey.domain.errors import Conflict, InvalidInput


@contextmanager
def name_taken_is_400() -> Iterator[None]:
    """Answer for a name that is taken as Dataloop does."""
    try:
        yield
    except Conflict as conflict:
        raise InvalidInput(conflict.message, hint=conflict.hint, field="name") from None


def _shape(view: DatasetView, request: Request[Any, Any, Any]) -> DatasetOut:
    return DatasetOut.of(view.dataset, view.item_count, api_address(request))


@post("/datasets", tags=["datasets"])
async def create_dataset(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], data: JSONBody[DatasetIn]
) -> DatasetOut:
    """Make a dataset over a driver, or in the project's default one; a sync fills it."""
    new = NewDataset(data.name, data.driver_named)
    with name_taken_is_400():
        return _shape(await catalog.datasets.create(caller, data.project, new), request)


@post("/datasets/query", status_code=200, tags=["datasets"])
async def query_datasets(
    services: Services,
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    data: JSONBody[DatasetQueryIn],
) -> DatasetsPageOut:
    """List the datasets that a filter fits, of some projects or of all that the caller sees."""
    project_ids = data.projects or [
        project.id for project in await services.people.projects(caller)
    ]
    found = [
        view
        for project_id in project_ids
        for view in await catalog.datasets.of_project(
            caller, project_id, hidden=bool(data.system_space)
        )
        if data.means(view.dataset.id) and fits(view.dataset, data.filter)
    ]
    start, size = data.page * data.page_size, data.page_size
    return DatasetsPageOut(
        items=[_shape(view, request) for view in found[start : start + size]],
        has_next_page=start + size < len(found),
        total_items_count=len(found),
        total_pages_count=-(-len(found) // size) if size else 0,
    )


@get("/datasets/{dataset_id:str}", tags=["datasets"])
async def show_dataset(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], dataset_id: str
) -> DatasetOut:
    """Show a dataset."""
    return _shape(await catalog.datasets.get(caller, dataset_id), request)


@patch("/datasets/{dataset_id:str}", tags=["datasets"])
async def change_dataset(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[DatasetPatchIn],
) -> DatasetOut:
    """Rename a dataset, or replace its metadata."""
    with name_taken_is_400():
        view = await catalog.datasets.update(
            caller, dataset_id, name=data.name, metadata=data.metadata
        )
    return _shape(view, request)


@delete("/datasets/{dataset_id:str}", tags=["datasets"])
async def delete_dataset(catalog: Catalog, caller: Caller, dataset_id: str) -> None:
    """Delete a dataset and its items; the bucket is not touched."""
    await catalog.datasets.delete(caller, dataset_id)


@patch("/datasets/{dataset_id:str}/unlock", tags=["datasets"])
async def unlock_dataset(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], dataset_id: str
) -> DatasetOut:
    """Show a dataset, as the SDK asks for after an export that was to lock it: none does here."""
    return _shape(await catalog.datasets.get(caller, dataset_id), request)


ROUTES = (
    create_dataset,
    query_datasets,
    show_dataset,
    change_dataset,
    delete_dataset,
    unlock_dataset,
)
