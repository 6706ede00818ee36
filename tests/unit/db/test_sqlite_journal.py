"""SQLite's journal: in a thread, in order, and in one file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.databases import make_tables
from valetkey.db.files import HeldFile
from valetkey.db.journal import sqlite as journals
from valetkey.db.journal.sqlite import SqliteJournal
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import StorageUnavailable

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _events(count: int = 1) -> list[AuditEvent]:
    return [
        AuditEvent("0" * 24, NOW, "a" * 24, "ada@example.com", "test", "allowed", "location:d")
        for _ in range(count)
    ]


class Store:
    """A file with tables, and its journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = SqliteJournal(HeldFile(path), 30.0)

    async def record(self, times: int = 1) -> None:
        for _ in range(times):
            await self.journal.record(_events(), [])

    def sequences(self) -> list[int]:
        with closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute("SELECT sequence FROM audit_records ORDER BY sequence")
            return [sequence for (sequence,) in rows]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "valetkey.db"
    await make_tables(f"sqlite:///{path}")
    store = Store(path)
    yield store
    await store.journal.close()


async def test_a_disk_that_hangs_does_not_hold_the_loop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, reached = threading.Event(), asyncio.Event()
    loop, follow = asyncio.get_running_loop(), journals._File.follow

    def slow(file: journals._File, *given: Sequence[object]) -> bool:
        loop.call_soon_threadsafe(reached.set)
        assert hanging.wait(60)
        return follow(file, *given)  # type: ignore[arg-type]  # what follow takes

    await store.record()
    monkeypatch.setattr(journals._File, "follow", slow)
    waiting = asyncio.create_task(store.record())
    await reached.wait()  # the loop turns while the disk does not
    assert not waiting.done()
    hanging.set()
    await waiting
    assert store.sequences() == [1, 2]


async def test_a_locked_file_is_waited_for_without_holding_the_loop(store: Store) -> None:
    await store.record()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.record())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    await waiting
    assert store.sequences() == [1, 2]


async def test_what_somebody_else_appended_is_followed(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "valetkey.db")
    for each in (store, other, store, store, other):
        await each.record()
    await other.journal.close()
    assert store.sequences() == [1, 2, 3, 4, 5]


async def test_a_file_that_was_replaced_is_not_written_any_more(store: Store) -> None:
    await store.record(2)
    store.path.rename(store.path.with_name("away.db"))
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            await store.record()
    store.path.with_name("away.db").rename(store.path)
    await store.record()
    assert store.sequences() == [1, 2, 3]


async def test_a_batch_that_is_larger_than_a_statement_is_stored_whole(store: Store) -> None:
    await store.record()
    await store.journal.record(_events(300), [])
    assert store.sequences() == list(range(1, 302))
