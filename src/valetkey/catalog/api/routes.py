"""Datasets, objects and operations: what answers the catalog's part of the own API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from valetkey.api.v1.asking import Ask, Lines, Route, route
from valetkey.api.v1.pages import cursor, page_of, part, read_cursor
from valetkey.catalog.api import shapes
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.datasets.datasets import DatasetView, NewDataset
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.registry import Catalog
from valetkey.domain.errors import NotFound
from valetkey.wire import catalog as wire
from valetkey.wire import work
from valetkey.wire.base import Nothing, Page, Paging

#: How often work is looked at while somebody waits for its end.
_LOOK_EVERY: Final = 0.5
_OVER: Final = frozenset({"succeeded", "failed", "canceled"})
T = TypeVar("T")


def catalog_routes(catalog: Catalog) -> tuple[Route, ...]:
    """Return the catalog's routes."""
    return (
        *_dataset_routes(catalog),
        *_list_routes(catalog),
        *_object_routes(catalog),
        *_work_routes(catalog),
    )


def _dataset_routes(catalog: Catalog) -> tuple[Route, ...]:
    async def list_datasets(ask: Ask[wire.DatasetsQuery, Nothing]) -> Page[wire.Dataset]:
        query, datasets = ask.query, catalog.datasets
        if query.project_id is None:
            projects = await ask.services.people.projects(ask.caller)
            views = await datasets.visible(ask.caller, projects)
        else:
            views = await datasets.of_project(ask.caller, query.project_id)
        found = [view for view in views if query.name in {None, view.dataset.name}]
        return part(found, query, lambda it: (it.dataset.name, it.dataset.id), shapes.dataset)

    async def create_dataset(ask: Ask[Nothing, wire.NewDataset]) -> wire.Dataset:
        new = NewDataset(ask.body.name, ask.body.location_id or "", ask.body.metadata)
        return shapes.dataset(await catalog.datasets.create(ask.caller, ask.body.project_id, new))

    async def get_dataset(ask: Ask[Nothing, Nothing]) -> wire.Dataset:
        return shapes.dataset(await catalog.datasets.get(ask.caller, ask["datasetId"]))

    async def update_dataset(ask: Ask[Nothing, wire.DatasetChange]) -> wire.Dataset:
        body, unset = ask.body, msgspec.UNSET
        changed = await catalog.datasets.update(
            ask.caller,
            ask["datasetId"],
            name=None if body.name is unset else body.name,
            metadata=None if body.metadata is unset else body.metadata or {},
        )
        return shapes.dataset(changed)

    async def delete_dataset(ask: Ask[Nothing, Nothing]) -> Nothing:
        await catalog.datasets.delete(ask.caller, ask["datasetId"])
        return Nothing()

    async def create_sync(ask: Ask[Nothing, wire.NewSync]) -> work.Work:
        begun = await catalog.syncs.start(
            ask.caller,
            ask["datasetId"],
            parallel=ask.body.parallel,
            engine=ask.body.engine,
            address=ask.body.engine_address or "",
        )
        return shapes.work(begun)

    async def list_syncs(ask: Ask[Paging, Nothing]) -> Page[work.Work]:
        found = await catalog.syncs.of_dataset(ask.caller, ask["datasetId"])
        return newest_first(found, ask.query, lambda view: view.command.id, shapes.work)

    return (
        route(wire.LIST_DATASETS, list_datasets),
        route(wire.CREATE_DATASET, create_dataset),
        route(wire.GET_DATASET, get_dataset, now=_dataset_now),
        route(wire.UPDATE_DATASET, update_dataset),
        route(wire.DELETE_DATASET, delete_dataset),
        route(wire.CREATE_SYNC, create_sync),
        route(wire.LIST_SYNCS, list_syncs),
    )


async def _dataset_now(work: Any, ask: Ask[Any, Any]) -> wire.Dataset | None:
    found = await work.datasets.get(ask["datasetId"])
    return shapes.dataset(DatasetView(found, 0)) if found is not None else None


async def _object_now(work: Any, ask: Ask[Any, Any]) -> wire.Object | None:
    found = await work.items.get(ask["objectId"])
    return shapes.entry(found) if found is not None else None


def newest_first(
    found: Any, query: Paging, id_of: Callable[[Any], str], shape: Callable[[Any], T]
) -> Page[T]:
    """Return a part of a list whose newest, by their ids, come first."""
    after = read_cursor(query.cursor, tuple[str])
    left = [each for each in found if after is None or id_of(each) < after[0]]
    shown = left[: query.limit]
    following = cursor(id_of(shown[-1])) if len(left) > query.limit else None
    return page_of(shown, shape, following)


def _list_routes(catalog: Catalog) -> tuple[Route, ...]:
    reading = catalog.items.reading

    async def list_objects(ask: Ask[wire.ObjectsQuery, Nothing]) -> Page[wire.Object]:
        query, dataset_id = ask.query, ask["datasetId"]
        where = _where(query.kind, query.glob)
        if query.kind == "dir":
            return await _folders(catalog, ask, where)
        [after] = read_cursor(query.cursor, tuple[str]) or ("",)
        found = await reading.walk(ask.caller, dataset_id, where, after=after, size=query.limit)
        following = cursor(found.items[-1].path) if found.has_next else None
        return page_of(found.items, shapes.entry, following)

    async def export_objects(ask: Ask[wire.ExportedQuery, Nothing]) -> Lines:
        items = reading.every(ask.caller, ask["datasetId"], _where("file", ask.query.glob))
        # A refusal is an answer, and no stream that breaks off.
        first = await anext(items, None)
        return Lines(_lines([first] if first else [], items))

    return (
        route(wire.LIST_OBJECTS, list_objects),
        route(wire.EXPORT_OBJECTS, None, lines=export_objects),
    )


async def _folders(
    catalog: Catalog, ask: Ask[wire.ObjectsQuery, Nothing], where: Mapping[str, Any]
) -> Page[wire.Object]:
    """Return a page of folders. Most of them have no row: the items that they hold make them."""
    number = read_cursor(ask.query.cursor, tuple[int])
    wanted = PageRequest(
        where, {"filename": "ascending"}, page=number[0] if number else 0, size=ask.query.limit
    )
    found = await catalog.items.reading.page(ask.caller, ask["datasetId"], wanted)
    following = cursor(wanted.page + 1) if found.has_next else None
    return page_of(found.items, shapes.entry, following)


def _where(kind: str | None, glob: str | None) -> dict[str, Any]:
    given = {"type": kind, "filename": glob}
    return {name: value for name, value in given.items() if value is not None}


async def _lines(first: Sequence[Item], rest: AsyncIterator[Item]) -> AsyncIterator[bytes]:
    for item in first:
        yield msgspec.json.encode(shapes.entry(item)) + b"\n"
    async for item in rest:
        yield msgspec.json.encode(shapes.entry(item)) + b"\n"


def _object_routes(catalog: Catalog) -> tuple[Route, ...]:
    async def get_object(ask: Ask[Nothing, Nothing]) -> wire.Object:
        return shapes.entry(await catalog.items.reading.get(ask.caller, ask["objectId"]))

    async def update_object(ask: Ask[Nothing, wire.ObjectChange]) -> wire.Object:
        body, unset = ask.body, msgspec.UNSET
        patch = ItemPatch(
            metadata=None if body.metadata is unset else body.metadata,
            description=None if body.description is unset else body.description or "",
        )
        return shapes.entry(await catalog.items.changing.patch(ask.caller, ask["objectId"], patch))

    async def delete_object(ask: Ask[Nothing, Nothing]) -> Nothing:
        await catalog.items.removal.delete(ask.caller, ask["objectId"])
        return Nothing()

    async def restore_object(ask: Ask[Nothing, wire.NewRestore]) -> wire.Restoring:
        items, days = catalog.items, ask.body.days
        return shapes.restoring(
            await items.restoring.restore(ask.caller, ask["objectId"], days=days)
        )

    return (
        route(wire.GET_OBJECT, get_object, now=_object_now),
        route(wire.UPDATE_OBJECT, update_object),
        route(wire.DELETE_OBJECT, delete_object),
        route(wire.RESTORE_OBJECT, restore_object),
    )


def _work_routes(catalog: Catalog) -> tuple[Route, ...]:
    async def found(ask: Ask[Any, Any]) -> work.Work:
        try:
            return shapes.work(await catalog.syncs.get(ask.caller, ask["operationId"]))
        except NotFound:
            rotations = ask.services.rotations
            return shapes.rotation(await rotations.get(ask.caller, ask["operationId"]))

    async def get_operation(ask: Ask[work.WaitQuery, Nothing]) -> work.Work:
        clock = ask.services.clock
        until = clock.monotonic() + ask.query.wait_seconds
        now = await found(ask)
        while now.state not in _OVER and clock.monotonic() < until:
            await clock.sleep(_LOOK_EVERY)
            now = await found(ask)
        return now

    async def cancel_operation(ask: Ask[Nothing, Nothing]) -> work.Work:
        now = await found(ask)
        if now.kind != "rotation":
            return shapes.work(await catalog.syncs.cancel(ask.caller, now.id))
        rotation = await ask.services.rotations.cancel(ask.caller, now.subject_id)
        ask.services.rotations.advance_soon(rotation.id)
        return shapes.rotation(rotation)

    return (
        route(work.GET_OPERATION, get_operation),
        route(work.CANCEL_OPERATION, cancel_operation),
    )
