"""When SQLite's journal holds the event loop, and when it goes to its thread."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from valetkey.db.journal import sqlite as journals
from valetkey.db.journal.rows import Head
from valetkey.db.journal.sqlite import SqliteJournal
from valetkey.db.schema import migrate
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import StorageUnavailable

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _events(count: int = 1) -> list[AuditEvent]:
    return [
        AuditEvent("0" * 24, NOW, "a" * 24, "ada@example.com", "test", "allowed", "driver:d")
        for _ in range(count)
    ]


class Store:
    """A file with tables, its journal, and where each commit was made."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.journal = SqliteJournal(str(path), 30.0)
        self.on_loop: list[bool] = []
        self.commit_seconds = 0.0
        self.detour = asyncio.Event()
        self._now = 0.0
        loop = asyncio.get_running_loop()
        follow, append = journals._File.follow, journals._File.append

        def followed(file: journals._File, *given: Sequence[object]) -> bool:
            self._now += self.commit_seconds
            self._note()
            return follow(file, *given)  # type: ignore[arg-type]  # what follow takes

        def appended(file: journals._File, *given: Sequence[object]) -> Head:
            self._note()
            loop.call_soon_threadsafe(self.detour.set)
            return append(file, *given)  # type: ignore[arg-type]  # what append takes

        monkeypatch.setattr(journals._File, "follow", followed)
        monkeypatch.setattr(journals._File, "append", appended)
        monkeypatch.setattr(journals, "perf_counter", lambda: self._now)

    def _note(self) -> None:
        self.on_loop.append(threading.current_thread() is threading.main_thread())

    async def record(self, times: int = 1) -> list[bool]:
        """Record so often; return for each try whether it was made on the event loop."""
        self.on_loop.clear()
        for _ in range(times):
            await self.journal.record(_events(), [])
        return list(self.on_loop)

    def sequences(self) -> list[int]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute("SELECT sequence FROM audit_records ORDER BY sequence")
            return [sequence for (sequence,) in rows]


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    path = tmp_path / "valetkey.db"
    await migrate(f"sqlite:///{path}")
    store = Store(path, monkeypatch)
    yield store
    await store.journal.close()


async def test_the_first_batch_asks_for_the_head_and_the_next_ones_are_quick(store: Store) -> None:
    assert await store.record(4) == [False, True, True, True]
    assert store.sequences() == [1, 2, 3, 4]


async def test_a_slow_disk_holds_the_loop_a_few_times_and_then_its_thread(store: Store) -> None:
    await store.record()
    store.commit_seconds = 0.020
    tried = await store.record(20)
    assert tried.count(True) < 5
    assert tried[-1] is False
    store.commit_seconds = 0.0
    assert (await store.record(300))[-1] is True, "a disk that is quick again is found to be so"
    assert len(store.sequences()) == 321


async def test_one_slow_commit_among_quick_ones_changes_nothing(store: Store) -> None:
    await store.record()
    store.commit_seconds = 0.030
    await store.record()
    store.commit_seconds = 0.0005
    assert all(await store.record(50))


async def test_a_locked_file_does_not_hold_the_loop(store: Store) -> None:
    await store.record()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.on_loop.clear()
    store.detour.clear()
    waiting = asyncio.create_task(store.journal.record(_events(), []))
    await store.detour.wait()  # the loop turns while the thread waits for the lock
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    await waiting
    assert store.on_loop == [True, False]
    assert store.sequences() == [1, 2]


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
