"""Implements ports.ItemRepository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items import written
from valetkey.catalog.db.items.bulk import Bulk
from valetkey.catalog.db.items.filters import (
    IS_FOLDER,
    OF_FOLDERS,
    Translator,
    beginning_with,
)
from valetkey.catalog.db.items.pages import count_query, page_query, walk_query
from valetkey.catalog.db.items.rows import (
    COLUMNS,
    item_row,
    to_item,
)
from valetkey.catalog.db.items.scans import FACTS, MADE_FOLDERS, fields_of, using
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql.ast import FilterNode, SortOrder
from valetkey.catalog.domain.merge import IndexChanges, Indexed
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.catalog.domain.sync import State
from valetkey.db.repositories.rows import Repository
from valetkey.domain.ports.objects import Listed

_C = t.items.c
_LIVE = _C.deleted_ms.is_(None)
#: The two halves of PostgreSQL's advisory locks: ours for items, and the dataset's number.
_LOCK_CLASS = 0x564B4954
_NUMBERS = 2**31
#: So many rows are counted by one statement, which takes some hundredths of a second.
_COUNTED = 100_000


#: Each folder is found by a jump over the index, however many items lie in one.
_FOLDERS = text("""
WITH RECURSIVE f(folder) AS (
  SELECT min(folder) FROM items WHERE dataset = :dataset AND deleted_ms IS NULL AND folder > :after
  UNION ALL
  SELECT (SELECT min(folder) FROM items
          WHERE dataset = :dataset AND deleted_ms IS NULL AND folder > f.folder)
  FROM f WHERE f.folder IS NOT NULL
)
SELECT folder FROM f WHERE folder IS NOT NULL LIMIT :limit
""")
#: And so is each shard of which objects are kept: of all that ever were, hardly any.
_STAGED_SHARDS = text("""
WITH RECURSIVE s(id) AS (
  SELECT min(shard_id) FROM staged_objects
  UNION ALL
  SELECT (SELECT min(shard_id) FROM staged_objects WHERE shard_id > s.id)
  FROM s WHERE s.id IS NOT NULL
)
SELECT id FROM s WHERE id IS NOT NULL
""")


class SqlItems(Repository):
    """The index in SQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._bulk = Bulk(connection)

    async def lock(self, dataset: Dataset, *, shared: bool = False) -> None:
        if self._connection.dialect.name != "postgresql":
            return  # SQLite's writing transactions are alone from their first statement
        lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        await self._connection.execute(select(lock(_LOCK_CLASS, dataset.number % _NUMBERS)))

    async def get(self, item_id: str) -> Item | None:
        # The index is by dataset and id; there are few datasets, so each is looked into.
        live = select(t.datasets.c.number).where(t.datasets.c.deleted_at.is_(None))
        owner = select(t.datasets.c.id).where(t.datasets.c.number == _C.dataset)
        query = select(*COLUMNS, owner.scalar_subquery().label("dataset_id"))
        found = query.where(_C.dataset.in_(live), _C.id == item_id, _LIVE)
        row = await self._one(using(FACTS, found))
        return to_item(row.dataset_id, row) if row else None

    async def by_path(self, dataset: Dataset, path: str) -> Item | None:
        match = (_C.dataset == dataset.number, _C.path == path, _LIVE)
        row = await self._one(select(*COLUMNS).where(*match))
        return to_item(dataset.id, row) if row else None

    async def page(self, dataset: Dataset, query: ItemQuery) -> Sequence[Item]:
        translator = await self._translator(dataset, query.where, query.orders)
        statement = await page_query(self._connection, translator, dataset.number, query)
        return [to_item(dataset.id, row) for row in await self._all(statement)]

    async def walk(
        self, dataset: Dataset, where: FilterNode, *, after: str, limit: int
    ) -> Sequence[Item]:
        translator = await self._translator(dataset, where)
        statement = walk_query(translator, dataset.number, where, after, limit)
        return [to_item(dataset.id, row) for row in await self._all(statement)]

    async def count(self, dataset: Dataset, where: FilterNode, *, most: int | None = None) -> int:
        translator = await self._translator(dataset, where)
        query = count_query(translator, dataset.number, where, most)
        return int((await self._connection.execute(query)).scalar_one())

    async def _translator(
        self, dataset: Dataset, where: FilterNode, orders: Sequence[SortOrder] = ()
    ) -> Translator:
        """Return what translates a filter. To ask each item whether it is a folder takes as long as
        the rest of a search, and in most datasets nobody has made any."""
        has_folders = True
        if OF_FOLDERS & {*fields_of(where), *(order.field for order in orders)}:
            own = (_C.dataset == dataset.number, _LIVE, IS_FOLDER)
            some: Select[Any] = select(literal_column("1")).where(*own).limit(1)
            found = await self._connection.execute(using(MADE_FOLDERS, some.select_from(t.items)))
            has_folders = found.first() is not None
        kind = self._connection.dialect.name
        return Translator(kind, dataset.id, has_folders=has_folders)

    async def put(
        self, dataset: Dataset, item: Item, *, touched_ms: int, revive: bool = False
    ) -> Item:
        match = (_C.dataset == dataset.number, _C.path == item.path)
        row = await self._one(select(*COLUMNS, _C.deleted_ms).where(*match))
        new = row is None or row.deleted_ms is not None
        before = None if row is None else to_item(dataset.id, row)
        if new and not (revive and before is not None and item.is_object_of(before)):
            before = None
        stored = item if before is None else _over(before, item)
        values = item_row(self._connection.dialect, dataset, stored, touched_ms)
        statement = insert(t.items) if row is None else update(t.items).where(*match)
        await self._connection.execute(statement.values(**values))
        if new and not item.is_folder:
            await self._bulk.count(dataset, 1)
        return stored

    async def set_metadata(self, dataset: Dataset, items: Sequence[Item]) -> None:
        await written.write(self._connection, dataset, items)

    async def remove(self, dataset: Dataset, paths: Sequence[str], *, now_ms: int) -> int:
        return await self._bulk.remove(dataset, paths, now_ms=now_ms, touched=True)

    async def touch(self, dataset: Dataset, paths: Sequence[str], *, now_ms: int) -> None:
        match = (_C.dataset == dataset.number, _C.path.in_(paths), _C.touched_ms < now_ms)
        await self._connection.execute(update(t.items).where(*match).values(touched_ms=now_ms))

    async def move(
        self, dataset: Dataset, path: str, item: Item, *, tombstone_id: str, now_ms: int
    ) -> None:
        await self._bulk.remove(dataset, [path], now_ms=now_ms, touched=True)
        own = _C.dataset == dataset.number
        await self._connection.execute(
            update(t.items).where(own, _C.path == path).values(id=tombstone_id)
        )
        # A tombstone that lies where it comes to has an id that nobody knows any more.
        await self._connection.execute(delete(t.items).where(own, _C.path == item.path))
        await self.put(dataset, item, touched_ms=now_ms)

    async def folders(self, dataset: Dataset, *, after: str = "", limit: int) -> Sequence[str]:
        values = {"dataset": dataset.number, "after": after, "limit": limit}
        return list((await self._connection.execute(_FOLDERS, values)).scalars())

    async def holds(self, dataset: Dataset, folder: str) -> bool:
        own = (_C.dataset == dataset.number, _LIVE, *beginning_with(_C.folder, folder))
        some: Select[Any] = select(literal_column("1")).where(*own).limit(1)
        return (await self._connection.execute(some)).first() is not None

    async def stretch(
        self, dataset: Dataset, after: str, upto: str | None, *, limit: int
    ) -> Sequence[Indexed]:
        return await self._bulk.stretch(dataset, after, upto, limit=limit)

    async def apply(
        self,
        dataset: Dataset,
        changes: IndexChanges,
        ids: Iterator[str],
        *,
        creator: str,
        now_ms: int,
    ) -> None:
        own: dict[str, Any] = {"creator": creator, "now_ms": now_ms}
        await self._bulk.add(dataset, changes.added, ids, **own)
        await self._bulk.revive(dataset, changes.revived, ids, **own)
        await self._bulk.change(dataset, changes.changed, now_ms=now_ms)
        # The dataset's own row last: whoever works on another range waits for it.
        more = len(changes.added) + len(changes.revived)
        if more:
            await self._bulk.count(dataset, more)
        await self._bulk.remove(dataset, changes.removed, now_ms=now_ms, touched=False)

    async def count_drift(self, dataset: Dataset) -> int:
        folders = (_LIVE, func.substr(_C.path, func.length(_C.path)) == "/")
        counted = await self._counted(dataset, _C.id, _LIVE)
        counted -= await self._counted(dataset, _C.path, *folders)
        kept = select(t.datasets.c.item_count).where(t.datasets.c.number == dataset.number)
        found = (await self._connection.execute(kept)).scalar()
        return 0 if found is None else counted - int(found)

    async def _counted(
        self, dataset: Dataset, column: ColumnElement[str], *match: ColumnElement[bool]
    ) -> int:
        """Count rows in the order of a column, a part of an index at a time."""
        total, after = 0, ""
        while True:
            some = select(column).where(_C.dataset == dataset.number, *match, column > after)
            part = some.order_by(column).limit(_COUNTED).subquery()
            query = select(func.count(), func.max(part.c[0])).select_from(part)
            count, last = (await self._connection.execute(query)).one()
            total += int(count)
            if count < _COUNTED:
                return total
            after = last

    async def adjust_count(self, dataset: Dataset, difference: int) -> None:
        await self._bulk.count(dataset, difference)

    async def analyze(self) -> None:
        if self._connection.dialect.name == "sqlite":
            # So many rows of each index are looked at: everybody's records wait meanwhile.
            await self._connection.execute(text("PRAGMA analysis_limit = 1000"))
        await self._connection.execute(text("ANALYZE items"))

    async def purge(self, *, before_ms: int, limit: int) -> int:
        # A dataset at a time: given pairs, SQLite would walk over all items of each dataset.
        old, purged = _C.deleted_ms < before_ms, 0
        paths: dict[int, list[str]] = {}
        for row in await self._all(select(_C.dataset, _C.path).where(old).limit(limit)):
            paths.setdefault(row.dataset, []).append(row.path)
        for number, some in paths.items():
            gone = delete(t.items).where(_C.dataset == number, _C.path.in_(some), old)
            purged += (await self._connection.execute(gone)).rowcount
        return purged

    async def clear(self, dataset: Dataset, *, after: str = "", limit: int) -> str | None:
        above = (_C.dataset == dataset.number, _C.path > after)
        part = select(_C.path).where(*above).order_by(_C.path).limit(limit).subquery()
        last: str | None = (await self._connection.execute(select(func.max(part.c.path)))).scalar()
        if last is not None:
            await self._connection.execute(delete(t.items).where(*above, _C.path <= last))
        return last

    async def stage(self, shard_id: str, listed: Sequence[Listed]) -> None:
        await self._bulk.stage(shard_id, listed)

    async def staged(self, shard_id: str, after: str, *, limit: int) -> Sequence[Listed]:
        table = t.staged_objects
        columns = (table.c.path, table.c.size, table.c.etag, table.c.modified_ms)
        query = select(*columns, table.c.storage_class).where(
            table.c.shard_id == shard_id, table.c.path > after
        )
        rows = await self._all(query.order_by(table.c.path).limit(limit))
        return list(starmap(Listed, rows))

    async def unstage(
        self, shard_id: str, *, after: str = "", upto: str | None = None, limit: int
    ) -> int:
        # From where the last part ended, in order: what was deleted is still walked over before a
        # vacuum.
        table = t.staged_objects
        match = (table.c.shard_id == shard_id) & (table.c.path > after)
        if upto is not None:
            match &= table.c.path <= upto
        keys = select(table.c.path).where(match).order_by(table.c.path).limit(limit)
        statement = delete(table).where(table.c.shard_id == shard_id, table.c.path.in_(keys))
        return (await self._connection.execute(statement)).rowcount

    async def purge_staged(self, *, limit: int) -> int:
        kept = (await self._connection.execute(_STAGED_SHARDS)).scalars().all()
        over = [state.value for state in State if state.over]
        ended = select(t.shards.c.id).join(t.commands, t.commands.c.id == t.shards.c.command_id)
        ended = ended.where(t.shards.c.id.in_(kept), t.commands.c.state.in_(over))
        purged = 0
        for row in await self._all(ended):
            purged += await self.unstage(row.id, limit=limit - purged)
        return purged


def _over(before: Item, item: Item) -> Item:
    """Return an item put in another's place: it keeps the id and, where it has none, metadata."""
    return replace(
        item,
        id=before.id,
        created_at=before.created_at,
        metadata=item.metadata or before.metadata,
        description=item.description or before.description,
    )
