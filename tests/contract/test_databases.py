"""What only real databases can show: races, locks, refused changes, lost connections."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.databases import drop_database, execute, make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.schema import migrate
from valetkey.domain.audit import AuditEvent, verify_chain
from valetkey.domain.errors import Conflict, StorageUnavailable
from valetkey.domain.people import Organization, Project

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORG = Organization("a" * 24, "acme", NOW)
EVENT = AuditEvent("e" * 24, NOW, ORG.id, "ada", "a.b", "allowed", "thing")
#: Ends whoever waits with a statement.
_CUT = """
    SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
    WHERE query LIKE $1 AND wait_event_type = 'Lock'
"""
HANGS = 60
CHANGES = ("UPDATE audit_records SET actor = 'eve'", "DELETE FROM audit_records")


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[tuple[SqlCatalogStorage, SqlCatalogStorage]]:
    """Two pools on one database: as two server processes have."""
    await make_tables(database_url)
    one, two = SqlCatalogStorage.at(database_url), SqlCatalogStorage.at(database_url)
    yield one, two
    await one.close()
    await two.close()


async def test_two_servers_appending_at_once_make_one_chain(
    pair: tuple[SqlCatalogStorage, SqlCatalogStorage],
) -> None:
    async def append(storage: SqlCatalogStorage, number: int) -> None:
        async with storage.begin() as work:
            await work.audit.append([replace(EVENT, id=f"{number:024x}")])

    await asyncio.gather(*(append(pair[n % 2], n) for n in range(30)))
    async with pair[0].read() as work:
        records = [record async for record in work.audit.read()]
    assert len(records) == 30
    assert verify_chain(records).holds


async def test_of_many_who_race_for_a_name_one_wins(
    pair: tuple[SqlCatalogStorage, SqlCatalogStorage],
) -> None:
    async with pair[0].begin() as work:
        await work.organizations.add(ORG)

    async def claim(number: int) -> None:
        async with pair[number % 2].begin() as work:
            await work.projects.add(Project(f"{number:024x}", ORG.id, "maps", "ada", NOW, NOW))

    results = await asyncio.gather(*(claim(n) for n in range(10)), return_exceptions=True)
    assert results.count(None) == 1
    assert all(isinstance(result, Conflict) for result in results if result is not None)


def _numbered(number: int, turn: int) -> Organization:
    return replace(ORG, id=f"{number:020x}{turn:04x}", name=f"org-{number}-{turn}")


@pytest.mark.slow
async def test_a_transaction_that_is_cancelled_anywhere_lets_the_next_one_write(
    pair: tuple[SqlCatalogStorage, SqlCatalogStorage],
) -> None:
    ours, others = pair
    kept: list[BaseException] = []  # as whoever gathers tasks keeps them, with all they refer to

    async def write(number: int) -> None:
        async with ours.begin() as work:
            for turn in range(4):
                await work.organizations.add(_numbered(number, turn))
                assert await work.organizations.get(_numbered(number, turn).id)

    for turns in range(60):
        task = asyncio.create_task(write(turns))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        task.cancel()
        kept += [one for one in await asyncio.gather(task, return_exceptions=True) if one]
        async with others.begin() as work:
            await work.organizations.add(_numbered(turns, 9))
        async with others.read() as work:
            whole = [await work.organizations.get(_numbered(turns, turn).id) for turn in range(4)]
        assert len({one is None for one in whole}) == 1
    assert kept


async def _execute(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        try:
            connection.execute(statement)
            connection.commit()
        finally:
            connection.close()
        return
    server = await asyncpg.connect(url)
    try:
        await server.execute(statement)
    finally:
        await server.close()


@pytest.mark.parametrize("statement", CHANGES)
async def test_the_database_refuses_to_change_the_audit_trail(
    pair: tuple[SqlCatalogStorage, SqlCatalogStorage], database_url: str, statement: str
) -> None:
    async with pair[0].begin() as work:
        await work.audit.append([EVENT])
    with pytest.raises((sqlite3.DatabaseError, asyncpg.PostgresError)):
        await _execute(database_url, statement)
    async with pair[0].read() as work:
        assert [record.event async for record in work.audit.read()] == [EVENT]


async def test_a_database_without_tables_says_to_migrate(database_url: str) -> None:
    storage = SqlCatalogStorage.at(database_url)
    with pytest.raises(StorageUnavailable) as refused:
        async with storage.read() as work:
            await work.users.get("0" * 24)
    await storage.close()
    assert "migrate" in refused.value.hint


async def test_a_locked_sqlite_file_is_unavailable_and_readers_go_on(sqlite_url: str) -> None:
    await make_tables(sqlite_url)
    storage = SqlCatalogStorage.at(sqlite_url, busy_seconds=0.01)
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="another process"):
        async with storage.begin() as work:
            await work.organizations.add(ORG)
    async with storage.read() as work:
        assert await work.organizations.get(ORG.id) is None
    holder.close()
    await storage.close()


async def test_a_sqlite_file_that_may_only_be_read_is_unavailable_from_the_start(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tables(sqlite_url)
    # Root may write to whatever there is, so the system's answer is played here; the end-to-end
    # test takes the permission away for real, as anybody else.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageUnavailable, match="only be read"):
        await migrate(sqlite_url)


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "odd.db").write_bytes(b"not a database at all, " * 100)
    storage = SqlCatalogStorage.at(f"sqlite:///{tmp_path}/odd.db")
    with pytest.raises(StorageUnavailable, match="not a database"):
        await storage.ping()
    await storage.close()


async def test_a_connection_cut_within_a_transaction_is_unavailable_and_the_next_one_works(
    postgresql_url: str,
) -> None:
    await make_tables(postgresql_url)
    storage = SqlCatalogStorage.at(postgresql_url)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(StorageUnavailable):  # noqa: PT012
        async with storage.begin() as work:
            await work.organizations.add(ORG)
            await _execute(postgresql_url, cut)
            await work.organizations.get(ORG.id)
    async with storage.read() as work:
        assert await work.organizations.get(ORG.id) is None
    await storage.close()


async def test_a_database_of_a_test_is_dropped_though_the_connection_is_cut_that_drops_it(
    postgresql_server: str,
) -> None:
    await execute(postgresql_server, "CREATE DATABASE dropped")
    holder: Any = await asyncpg.connect(postgresql_server)
    watcher: Any = await asyncpg.connect(postgresql_server)
    # Whoever changes it keeps out whoever drops it.
    await holder.execute("BEGIN; ALTER DATABASE dropped CONNECTION LIMIT 5")
    dropping = asyncio.create_task(drop_database(postgresql_server, "dropped"))
    async with asyncio.timeout(HANGS):
        for _ in range(2):
            while not await watcher.fetchval(_CUT, "DROP DATABASE%"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    await holder.close()
    await dropping
    left = await watcher.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'dropped'")
    await watcher.close()
    assert left == 0
