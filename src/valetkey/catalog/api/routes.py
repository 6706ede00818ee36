"""Datasets, objects and operations: what answers the catalog's part of the own API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET

from valetkey.api.v1.calls import ApiCall, LinesResponse, Route, route
from valetkey.api.v1.creators import with_ids
from valetkey.api.v1.pages import cursor, page_of, part, read_cursor
from valetkey.catalog.api import shapes
from valetkey.catalog.api.contents import content_routes, folder_routes, matching_routes
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.dql import matches
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.catalog.services.clones import NewClone
from valetkey.catalog.services.datasets.datasets import DatasetView, NewDataset
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.registry import Catalog
from valetkey.domain.errors import NotFound
from valetkey.domain.people import User
from valetkey.services.people import People
from valetkey.wire import catalog as wire
from valetkey.wire import objects, work
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
        *content_routes(catalog),
        *folder_routes(catalog),
        *matching_routes(catalog),
        *_work_routes(catalog),
    )


def _dataset_routes(catalog: Catalog) -> tuple[Route, ...]:
    async def list_datasets(call: ApiCall[wire.DatasetsQuery, Nothing]) -> Page[wire.Dataset]:
        query, datasets = call.query, catalog.datasets
        if query.project_id is None:
            projects = await call.services.people.projects(call.caller)
            views = await datasets.visible(call.caller, projects)
        else:
            views = await datasets.of_project(call.caller, query.project_id)
        found = [view for view in views if query.name in {None, view.dataset.name}]
        return part(found, query, lambda it: (it.dataset.name, it.dataset.id), shapes.dataset)

    async def create_dataset(call: ApiCall[Nothing, wire.NewDataset]) -> wire.Dataset:
        new = NewDataset(call.body.name, call.body.location_id or "", call.body.metadata)
        return shapes.dataset(await catalog.datasets.create(call.caller, call.body.project_id, new))

    async def get_dataset(call: ApiCall[Nothing, Nothing]) -> wire.Dataset:
        return shapes.dataset(await catalog.datasets.get(call.caller, call["datasetId"]))

    async def update_dataset(call: ApiCall[Nothing, wire.DatasetChange]) -> wire.Dataset:
        body, unset = call.body, msgspec.UNSET
        changed = await catalog.datasets.update(
            call.caller,
            call["datasetId"],
            name=None if body.name is unset else body.name,
            metadata=None if body.metadata is unset else body.metadata or {},
        )
        return shapes.dataset(changed)

    async def delete_dataset(call: ApiCall[Nothing, Nothing]) -> Nothing:
        await catalog.datasets.delete(call.caller, call["datasetId"])
        return Nothing()

    async def create_sync(call: ApiCall[Nothing, wire.NewSync]) -> work.Work:
        begun = await catalog.syncs.start(
            call.caller,
            call["datasetId"],
            parallel=call.body.parallel,
            engine=call.body.engine,
            address=call.body.engine_address or "",
        )
        return shapes.work(begun)

    async def create_clone(call: ApiCall[Nothing, wire.NewClone]) -> work.Work:
        body = call.body
        where = _where("file", body.glob)
        new = NewClone(
            where,
            target_id=body.target_id,
            folder=body.folder or "",
            with_metadata=body.with_metadata,
        )
        return shapes.work(await catalog.clones.start(call.caller, call["datasetId"], new))

    async def list_syncs(call: ApiCall[Paging, Nothing]) -> Page[work.Work]:
        found = await catalog.syncs.of_dataset(call.caller, call["datasetId"])
        return newest_first(found, call.query, lambda view: view.command.id, shapes.work)

    return (
        route(wire.LIST_DATASETS, list_datasets),
        route(wire.CREATE_DATASET, create_dataset),
        route(wire.GET_DATASET, get_dataset, now=_dataset_now),
        route(wire.UPDATE_DATASET, update_dataset),
        route(wire.DELETE_DATASET, delete_dataset),
        route(wire.CREATE_SYNC, create_sync),
        route(wire.LIST_SYNCS, list_syncs),
        route(wire.CREATE_CLONE, create_clone),
    )


async def _dataset_now(work: Any, call: ApiCall[Any, Any]) -> wire.Dataset | None:
    found = await work.datasets.get(call["datasetId"])
    return shapes.dataset(DatasetView(found, 0)) if found is not None else None


async def _object_now(work: Any, call: ApiCall[Any, Any]) -> objects.Object | None:
    found = await work.items.get(call["objectId"])
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

    async def list_objects(call: ApiCall[objects.ObjectsQuery, Nothing]) -> Page[objects.Object]:
        query, dataset_id = call.query, call["datasetId"]
        [after] = read_cursor(query.cursor, tuple[str]) or ("",)
        if query.path is not None:
            item = await reading.at(call.caller, dataset_id, query.path)
            is_meant = item and _fits(item, query) and item.path > after
            return page_of([item] if item and is_meant else [], shapes.entry, None)
        where = _where(query.kind, query.glob)
        if query.kind == "dir":
            found = await reading.walk_folders(
                call.caller, dataset_id, where, after=after, size=query.limit
            )
            following = cursor(found.items[-1].path) if found.has_next else None
            return page_of(found.items, shapes.entry, following)
        found = await reading.walk(call.caller, dataset_id, where, after=after, size=query.limit)
        following = cursor(found.items[-1].path) if found.has_next else None
        return page_of(found.items, shapes.entry, following)

    async def export_objects(call: ApiCall[objects.ExportedQuery, Nothing]) -> LinesResponse:
        items = reading.every(call.caller, call["datasetId"], _where("file", call.query.glob))
        # A refusal is an answer, and no stream that breaks off.
        first = await anext(items, None)
        return LinesResponse(_lines(call.services.people, [first] if first else [], items))

    return (
        route(objects.LIST_OBJECTS, list_objects),
        route(objects.EXPORT_OBJECTS, None, lines=export_objects),
    )


def _fits(item: Item, query: objects.ObjectsQuery) -> bool:
    where = parse_filter(_where(query.kind, query.glob))
    return matches(where, item.columns(), item.metadata)


def _where(kind: str | None, glob: str | None) -> dict[str, Any]:
    given = {"type": kind, "filename": shapes.of_names(glob)}
    return {name: value for name, value in given.items() if value is not None}


async def _lines(
    people: People, first: Sequence[Item], rest: AsyncIterator[Item]
) -> AsyncIterator[bytes]:
    known: dict[str, User | None] = {}
    for item in first:
        yield await _line(people, known, item)
    async for item in rest:
        yield await _line(people, known, item)


async def _line(people: People, known: dict[str, User | None], item: Item) -> bytes:
    """Return an entry as a line. Whoever made entries is looked up once."""
    if item.creator not in known:
        known[item.creator] = (await people.known_by([item.creator])).get(item.creator)
    return msgspec.json.encode(with_ids(shapes.entry(item), known)) + b"\n"


def _object_routes(catalog: Catalog) -> tuple[Route, ...]:
    async def get_object(call: ApiCall[Nothing, Nothing]) -> objects.Object:
        return shapes.entry(await catalog.items.reading.get(call.caller, call["objectId"]))

    async def update_object(call: ApiCall[Nothing, objects.ObjectChange]) -> objects.Object:
        body, caller, object_id = call.body, call.caller, call["objectId"]
        patch = ItemPatch(
            metadata=None if body.metadata is UNSET else body.metadata,
            description=None if body.description is UNSET else body.description or "",
        )
        items = catalog.items
        if body.path is UNSET:
            return shapes.entry(await items.changing.patch(caller, object_id, patch))
        patch.applied(await items.reading.get(caller, object_id))  # refuses before it is moved
        moved = await items.moving.rename(caller, object_id, body.path, field="path")
        if patch != ItemPatch():
            # What the caller expected was compared when it was moved.
            moved = await items.changing.patch(caller._replace(expectation=None), moved.id, patch)
        return shapes.entry(moved)

    async def delete_object(call: ApiCall[Nothing, Nothing]) -> Nothing:
        await catalog.items.removal.delete(call.caller, call["objectId"])
        return Nothing()

    async def restore_object(call: ApiCall[Nothing, objects.NewRestore]) -> objects.Restoring:
        items, days = catalog.items, call.body.days
        return shapes.restoring(
            await items.restoring.restore(call.caller, call["objectId"], days=days)
        )

    return (
        route(objects.GET_OBJECT, get_object, now=_object_now),
        route(objects.UPDATE_OBJECT, update_object),
        route(objects.DELETE_OBJECT, delete_object),
        route(objects.RESTORE_OBJECT, restore_object),
    )


def _work_routes(catalog: Catalog) -> tuple[Route, ...]:
    async def found(call: ApiCall[Any, Any]) -> work.Work:
        try:
            return shapes.work(await catalog.syncs.get(call.caller, call["operationId"]))
        except NotFound:
            return await found_rotation(call)

    async def found_rotation(call: ApiCall[Any, Any]) -> work.Work:
        which = call["operationId"]
        try:
            return shapes.rotation(await call.services.rotations.get(call.caller, which))
        except NotFound:
            hint = "Its id stands in the answer of what began it."
            raise NotFound(f"There is no operation {which!r}.", hint=hint) from None

    async def get_operation(call: ApiCall[work.WaitQuery, Nothing]) -> work.Work:
        clock = call.services.clock
        until = clock.monotonic() + call.query.wait_seconds
        now = await found(call)
        while now.state not in _OVER and clock.monotonic() < until:
            await clock.sleep(_LOOK_EVERY)
            now = await found(call)
        return now

    async def cancel_operation(call: ApiCall[Nothing, Nothing]) -> work.Work:
        now = await found(call)
        if now.kind != "rotation":
            return shapes.work(await catalog.syncs.cancel(call.caller, now.id))
        rotation = await call.services.rotations.cancel(call.caller, now.subject_id)
        call.services.rotations.advance_soon(rotation.id)
        return shapes.rotation(rotation)

    return (
        route(work.GET_OPERATION, get_operation),
        route(work.CANCEL_OPERATION, cancel_operation),
    )
