"""A listing that is put in order in the database: in bounded statements, killed at any of them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import event

from support.databases import make_tables
from support.memory import Memory, open_memory
from valetkey.catalog.db.items import bulk, driver
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql.ast import All
from valetkey.catalog.domain.ports import CatalogStorage, ItemQuery
from valetkey.catalog.domain.sync import Counts, State
from valetkey.catalog.services.datasets import NewDataset, datasets, shards
from valetkey.domain.access import ProjectRole
from valetkey.services.audit import Caller

FILES = {f"{n % 4}/{n:02}.jpg": n + 1 for n in range(30)}
#: What each part is here, and so the most rows that any statement may touch.
PART = 5
LEASE_SECONDS = 16


class Killed(BaseException):
    """What kill -9 does: nothing comes after it."""


@dataclass
class Statements:
    """Sees every statement of a database, may end the process at one, and counts its rows."""

    left: int | None = None
    most: int = 0

    def next(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed

    def touched(self, rows: int) -> None:
        self.most = max(self.most, rows)

    @contextmanager
    def of(self, storage: Any, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """Look on, at what goes past SQLAlchemy too."""
        for pool in storage._database.pools.values():
            event.listen(pool.sync_engine, "before_cursor_execute", lambda *_: self.next())
            event.listen(
                pool.sync_engine,
                "after_cursor_execute",
                lambda _, cursor, *__: self.touched(cursor.rowcount),
            )
        patch.setattr(driver, "execute", self._watched(driver.execute, lambda rows: rows))
        patch.setattr(driver, "copied", self._watched(driver.copied, lambda _: 0))
        patch.setattr(bulk, "_records", self._counted(bulk._records))
        patch.setattr(bulk, "_kept", self._counted(bulk._kept))
        yield

    def _watched(self, function: Any, rows: Callable[[Any], int]) -> Any:
        async def watched(*values: Any) -> Any:
            self.next()
            found = await function(*values)
            self.touched(rows(found))
            return found

        return watched

    def _counted(self, function: Any) -> Any:
        async def counted(*values: Any) -> AsyncIterator[Any]:
            count = 0
            async for each in function(*values):
                count += 1
                yield each
            self.touched(count)

        return counted


async def shop(storage: CatalogStorage) -> tuple[Memory, Caller, Dataset]:
    """A bucket that lists out of order, and a dataset over it."""
    memory = await open_memory(storage)
    location = await memory.location(folder="")
    developer = await memory.member("dev@example.com", ProjectRole.DEVELOPER)
    view = await memory.services.catalog.datasets.create(
        developer, memory.project.id, NewDataset("photos", location.id)
    )
    memory.objects.page_size, memory.objects.unordered = 3, True
    for path, size in FILES.items():
        memory.objects.place("acme", path, b"x" * size)
    memory.clock.advance(10)
    return memory, developer, view.dataset


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in small parts."""
    monkeypatch.setattr(shards, "_STAGED", PART)
    monkeypatch.setattr(shards, "ROWS", PART)
    monkeypatch.setattr(datasets, "DELETED", PART)


async def test_a_staged_listing_is_killed_at_one_statement_after_another_and_loses_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tables(database_url)
    storage = SqlCatalogStorage.at(database_url)
    memory, developer, dataset = await shop(storage)
    catalog = memory.services.catalog
    ordered = await catalog.syncs.start(developer, dataset.id)
    statements, deaths = Statements(), 0
    with statements.of(storage, monkeypatch):
        for life in itertools.count(8):
            statements.left = life
            try:
                await catalog.sync_worker.run_open()
            except Killed:
                deaths += 1
            else:
                break
            memory.clock.advance(LEASE_SECONDS)
        statements.left, most = None, statements.most
    done = await catalog.syncs.get(developer, ordered.command.id)
    async with storage.read() as work:
        items = await work.items.page(dataset, ItemQuery(All(())))
        (shard,) = await work.commands.shards(ordered.command.id)
        left = await work.items.staged(shard.id, "", limit=99)
        assert await work.items.count_drift(dataset) == 0
    await storage.close()
    assert deaths > 10
    assert (done.command.state, done.counts) == (State.SUCCESS, Counts(added=len(FILES)))
    assert {item.path: item.size for item in items} == FILES
    assert not left
    assert most <= PART


async def test_what_the_sync_of_a_deleted_dataset_had_kept_goes_in_parts_before_it(
    storage: CatalogStorage,
) -> None:
    memory, developer, dataset = await shop(storage)
    catalog = memory.services.catalog
    ordered = await catalog.syncs.start(developer, dataset.id)

    async def die(operation: str, _: str) -> None:
        async with storage.read() as work:
            found = await work.commands.shards(ordered.command.id)
            kept = [await work.items.staged(each.id, "", limit=99) for each in found]
        if operation == "list" and kept and len(kept[0]) > len(FILES) - PART:
            raise Killed

    memory.objects.before = die
    with pytest.raises(Killed):
        await catalog.sync_worker.run_open()
    await catalog.datasets.delete(developer, dataset.id)
    async with storage.read() as work:
        assert [each.id for each in await work.datasets.deleted()] == [dataset.id]
    await catalog.sync_worker.clean()
    async with storage.read() as work:
        assert not await work.datasets.deleted()
