"""A search stops after its time, when its task is cancelled, and keeps nobody from a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from support.databases import make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage, SqlCatalogWork
from valetkey.db.limits import Limits
from valetkey.domain.errors import TookTooLong

#: Rows without end.
ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT (i + 1) % 1000 FROM n) "
    "SELECT count(*) FROM n WHERE i < 0"
)


async def run(work: SqlCatalogWork, statement: str) -> None:
    await work.items._connection.execute(text(statement))  # any statement will do


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[SqlCatalogStorage]:
    """A database whose searches have little time."""
    await make_tables(database_url)
    storage = SqlCatalogStorage.at(database_url, limits=Limits(search=0.2))
    yield storage
    await storage.close()


@pytest.fixture
async def patient(database_url: str) -> AsyncIterator[SqlCatalogStorage]:
    """A database whose searches would never end by themselves."""
    await make_tables(database_url)
    storage = SqlCatalogStorage.at(database_url, limits=Limits(search=3600, statement=3600))
    yield storage
    await storage.close()


async def test_a_search_that_takes_too_long_is_stopped(hasty: SqlCatalogStorage) -> None:
    with pytest.raises(TookTooLong) as refused:
        async with hasty.search() as work:
            await run(work, ENDLESS)
    assert refused.value.hint
    async with hasty.search() as work:
        await run(work, "SELECT 1")


async def test_a_search_that_nobody_waits_for_is_stopped(patient: SqlCatalogStorage) -> None:
    begun = asyncio.Event()

    async def search() -> None:
        async with patient.search() as work:
            begun.set()
            await run(work, ENDLESS)

    for _ in range(6):  # more than there are connections for
        begun.clear()
        task = asyncio.create_task(search())
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with patient.search() as work:
        await run(work, "SELECT 1")


async def test_searches_leave_others_their_connections(patient: SqlCatalogStorage) -> None:
    async def search() -> None:
        async with patient.search() as work:
            await run(work, ENDLESS)

    tasks = [asyncio.create_task(search()) for _ in range(8)]
    await asyncio.sleep(0)
    async with patient.read() as read, patient.begin() as written:
        await run(read, "SELECT 1")
        await run(written, "SELECT 1")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_how_a_search_is_done_is_decided_by_what_it_looks_for_each_time(
    postgresql_url: str,
) -> None:
    """PostgreSQL has a plan for any values from a statement's sixth time on, if it is let."""
    await make_tables(postgresql_url)
    storage = SqlCatalogStorage.at(postgresql_url)
    plans = text(
        "SELECT sum(generic_plans) FROM pg_prepared_statements"
        " WHERE statement LIKE 'SELECT path FROM items%'"
    )
    look = text("SELECT path FROM items WHERE dataset = :number LIMIT :most")
    for begin, generic in ((storage.search, False), (storage.read, True)):
        async with begin() as work:
            connection = work.items._connection
            for number in range(8):
                await connection.execute(look, {"number": number, "most": 10})
            found = (await connection.execute(plans)).scalar_one()
            assert bool(found) is generic
    await storage.close()
