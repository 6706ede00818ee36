"""Many rows at once: what a sync reads and writes.

SQLite takes some hundred in a statement (:mod:`.sqlite_rows`), PostgreSQL copies those that are
new, and takes others as arrays, a column each. All but COPY are statements with bound parameters,
and COPY is sent in its binary format: no name is ever part of a text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from sqlalchemy import bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items import driver, sqlite_rows
from valetkey.catalog.db.items.sqlite_rows import AT_ONCE
from valetkey.catalog.domain.dataset import Dataset, folder_of, mimetype_of
from valetkey.catalog.domain.merge import Indexed
from valetkey.domain.batches import batched
from valetkey.domain.ports.objects import Listed

#: A row that is there already: a tombstone whose very object came back, for all that can be seen,
#: keeps its id and what people wrote on it. Another object at its path is another item.
_KEPT: Final = (
    "items.deleted_ms IS NULL OR "
    "(items.etag = excluded.etag AND items.size = excluded.size AND items.etag <> '')"
)
_IDENTITY: Final = ", ".join(
    f"{column} = CASE WHEN {_KEPT} THEN items.{column} ELSE {other} END"
    for column, other in (
        ("id", "excluded.id"),
        ("creator", "excluded.creator"),
        ("created_ms", "excluded.created_ms"),
        ("metadata", "NULL"),
        ("description", "NULL"),
    )
)
_ON_CONFLICT: Final = f"""
ON CONFLICT (dataset, path) DO UPDATE SET
  size = excluded.size, etag = excluded.etag, mimetype = excluded.mimetype,
  modified_ms = excluded.modified_ms, storage_class = excluded.storage_class,
  updated_ms = excluded.updated_ms, deleted_ms = NULL,
  {_IDENTITY}
"""
_COPIED: Final = (
    *("dataset", "path", "id", "folder", "size", "etag", "mimetype", "creator"),
    *("modified_ms", "storage_class", "created_ms", "updated_ms", "touched_ms"),
)
_COLUMNS: Final = ", ".join(_COPIED)
_STAGED: Final = ("shard_id", "path", "size", "etag", "modified_ms", "storage_class")
_ADD_ARRAYS: Final = f"""
INSERT INTO items ({_COLUMNS})
SELECT $1, path, id, folder, size, etag, mimetype, $2, modified_ms, storage_class, $3, $3, 0
FROM unnest(
    $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::bigint[],
    $11::text[])
  AS new (path, id, folder, size, etag, mimetype, modified_ms, storage_class)
{_ON_CONFLICT}"""  # noqa: S608  # of constants
#: So many rows are encoded for PostgreSQL until others have the loop, which takes milliseconds.
_PIECE: Final = 1_000
_CHANGE: Final = {
    "sqlite": """
WITH new (path, size, etag, modified_ms, storage_class) AS ({rows})
UPDATE items SET size = new.size, etag = new.etag, modified_ms = new.modified_ms,
  storage_class = new.storage_class, updated_ms = ?2
FROM new WHERE items.dataset = ?1 AND items.path = new.path""",
    "postgresql": """
UPDATE items SET size = new.size, etag = new.etag, modified_ms = new.modified_ms,
  storage_class = new.storage_class, updated_ms = $2
FROM unnest($3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
  AS new (path, size, etag, modified_ms, storage_class)
WHERE items.dataset = $1 AND items.path = new.path""",
}
_REMOVE: Final = {
    "sqlite": """
UPDATE items SET deleted_ms = ?2, updated_ms = ?2, touched_ms = max(touched_ms, ?3)
WHERE dataset = ?1 AND path IN ({rows}) AND deleted_ms IS NULL""",
    "postgresql": """
UPDATE items SET deleted_ms = $2, updated_ms = $2, touched_ms = greatest(touched_ms, $3)
WHERE dataset = $1 AND path = ANY($4::text[]) AND deleted_ms IS NULL""",
}
_STAGE: Final = {
    "sqlite": """
INSERT INTO staged_objects (shard_id, path, size, etag, modified_ms, storage_class)
WITH new (path, size, etag, modified_ms, storage_class) AS ({rows})
SELECT ?1, new.* FROM new WHERE true
ON CONFLICT (shard_id, path) DO UPDATE SET
  size = excluded.size, etag = excluded.etag, modified_ms = excluded.modified_ms,
  storage_class = excluded.storage_class""",
    "postgresql": """
INSERT INTO staged_objects (shard_id, path, size, etag, modified_ms, storage_class)
SELECT DISTINCT ON (path) $1, path, size, etag, modified_ms, storage_class
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
  AS new (path, size, etag, modified_ms, storage_class)
ON CONFLICT (shard_id, path) DO UPDATE SET
  size = excluded.size, etag = excluded.etag, modified_ms = excluded.modified_ms,
  storage_class = excluded.storage_class""",
}
#: Folders that somebody made have no object, and syncs leave them alone.
_STRETCH: Final = """
SELECT path, size, etag, coalesce(modified_ms, -1), deleted_ms IS NOT NULL, touched_ms,
  storage_class
FROM items
WHERE dataset = :dataset AND path > :after {end} AND substr(path, length(path)) <> '/'
ORDER BY path LIMIT :limit
"""
_STRETCH_TO: Final = text(_STRETCH.format(end="AND path <= :upto"))
_STRETCH_ON: Final = text(_STRETCH.format(end=""))
#: Counting rows walks over them all; this count is kept as they come and go.
_COUNT: Final = (
    update(t.datasets)
    .where(t.datasets.c.number == bindparam("dataset"))
    .values(item_count=t.datasets.c.item_count + bindparam("difference"))
)


# 1.7 ms without, for a thousand rows.
@lru_cache(maxsize=AT_ONCE)
def _add_rows(count: int) -> str:
    """Return the statement that adds so many rows to one dataset, by one creator, at one time."""
    rows = ", ".join(
        f"(?1, {', '.join(f'?{first + place}' for place in range(6))}, ?2, "
        f"?{first + 6}, ?{first + 7}, ?3, ?3, 0)"
        for first in range(4, 4 + 8 * count, 8)
    )
    return f"INSERT INTO items ({_COLUMNS}) VALUES {rows} {_ON_CONFLICT}"  # noqa: S608  # of constants


class Bulk:
    """Statements over many rows, in one transaction's connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @property
    def _kind(self) -> str:
        return self._connection.dialect.name

    async def count(self, dataset: Dataset, difference: int) -> None:
        """Keep the number of files."""
        await self._connection.execute(
            _COUNT, {"dataset": dataset.number, "difference": difference}
        )

    async def stretch(
        self, dataset: Dataset, after: str, upto: str | None, *, limit: int
    ) -> Sequence[Indexed]:
        """Read rows of files in path order."""
        values: dict[str, Any] = {"dataset": dataset.number, "after": after, "limit": limit}
        query = _STRETCH_ON if upto is None else _STRETCH_TO
        if upto is not None:
            values["upto"] = upto
        rows = await self._connection.execute(query, values)
        return list(map(Indexed._make, rows))

    async def add(
        self,
        dataset: Dataset,
        added: Sequence[Listed],
        ids: Iterator[str],
        *,
        creator: str,
        now_ms: int,
    ) -> None:
        """Insert rows where there are none, or hardly any."""
        if self._kind == "sqlite" or not added:
            await self.revive(dataset, added, ids, creator=creator, now_ms=now_ms)
            return
        new_ids = list(islice(ids, len(added)))
        records = _records(dataset.number, added, new_ids, creator, now_ms)
        if not await driver.copied(self._connection, t.items.name, _COPIED, records):
            # Somebody else was quicker: a worker that is about to find out that it lost its lease.
            await self.revive(dataset, added, iter(new_ids), creator=creator, now_ms=now_ms)

    async def revive(
        self,
        dataset: Dataset,
        added: Sequence[Listed],
        ids: Iterator[str],
        *,
        creator: str,
        now_ms: int,
    ) -> None:
        """Bring tombstones back, or insert rows."""
        own = (dataset.number, creator, now_ms)
        if self._kind == "sqlite":
            for some in batched(added, AT_ONCE):
                values: list[Any] = [*own]
                for (path, size, etag, *times), new_id in zip(some, ids, strict=False):
                    kind = mimetype_of(path)
                    values += (path, new_id, folder_of(path), size, etag, kind, *times)
                await self._connection.exec_driver_sql(_add_rows(len(some)), tuple(values))
            return
        for some in batched(added, _PIECE):
            paths, sizes, etags, modified, classes = zip(*some, strict=True)
            new_ids = list(islice(ids, len(paths)))
            folders, types = list(map(folder_of, paths)), list(map(mimetype_of, paths))
            columns = (paths, new_ids, folders, sizes, etags, types, modified, classes)
            await driver.execute(self._connection, _ADD_ARRAYS, (*own, *columns))

    async def change(self, dataset: Dataset, changed: Sequence[Listed], *, now_ms: int) -> None:
        """Refresh the facts of rows."""
        if self._kind == "sqlite":
            await self._rows(_CHANGE["sqlite"], (dataset.number, now_ms), changed)
            return
        for some in batched(changed, _PIECE):
            columns = (dataset.number, now_ms, *zip(*some, strict=True))
            await driver.execute(self._connection, _CHANGE["postgresql"], columns)

    async def remove(
        self, dataset: Dataset, paths: Sequence[str], *, now_ms: int, touched: bool
    ) -> int:
        """Turn rows into tombstones; ``touched`` if not by a sync. Returns how many."""
        touched_ms = now_ms if touched else 0
        folders = [path for path in paths if path.endswith("/")]
        files = [path for path in paths if not path.endswith("/")] if folders else paths
        gone = await self._remove(dataset, files, now_ms, touched_ms)
        if gone:
            await self.count(dataset, -gone)
        return gone + await self._remove(dataset, folders, now_ms, touched_ms)

    async def _remove(
        self, dataset: Dataset, paths: Sequence[str], now_ms: int, touched_ms: int
    ) -> int:
        if not paths:
            return 0
        if self._kind == "sqlite":
            rows = [(path,) for path in paths]
            common = (dataset.number, now_ms, touched_ms)
            return await self._rows(_REMOVE["sqlite"], common, rows)
        values = (dataset.number, now_ms, touched_ms, paths)
        return await driver.execute(self._connection, _REMOVE["postgresql"], values)

    async def stage(self, shard_id: str, listed: Sequence[Listed]) -> None:
        """Keep a part of an unordered listing."""
        if self._kind == "sqlite":
            await self._rows(_STAGE["sqlite"], (shard_id,), listed)
            return
        records = _kept(shard_id, listed)
        if await driver.copied(self._connection, t.staged_objects.name, _STAGED, records):
            return
        for some in batched(listed, _PIECE):  # the store lists an object twice
            values = (shard_id, *zip(*some, strict=True))
            await driver.execute(self._connection, _STAGE["postgresql"], values)

    async def _rows(
        self, statement: str, common: tuple[Any, ...], rows: Sequence[Sequence[Any]]
    ) -> int:
        return await sqlite_rows.run(self._connection, statement, common, rows)


async def _records(
    number: int, added: Sequence[Listed], ids: Sequence[str], creator: str, now_ms: int
) -> AsyncIterator[tuple[Any, ...]]:
    """Iterate over rows in the order of :data:`_COPIED`, and let others have the loop at times."""
    own = (now_ms, now_ms, 0)
    for some, its_ids in zip(batched(added, _PIECE), batched(ids, _PIECE), strict=True):
        for (path, size, etag, modified_ms, kept), new_id in zip(some, its_ids, strict=True):
            facts = (folder_of(path), size, etag, mimetype_of(path), creator, modified_ms, kept)
            yield (number, path, new_id, *facts, *own)
        await asyncio.sleep(0)


async def _kept(shard_id: str, listed: Sequence[Listed]) -> AsyncIterator[tuple[Any, ...]]:
    """Iterate over rows in the order of :data:`_STAGED`."""
    for some in batched(listed, _PIECE):
        for one in some:
            yield (shard_id, *one)
        await asyncio.sleep(0)
