"""SQLite's connections: one step a statement, turns at writing, and ends that hold up nobody."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from valetkey.db.database import Database
from valetkey.db.engine import EngineOptions, make_engine
from valetkey.db.sqlite import ThreadedConnection
from valetkey.db.write_turns import WriteTurns
from valetkey.domain.ports import Pool

_SECONDS = 30.0
_INSERT = text("INSERT INTO things VALUES (:number)")
_COUNT = text("SELECT count(*) FROM things")


@pytest.fixture
def turns() -> WriteTurns:
    return WriteTurns()


@pytest.fixture
async def engine(tmp_path: Path, turns: WriteTurns) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite:///{tmp_path}/some.db", turns=turns)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE things (number INTEGER PRIMARY KEY)"))
        await connection.execute(_INSERT, [{"number": number} for number in range(300)])
    yield engine
    await engine.dispose()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """Gather what connections give to their threads."""
    found: list[Callable[[], Any]] = []
    given = ThreadedConnection._given

    def counted(connection: ThreadedConnection, work: Callable[[], Any]) -> asyncio.Future[Any]:
        found.append(work)
        return given(connection, work)

    monkeypatch.setattr(ThreadedConnection, "_given", counted)
    return found


async def test_a_statement_and_all_that_it_finds_is_one_step(
    engine: AsyncEngine, steps: list[Callable[[], Any]]
) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(valetkey_reading=True)
        steps.clear()
        async with connection.begin():
            rows = (await connection.execute(text("SELECT number FROM things"))).all()
            assert len(rows) == 300
            assert len(steps) == 1  # which began the transaction too
            assert (await connection.execute(_COUNT)).scalar_one() == 300
            assert len(steps) == 2


async def test_a_writing_transaction_holds_the_file_for_four_steps_and_no_more(
    engine: AsyncEngine, steps: list[Callable[[], Any]]
) -> None:
    async with engine.connect() as connection:
        steps.clear()
        async with connection.begin():
            await connection.execute(_INSERT, {"number": 1000})
            await connection.execute(_INSERT, [{"number": 1001}, {"number": 1002}])
        assert len(steps) == 4  # begin, two statements, commit


async def test_who_writes_waits_for_a_turn_and_gives_it_back(
    engine: AsyncEngine, turns: WriteTurns
) -> None:
    async with asyncio.timeout(_SECONDS):
        async with engine.begin() as connection:
            await connection.execute(_INSERT, {"number": 1000})
            with pytest.raises(sqlite3.OperationalError):
                turns.take(0)
        turns.take(0)
        waiting = asyncio.create_task(_insert(engine, 1001))
        await _somebody_waits(turns)
        turns.give_back()
        await waiting
        turns.take(0)


async def test_who_reads_needs_no_turn(engine: AsyncEngine, turns: WriteTurns) -> None:
    with turns.taken(0):
        async with asyncio.timeout(_SECONDS), engine.connect() as connection:
            await connection.execution_options(valetkey_reading=True)
            async with connection.begin():
                assert (await connection.execute(_COUNT)).scalar_one() == 300


async def test_a_transaction_that_fails_gives_its_turn_back(
    engine: AsyncEngine, turns: WriteTurns
) -> None:
    for _ in range(2):
        async with asyncio.timeout(_SECONDS):
            with pytest.raises(IntegrityError):
                await _insert(engine, 1)
        turns.take(0)
        turns.give_back()


@pytest.mark.usefixtures("engine")
async def test_another_process_that_writes_takes_nobodys_turn(
    tmp_path: Path, turns: WriteTurns
) -> None:
    other = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    hasty = make_engine(
        f"sqlite:///{tmp_path}/some.db", EngineOptions(busy_seconds=0.01), turns=turns
    )
    with pytest.raises(OperationalError, match="locked"):
        await _insert(hasty, 1000)
    await hasty.dispose()
    other.close()
    turns.take(0)


async def test_who_is_cancelled_while_waiting_for_a_turn_lets_others_write(
    engine: AsyncEngine, turns: WriteTurns
) -> None:
    async with asyncio.timeout(_SECONDS):
        turns.take(0)
        waiting = asyncio.create_task(_insert(engine, 1000))
        await _somebody_waits(turns)
        waiting.cancel()
        turns.give_back()
        await asyncio.gather(waiting, return_exceptions=True)
        await _insert(engine, 1001)
        async with engine.begin() as connection:
            assert (await connection.execute(_COUNT)).scalar_one() == 301


async def test_a_connection_ends_once_and_says_so_afterwards(tmp_path: Path) -> None:
    connection = await ThreadedConnection.open(WriteTurns(), str(tmp_path / "a.db"), timeout=1)
    await connection.close()
    await connection.close()
    connection.stop()
    with pytest.raises(sqlite3.OperationalError, match="closed"):
        await connection.commit()
    connection._thread.join(_SECONDS)
    assert not connection._thread.is_alive()


async def test_what_can_not_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await ThreadedConnection.open(WriteTurns(), str(tmp_path / "no" / "a.db"), timeout=1)


async def _insert(engine: AsyncEngine, number: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(_INSERT, {"number": number})


async def _somebody_waits(turns: WriteTurns) -> None:
    for _ in range(3000):
        if turns._others:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
async def test_what_searches_leaves_the_processor_to_all_others(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/some.db")
    niceness = {}
    for pool, engine in database.pools.items():
        async with engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            niceness[pool] = await raw.run(
                lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            )
    await database.close()
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness.pop(Pool.SEARCH) == min(19, mine + 10)
    assert set(niceness.values()) == {mine}
