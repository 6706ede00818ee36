"""Datasets and items in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset, Item, folder_of, mimetype_of
from valetkey.catalog.domain.dql.ast import Column, Either, Equal, FilterNode
from valetkey.catalog.domain.dql.evaluate import matches
from valetkey.catalog.domain.merge import IndexChanges, Indexed
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.domain.errors import NameTaken
from valetkey.domain.ports.objects import Listed, to_ms
from valetkey.testing.commands import MemoryCommands


class MemoryDatasets:
    """Implements ports.DatasetRepository."""

    def __init__(self, items: MemoryItems) -> None:
        self._items = items
        self._rows: dict[str, Dataset] = {}
        self._numbers = 0

    async def add(self, dataset: Dataset) -> Dataset:
        self._check_name(dataset)
        self._numbers += 1
        self._rows[dataset.id] = replace(dataset, number=self._numbers)
        return self._rows[dataset.id]

    async def get(self, dataset_id: str) -> Dataset | None:
        found = self._rows.get(dataset_id)
        return found if found and found.deleted_at is None else None

    async def of_project(self, project_id: str) -> Sequence[Dataset]:
        return self._live(lambda row: row.project_id == project_id)

    async def of_projects(self, project_ids: Sequence[str]) -> Sequence[tuple[Dataset, int]]:
        found = self._live(lambda row: row.project_id in set(project_ids))
        return [(row, await self.item_count(row)) for row in found]

    async def of_location(self, location_id: str) -> Sequence[Dataset]:
        return self._live(lambda row: row.location_id == location_id)

    async def save(self, dataset: Dataset) -> None:
        self._check_name(dataset)
        if dataset.id in self._rows:
            self._rows[dataset.id] = replace(dataset, number=self._rows[dataset.id].number)

    async def deleted(self) -> Sequence[Dataset]:
        return [row for row in self._rows.values() if row.deleted_at is not None]

    async def delete(self, dataset_id: str) -> None:
        self._rows.pop(dataset_id, None)

    async def item_count(self, dataset: Dataset) -> int:
        return sum(not item.is_folder for item in self._items.live(dataset.id))

    def _live(self, wanted: Callable[[Dataset], bool]) -> Sequence[Dataset]:
        found = [row for row in self._rows.values() if row.deleted_at is None and wanted(row)]
        return sorted(found, key=lambda row: (row.name, row.id))

    def _check_name(self, new: Dataset) -> None:
        for row in self._live(lambda row: row.project_id == new.project_id):
            if row.name == new.name and row.id != new.id and new.deleted_at is None:
                raise NameTaken(f"There is a dataset {new.name!r} already.", hint="Rename it.")


_path: Final = attrgetter("path")


def _named(where: FilterNode) -> frozenset[object] | None:
    """Return the ids that a filter wants one of, as batches of items are asked for; None: it says
    otherwise."""
    parts = where.parts if isinstance(where, Either) else ()
    ids = [each.value for each in parts if isinstance(each, Equal) and each.field is Column.ID]
    return frozenset(ids) if parts and len(ids) == len(parts) else None


@dataclass(frozen=True, slots=True)
class _ItemRow:
    item: Item
    touched_ms: int
    deleted_ms: int | None = None


class MemoryItems:
    """Implements ports.ItemRepository."""

    def __init__(self, commands: MemoryCommands) -> None:
        self.commands = commands
        self._rows: dict[tuple[str, str], _ItemRow] = {}
        self._staged: dict[str, dict[str, Listed]] = {}
        #: How often :meth:`analyze` was called.
        self.analyzed = 0

    def live(self, dataset_id: str) -> list[Item]:
        """Return a dataset's items, by path."""
        rows = self._rows.items()
        found = [row.item for key, row in rows if key[0] == dataset_id and row.deleted_ms is None]
        return sorted(found, key=_path)

    async def lock(self, dataset: Dataset, *, shared: bool = False) -> None:
        """Transactions in memory are alone."""

    async def get(self, item_id: str) -> Item | None:
        rows = (row for row in self._rows.values() if row.deleted_ms is None)
        return next((row.item for row in rows if row.item.id == item_id), None)

    async def by_path(self, dataset: Dataset, path: str) -> Item | None:
        row = self._rows.get((dataset.id, path))
        return row.item if row and row.deleted_ms is None else None

    async def page(self, dataset: Dataset, query: ItemQuery) -> Sequence[Item]:
        found = self._fitting(dataset, query.where)
        for order in reversed(query.orders):
            by = partial(_value, order.field)
            found.sort(key=by, reverse=order.descending)  # keeps the order of equals
        return found[query.offset : query.offset + query.limit]

    async def walk(
        self, dataset: Dataset, where: FilterNode, *, after: str, limit: int
    ) -> Sequence[Item]:
        items = (item for item in self.live(dataset.id) if item.path > after)
        fitting = (each for each in items if matches(where, each.columns(), each.metadata))
        return list(islice(fitting, limit))

    async def count(self, dataset: Dataset, where: FilterNode, *, most: int | None = None) -> int:
        return len(self._fitting(dataset, where)[:most])

    def _fitting(self, dataset: Dataset, where: FilterNode) -> list[Item]:
        named = _named(where)
        return [
            item
            for item in self.live(dataset.id)
            if (named is None or item.id in named) and matches(where, item.columns(), item.metadata)
        ]

    async def put(
        self, dataset: Dataset, item: Item, *, touched_ms: int, revive: bool = False
    ) -> Item:
        before = self._rows.get((dataset.id, item.path))
        alive = before is not None and before.deleted_ms is None
        if before is not None and (alive or (revive and item.is_object_of(before.item))):
            item = replace(
                item,
                id=before.item.id,
                created_at=before.item.created_at,
                metadata=item.metadata or before.item.metadata,
                description=item.description or before.item.description,
            )
        self._rows[dataset.id, item.path] = _ItemRow(item, touched_ms)
        return item

    async def set_metadata(self, dataset: Dataset, items: Sequence[Item]) -> None:
        for item in items:
            row = self._rows[dataset.id, item.path]
            changed = replace(
                row.item,
                metadata=item.metadata,
                description=item.description,
                updated_at=item.updated_at,
            )
            self._change(dataset, item.path, item=changed)

    async def remove(self, dataset: Dataset, paths: Sequence[str], *, now_ms: int) -> int:
        count = 0
        for path in paths:
            row = self._rows.get((dataset.id, path))
            if row is not None and row.deleted_ms is None:
                self._change(dataset, path, deleted_ms=now_ms, touched_ms=now_ms)
                count += 1
        return count

    async def touch(self, dataset: Dataset, paths: Sequence[str], *, now_ms: int) -> None:
        for path in paths:
            row = self._rows.get((dataset.id, path))
            if row is not None:
                self._change(dataset, path, touched_ms=max(row.touched_ms, now_ms))

    async def move(
        self, dataset: Dataset, path: str, item: Item, *, tombstone_id: str, now_ms: int
    ) -> None:
        await self.remove(dataset, [path], now_ms=now_ms)
        left = self._rows[dataset.id, path].item
        self._change(dataset, path, item=replace(left, id=tombstone_id))
        self._rows[dataset.id, item.path] = _ItemRow(item, now_ms)

    async def folders(self, dataset: Dataset, *, after: str = "", limit: int) -> Sequence[str]:
        found = {folder_of(item.path) for item in self.live(dataset.id)}
        return sorted(folder for folder in found if folder > after)[:limit]

    async def holds(self, dataset: Dataset, folder: str) -> bool:
        return any(folder_of(item.path).startswith(folder) for item in self.live(dataset.id))

    async def stretch(
        self, dataset: Dataset, after: str, upto: str | None, *, limit: int
    ) -> Sequence[Indexed]:
        found = [
            (path, row)
            for (owner, path), row in self._rows.items()
            if owner == dataset.id and path > after and (upto is None or path <= upto)
            if not row.item.is_folder
        ]
        return [
            Indexed(
                path,
                *_facts(row.item),
                row.deleted_ms is not None,
                row.touched_ms,
                row.item.storage_class,
            )
            for path, row in sorted(found, key=itemgetter(0))[:limit]
        ]

    async def apply(
        self,
        dataset: Dataset,
        changes: IndexChanges,
        ids: Iterator[str],
        *,
        creator: str,
        now_ms: int,
    ) -> None:
        now = _moment(now_ms)
        for listed in (*changes.added, *changes.revived):
            before = self._rows.get((dataset.id, listed.path))
            made = _made(dataset, listed, next(ids), creator, now)
            if before is None:
                self._rows[dataset.id, listed.path] = _ItemRow(made, 0)
            elif before.deleted_ms is not None and not made.is_object_of(before.item):
                self._rows[dataset.id, listed.path] = _ItemRow(made, before.touched_ms)
            else:
                item = _refreshed(before.item, listed, now)
                self._change(dataset, listed.path, item=item, deleted_ms=None)
        for listed in changes.changed:
            item = _refreshed(self._rows[dataset.id, listed.path].item, listed, now)
            self._change(dataset, listed.path, item=item)
        for path in changes.removed:
            self._change(dataset, path, deleted_ms=now_ms)

    def _change(self, dataset: Dataset, path: str, **changes: Any) -> None:
        self._rows[dataset.id, path] = replace(self._rows[dataset.id, path], **changes)

    async def count_drift(self, dataset: Dataset) -> int:
        return 0  # it is counted whenever it is asked for

    async def adjust_count(self, dataset: Dataset, difference: int) -> None:
        """See above."""

    async def analyze(self) -> None:
        self.analyzed += 1

    async def purge(self, *, before_ms: int, limit: int) -> int:
        old = [
            key
            for key, row in self._rows.items()
            if row.deleted_ms is not None and row.deleted_ms < before_ms
        ]
        return self._forget(old[:limit])

    async def clear(self, dataset: Dataset, *, after: str = "", limit: int) -> str | None:
        own = [key for key in sorted(self._rows) if key[0] == dataset.id and key[1] > after]
        self._forget(own[:limit])
        return own[:limit][-1][1] if own else None

    def _forget(self, keys: Sequence[tuple[str, str]]) -> int:
        for key in keys:
            del self._rows[key]
        return len(keys)

    async def stage(self, shard_id: str, listed: Sequence[Listed]) -> None:
        self._staged.setdefault(shard_id, {}).update({one.path: one for one in listed})

    async def staged(self, shard_id: str, after: str, *, limit: int) -> Sequence[Listed]:
        kept = sorted(self._staged.get(shard_id, {}).items())
        return [one for path, one in kept if path > after][:limit]

    async def unstage(
        self, shard_id: str, *, after: str = "", upto: str | None = None, limit: int
    ) -> int:
        kept = self._staged.get(shard_id, {})
        above = [path for path in sorted(kept) if path > after]
        gone = [path for path in above if upto is None or path <= upto][:limit]
        for path in gone:
            del kept[path]
        return len(gone)

    async def purge_staged(self, *, limit: int) -> int:
        ended = [each for each in self._staged if self.commands.is_over(each)]
        return sum([await self.unstage(each, limit=limit) for each in ended])


def _value(field: Column, item: Item) -> Any:
    return item.columns()[field]


def _made(dataset: Dataset, listed: Listed, item_id: str, creator: str, now: datetime) -> Item:
    return Item(
        id=item_id,
        dataset_id=dataset.id,
        path=listed.path,
        size=listed.size,
        etag=listed.etag,
        mimetype=mimetype_of(listed.path),
        creator=creator,
        modified_at=_moment(listed.modified_ms),
        created_at=now,
        updated_at=now,
        storage_class=listed.storage_class,
    )


def _refreshed(item: Item, listed: Listed, now: datetime) -> Item:
    modified_at = _moment(listed.modified_ms)
    return replace(
        item,
        size=listed.size,
        etag=listed.etag,
        modified_at=modified_at,
        updated_at=now,
        storage_class=listed.storage_class,
    )


def _facts(item: Item) -> tuple[int, str, int]:
    return item.size, item.etag, -1 if item.modified_at is None else to_ms(item.modified_at)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
