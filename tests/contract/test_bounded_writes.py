"""What writes many rows to SQLite does so in few statements: between two of them it waits for the
interpreter's lock, and everybody's records wait for the file meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from support.databases import make_tables
from support.dataset_rows import NOW_MS, add_dataset, furnish
from valetkey.catalog.db.items.sqlite_rows import AT_ONCE
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql import All
from valetkey.catalog.domain.merge import IndexChanges
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.domain.ports.objects import Listed

COUNT = 2 * AT_ONCE + 1
PATHS = [f"{number:05d}.jpg" for number in range(COUNT)]


@pytest.fixture
async def storage(sqlite_url: str) -> AsyncIterator[SqlCatalogStorage]:
    await make_tables(sqlite_url)
    storage = SqlCatalogStorage.at(sqlite_url)
    yield storage
    await storage.close()


@pytest.fixture
async def dataset(storage: SqlCatalogStorage) -> Dataset:
    await furnish(storage)
    dataset = await add_dataset(storage)
    async with storage.begin() as work:
        await _apply(work, dataset, IndexChanges(added=_listed(1)))
    return dataset


@pytest.fixture
def statements(storage: SqlCatalogStorage) -> Iterator[list[str]]:
    """What the database was told about items."""
    told: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, _values: Any, _ctx: Any, many: bool) -> None:
        if "items" in statement or "staged" in statement:
            told.append(statement)
            assert not many, statement

    engine = storage._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield told
    event.remove(engine, "before_cursor_execute", note)


async def test_metadata_of_many_items_is_written_some_hundred_at_a_time(
    storage: SqlCatalogStorage, dataset: Dataset, statements: list[str]
) -> None:
    async with storage.read() as work:
        items = await work.items.page(dataset, ItemQuery(All(()), limit=COUNT))
    new = [replace(each, metadata={"n": each.path}, description=each.path) for each in items]
    statements.clear()
    async with storage.begin() as work:
        await work.items.set_metadata(dataset, new)
    assert len(statements) == 3
    async with storage.read() as work:
        found = await work.items.page(dataset, ItemQuery(All(()), limit=COUNT))
    assert found == new


async def test_items_are_removed_some_hundred_at_a_time(
    storage: SqlCatalogStorage, dataset: Dataset, statements: list[str]
) -> None:
    async with storage.begin() as work:
        assert await work.items.remove(dataset, [*PATHS, "none.jpg"], now_ms=NOW_MS) == COUNT
    assert len(statements) == 3
    async with storage.begin() as work:
        assert await work.items.remove(dataset, PATHS, now_ms=NOW_MS) == 0
        assert await work.datasets.item_count(dataset) == 0


async def test_a_sync_changes_some_hundred_at_a_time(
    storage: SqlCatalogStorage, dataset: Dataset, statements: list[str]
) -> None:
    async with storage.begin() as work:
        await _apply(work, dataset, IndexChanges(changed=_listed(2)))
    assert len(statements) == 3
    async with storage.read() as work:
        assert {row.size for row in await work.items.stretch(dataset, "", None, limit=COUNT)} == {2}


@pytest.mark.usefixtures("dataset")
async def test_a_listing_out_of_order_is_kept_some_hundred_at_a_time(
    storage: SqlCatalogStorage, statements: list[str]
) -> None:
    shard = f"{7:024x}"
    async with storage.begin() as work:
        await work._connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        await work.items.stage(shard, _listed(1))
        await work.items.stage(shard, _listed(2)[:AT_ONCE])
        assert len(statements) == 4
        found = await work.items.staged(shard, "", limit=COUNT)
        assert [each.size for each in found] == [2] * AT_ONCE + [1] * (COUNT - AT_ONCE)
        await work.items.unstage(shard, limit=COUNT)


def _listed(size: int) -> list[Listed]:
    return [Listed(path, size, f"etag-{size}", NOW_MS) for path in PATHS]


async def _apply(work: Any, dataset: Dataset, changes: IndexChanges) -> None:
    ids = (f"{number:024x}" for number in itertools.count(1))
    await work.items.apply(dataset, changes, ids, creator="ada@example.com", now_ms=NOW_MS)
