"""The journal of PostgreSQL, with several processes that write to one chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from support.databases import make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.journal.postgres import _ALONE
from valetkey.domain.audit import AuditEvent, AuditRecord, verify_chain
from valetkey.domain.ports import Storage

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
#: What a database, a JSON text or a hash may see otherwise than we do.
STRANGE = ["", "\\", "'\"$$", "line\nline", "\u2028\U0001f511", "{a,b}", "NULL", "\x7f", "e\u0301"]


def event(number: int, text: str = "") -> AuditEvent:
    details = {"text": text, "number": number}
    return AuditEvent.of(
        id=f"{number:024x}",
        at=NOW,
        org_id="a" * 24,
        actor="ada",
        action="a.b",
        outcome="allowed",
        subject=f"thing {text}",
        reason=text,
        request_id=text,
        source=text,
        details=details,
    )


@pytest.fixture
async def storages(postgresql_url: str) -> AsyncIterator[list[SqlCatalogStorage]]:
    await make_tables(postgresql_url)
    opened = [SqlCatalogStorage.at(postgresql_url) for _ in range(2)]
    yield opened
    for each in opened:
        await each.close()


async def trail(storage: Storage) -> list[AuditRecord]:
    async with storage.read() as work:
        found = [record async for record in work.audit.read()]
    assert verify_chain(found).holds
    return found


async def test_two_processes_that_write_at_once_make_one_chain(
    storages: list[SqlCatalogStorage],
) -> None:
    async def write(storage: SqlCatalogStorage, first: int) -> None:
        for number in range(first, first + 60, 3):
            await storage.record([event(number + more) for more in range(3)], [])

    await asyncio.gather(*(write(each, 1000 * place) for place, each in enumerate(storages)))
    found = await trail(storages[0])
    assert [record.sequence for record in found] == list(range(1, 121))
    for place in (0, 1):
        own = [record.event for record in found if int(record.event.id, 16) // 1000 == place]
        assert own == [event(1000 * place + number) for number in range(60)]


async def test_hashes_are_the_same_wherever_they_are_made(
    storages: list[SqlCatalogStorage],
) -> None:
    one, other = storages
    given = [event(number, text) for number, text in enumerate(STRANGE)]
    await one.record(given, [])
    for number in range(100, 100 + 2 * _ALONE):  # it comes to be alone
        await one.record([event(number, STRANGE[number % len(STRANGE)])], [])
    await one.record(given, [])
    await other.record(given, [])
    await one.record(given, [])
    found = await trail(other)
    assert [record.event for record in found[-len(given) :]] == given
    assert len(found) == 4 * len(given) + 2 * _ALONE


async def test_a_role_that_may_make_nothing_temporary_writes_all_the_same(
    storages: list[SqlCatalogStorage], postgresql_url: str
) -> None:
    watcher: Any = await asyncpg.connect(postgresql_url)
    role = f"r{postgresql_url.split('/t', 1)[1][:20]}"
    await watcher.execute(
        f"CREATE ROLE {role} LOGIN; REVOKE TEMPORARY ON DATABASE "  # noqa: S608  # our own names
        f"{await watcher.fetchval('SELECT current_database()')} FROM PUBLIC; "
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; "
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
    )
    few = SqlCatalogStorage.at(postgresql_url.replace("postgres:@", f"{role}:@"))
    try:
        for number in range(0, 40, 2):
            await few.record([event(number)], [])
            await storages[0].record([event(number + 1)], [])
        assert [record.event for record in await trail(few)] == [event(each) for each in range(40)]
    finally:
        await few.close()
        await watcher.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await watcher.close()
