"""The journal of PostgreSQL, with several processes that write to one chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from support.databases import make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.journal.postgres import _ALONE, PostgresJournal
from valetkey.db.limits import Limits
from valetkey.domain.audit import AuditEvent, AuditRecord, verify_chain
from valetkey.domain.errors import Unstorable
from valetkey.domain.lease import Lease, LeaseFilter, LeaseHolder, LeaseRecord
from valetkey.domain.ports import Storage
from valetkey.domain.scope import AccessLevel

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


def lease(number: int, text: str = "") -> Lease:
    return Lease(
        id=f"{number:024x}",
        org_id="a" * 24,
        integration_id="d" * 24,
        location_id="e" * 24,
        user_id="",
        principal="",
        role_arn=f"arn:aws:iam::123456789012:role/{text}",
        session_name="shared",
        access_key_id=f"ASIA{number}",
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        bucket="tiles",
        prefixes=(text, "raw/\u00fc*/"),
        levels=frozenset({AccessLevel.LIST, AccessLevel.READ}),
        within=("c" * 24, "f" * 24),
    )


def holder(number: int) -> LeaseHolder:
    return LeaseHolder(f"{number:024x}", f"{number:024x}", "", "ada@example.com", NOW)


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


async def kept_leases(storage: Storage) -> list[Lease]:
    async with storage.read() as work:
        newest_first = await work.leases.find(LeaseFilter("a" * 24))
    return list(reversed(newest_first))


async def test_leases_of_processes_that_write_at_once_are_stored_with_their_records(
    storages: list[SqlCatalogStorage],
) -> None:
    async def write(storage: SqlCatalogStorage, first: int) -> None:
        for number in range(first, first + 60, 3):
            named: list[LeaseRecord] = [lease(number), holder(number)] if number % 2 else []
            await storage.record([event(number + more) for more in range(3)], named)

    await asyncio.gather(*(write(each, 1000 * place) for place, each in enumerate(storages)))
    assert len(await trail(storages[0])) == 120
    wanted = [number for first in (0, 1000) for number in range(first, first + 60, 3)]
    assert await kept_leases(storages[1]) == [lease(each) for each in wanted if each % 2]


async def test_leases_come_back_as_they_were_and_one_that_is_stored_is_let_be(
    storages: list[SqlCatalogStorage],
) -> None:
    given = [lease(number, text) for number, text in enumerate(STRANGE)]
    leases: list[LeaseRecord] = [*given, *(holder(number) for number in range(len(given)))]
    for place in (0, 1, 0):
        await storages[place].record([event(place)], leases)
    changed = [replace(each, access_key_id="another", prefixes=()) for each in given]
    await storages[1].record([event(3)], [*changed, lease(100), lease(100)])
    assert await kept_leases(storages[0]) == [*given, lease(100)]
    async with storages[0].read() as work:
        held = await work.leases.find(LeaseFilter("a" * 24, user_id=f"{1:024x}"))
    assert held == [given[1]]
    assert len(await trail(storages[0])) == 4


@pytest.mark.parametrize("wrong", ["a\x00b", "\ud800"], ids=["a null", "half a character"])
async def test_a_batch_with_a_lease_that_the_database_refuses_leaves_nothing(
    storages: list[SqlCatalogStorage], wrong: str
) -> None:
    await storages[0].record([event(1)], [lease(1)])
    bad = replace(lease(3), access_key_id=wrong)
    with pytest.raises(Unstorable):
        await storages[0].record([event(2)], [lease(2), bad])
    await storages[0].record([event(4)], [lease(4)])
    assert [each.event for each in await trail(storages[1])] == [event(1), event(4)]
    assert await kept_leases(storages[1]) == [lease(1), lease(4)]


async def test_a_batch_is_one_statement_whoever_else_writes_and_whatever_leases_it_has(
    storages: list[SqlCatalogStorage], postgresql_url: str
) -> None:
    """The lock is held within it: never while this process is busy with something else."""
    journal = PostgresJournal(postgresql_url, Limits(quiet=60))
    await journal.record([event(0)], [lease(0)])
    asked: list[Any] = []
    journal._connection.add_query_logger(asked.append)
    for number in range(1, 3):
        await storages[0].record([event(100 + number)], [])
        await journal.record([event(number)], [lease(number), holder(number)])
        await asyncio.sleep(0)  # loggers are called soon
        assert len(asked) == number
    await journal.close()


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
            await few.record([event(number)], [lease(number)])
            await storages[0].record([event(number + 1)], [])
        assert [record.event for record in await trail(few)] == [event(each) for each in range(40)]
        assert await kept_leases(few) == [lease(each) for each in range(0, 40, 2)]
    finally:
        await few.close()
        await watcher.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await watcher.close()
