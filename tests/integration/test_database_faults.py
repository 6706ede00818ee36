"""A PostgreSQL that goes away: every answer comes within its limits, and all heals by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from support.databases import make_tables
from support.faulty_proxy import FaultyProxy
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db import database, postgres
from valetkey.db.database import CONNECTIONS, pool_sizes
from valetkey.db.limits import Limits
from valetkey.db.schema import schema_state
from valetkey.domain.audit import AuditEvent, verify_chain
from valetkey.domain.errors import (
    CommitUnknown,
    ConfigurationError,
    StorageBusy,
    StorageUnavailable,
)
from valetkey.domain.people import Organization
from valetkey.domain.ports import Pool

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORG = Organization("a" * 24, "acme", NOW)
#: Long enough for a busy machine, short enough for a test.
LIMITS = Limits(
    connect=2,
    pool=2,
    lock=1,
    statement=1,
    heavy_statement=1,
    margin=1,
    ping=0.5,
    quiet=0,
    idle_in_transaction=2,
)
#: No test waits for this; one that does hangs.
HANGS = 90
#: Of tests that wait for no limit but a ping's: on however busy a machine, all others are kept.
PATIENT = replace(
    LIMITS, connect=HANGS, pool=HANGS, lock=HANGS, statement=HANGS, heavy_statement=HANGS
)


def event(number: int) -> AuditEvent:
    return AuditEvent(f"{number:024x}", NOW, ORG.id, "ada", "a.b", "allowed", "thing")


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(postgresql_url) as door:
        yield door


@pytest.fixture
async def storage(proxy: FaultyProxy, postgresql_url: str) -> AsyncIterator[SqlCatalogStorage]:
    async with _opened(proxy, postgresql_url, LIMITS) as opened:
        yield opened


@pytest.fixture
async def patient(
    proxy: FaultyProxy, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SqlCatalogStorage]:
    monkeypatch.setattr(database, "_HEALTH_SECONDS", HANGS)
    async with _opened(proxy, postgresql_url, PATIENT) as opened:
        yield opened


@asynccontextmanager
async def _opened(
    proxy: FaultyProxy, postgresql_url: str, limits: Limits
) -> AsyncIterator[SqlCatalogStorage]:
    await make_tables(postgresql_url)
    opened = SqlCatalogStorage.at(proxy.url, limits=limits)
    async with opened.begin() as work:
        await work.organizations.add(ORG)
    yield opened
    async with asyncio.timeout(HANGS):
        await opened.close()


async def read(storage: SqlCatalogStorage) -> bool:
    async with storage.read() as work:
        return await work.organizations.get(ORG.id) == ORG


async def all_ways(storage: SqlCatalogStorage) -> list[bool | datetime | BaseException | None]:
    """Use every pool and every connection at once; return what came of it."""
    ways = [read(storage.through(pool)) for pool in Pool]
    async with asyncio.timeout(HANGS):
        return list(
            await asyncio.gather(*ways, storage.ping(), storage.probe(), return_exceptions=True)
        )


def well(outcomes: Iterable[bool | datetime | BaseException | None]) -> bool:
    return not any(outcome is False or isinstance(outcome, BaseException) for outcome in outcomes)


async def until_well(storage: SqlCatalogStorage) -> None:
    async with asyncio.timeout(HANGS):
        while not well(await all_ways(storage)):
            pass


async def records(storage: SqlCatalogStorage) -> list[AuditEvent]:
    async with storage.read() as work:
        found = [record async for record in work.audit.read()]
    assert verify_chain(found).holds
    return [record.event for record in found]


async def test_old_connections_that_swallow_everything_are_replaced_and_nobody_notices(
    proxy: FaultyProxy, patient: SqlCatalogStorage
) -> None:
    await patient.record([event(1)], [])
    assert well(await all_ways(patient))
    proxy.swallow_old()
    assert well(await all_ways(patient))
    await patient.record([event(2)], [])
    assert await records(patient) == [event(1), event(2)]


async def test_a_statement_under_way_that_is_swallowed_ends_within_its_limit(
    proxy: FaultyProxy, storage: SqlCatalogStorage
) -> None:
    with pytest.raises(StorageUnavailable, match="does not answer in time"):  # noqa: PT012
        async with asyncio.timeout(HANGS), storage.begin() as work:
            await work.organizations.add(Organization("b" * 24, "other", NOW))
            proxy.swallow_old()
    assert well(await all_ways(storage))
    async with storage.read() as work:
        assert await work.organizations.get("b" * 24) is None


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
async def test_a_database_that_is_away_is_refused_within_limits_and_comes_back(
    proxy: FaultyProxy, storage: SqlCatalogStorage, fault: str
) -> None:
    await storage.record([event(1)], [])
    assert well(await all_ways(storage))
    getattr(proxy, fault)()
    for _ in range(2):
        outcomes = await all_ways(storage)
        assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
        with pytest.raises(StorageUnavailable):
            await storage.record([event(2)], [])
    proxy.thaw() if fault == "freeze" else proxy.accept()
    await until_well(storage)
    await storage.record([event(3)], [])
    # What was refused may have been stored all the same, as the last thing that was sent.
    assert [each for each in await records(storage) if each != event(2)] == [event(1), event(3)]


async def test_connections_that_are_cut_are_replaced(
    proxy: FaultyProxy, patient: SqlCatalogStorage
) -> None:
    await patient.record([event(1)], [])
    assert well(await all_ways(patient))
    proxy.cut()
    assert well(await all_ways(patient))
    await patient.record([event(2)], [])
    assert await records(patient) == [event(1), event(2)]


class Ended:
    """A connection whose goodbye is read, and whose end is not seen yet."""

    def is_closed(self) -> bool:
        return False

    async def fetch(self, *_: Any, **__: Any) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12; another is in progress")

    execute = fetchrow = fetch

    def terminate(self) -> None:
        pass

    def transaction(self) -> Any:
        raise asyncpg.InternalClientError("cannot switch to state 12; another is in progress")


async def test_a_goodbye_of_the_server_between_two_statements_is_a_connection_that_is_gone(
    patient: SqlCatalogStorage, postgresql_url: str
) -> None:
    await patient.record([event(1)], [])
    assert well(await all_ways(patient))
    watcher: Any = await asyncpg.connect(postgresql_url)
    journal: Any = patient._database.journal
    journal._connection.terminate()
    journal._connection, journal._used_at = Ended(), time.monotonic() + HANGS  # not asked before
    with pytest.raises(StorageUnavailable):
        await patient.record([event(2)], [])
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1"
    await watcher.fetch(ended, "valetkey%")
    await until_well(patient)
    await patient.record([event(3)], [])
    assert event(3) in await records(patient)
    await watcher.close()


async def test_a_locked_table_keeps_nobody_who_does_not_need_it(
    storage: SqlCatalogStorage, postgresql_url: str
) -> None:
    holder: Any = await asyncpg.connect(postgresql_url)
    await holder.execute("BEGIN; LOCK TABLE organizations")
    waiting = [
        asyncio.create_task(read(storage)) for _ in range(pool_sizes(CONNECTIONS)[Pool.GENERAL] + 4)
    ]
    async with asyncio.timeout(HANGS):
        await storage.ping()
        async with storage.through(Pool.VENDING).read() as work:
            assert await work.users.get("0" * 24) is None
        await storage.record([event(1)], [])
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, StorageBusy) for outcome in outcomes)
    await holder.close()
    await until_well(storage)


async def test_a_database_without_free_connections_says_so_and_is_used_again(
    storage: SqlCatalogStorage, postgresql_url: str
) -> None:
    taken: list[Any] = []
    with suppress(asyncpg.PostgresError):
        while True:
            taken.append(await asyncpg.connect(postgresql_url))
    outcomes = await all_ways(storage)
    refused = [outcome for outcome in outcomes if isinstance(outcome, StorageUnavailable)]
    assert refused
    assert all("no connections left" in each.message for each in refused)
    for connection in taken:
        await connection.close()
    await until_well(storage)


async def test_what_drops_a_sessions_settings_is_refused_in_words(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_tables(postgresql_url)
    assert (await schema_state(postgresql_url)).current
    monkeypatch.setattr(postgres, "server_settings", lambda *_: {})  # as PgBouncer may be told to
    with pytest.raises(ConfigurationError, match="does not pass on the settings"):
        await schema_state(postgresql_url)


async def test_a_process_has_no_more_connections_than_it_is_given(
    postgresql_url: str,
) -> None:
    await make_tables(postgresql_url)
    few = SqlCatalogStorage.at(postgresql_url, connections=12)
    watcher: Any = await asyncpg.connect(postgresql_url)
    await asyncio.gather(*(read(few.through(pool)) for pool in Pool for _ in range(30)))
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'valetkey%'"
    assert await watcher.fetchval(count) == 12
    await watcher.close()
    await few.close()


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str | frozenset[str]] = asyncio.Queue()

    def changed(self, tags: Iterable[str]) -> None:
        self.told.put_nowait(frozenset(tags))

    def deaf(self) -> None:
        self.told.put_nowait("deaf")

    def hearing(self) -> None:
        self.told.put_nowait("hearing")

    async def next(self) -> str | frozenset[str]:
        async with asyncio.timeout(HANGS):
            return await self.told.get()


async def test_a_listening_connection_that_is_swallowed_makes_deaf_and_is_made_anew(
    proxy: FaultyProxy, storage: SqlCatalogStorage, postgresql_url: str
) -> None:
    listener = Listener()
    storage.listen(listener)
    assert [await listener.next() for _ in range(2)] == ["deaf", "hearing"]
    proxy.swallow_old()
    assert [await listener.next() for _ in range(2)] == ["deaf", "hearing"]
    other = SqlCatalogStorage.at(postgresql_url)
    async with other.begin() as work:
        await work.invalidations.publish(["a"])
    assert await listener.next() == frozenset({"a"})
    await other.close()


async def test_what_a_cut_off_commit_may_have_changed_is_forgotten(
    proxy: FaultyProxy, storage: SqlCatalogStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    storage.listen(listener)
    assert [await listener.next() for _ in range(2)] == ["deaf", "hearing"]
    with pytest.raises(CommitUnknown):  # noqa: PT012
        async with storage.begin() as work:
            await work.invalidations.publish(["a"])
            send = work.invalidations.send

            async def send_and_be_cut_off() -> None:
                await send()
                proxy.swallow_old()

            # What is left then is the commit.
            monkeypatch.setattr(work.invalidations, "send", send_and_be_cut_off)
    told = [await listener.next() for _ in range(3)]
    assert frozenset({"a"}) in told


async def test_a_transaction_whose_client_is_gone_lets_others_go_on(
    proxy: FaultyProxy, postgresql_url: str
) -> None:
    await make_tables(postgresql_url)
    limits = Limits(connect=2, lock=1, statement=1, margin=1, idle_in_transaction=0.5)
    lost = SqlCatalogStorage.at(proxy.url, limits=limits)
    other = SqlCatalogStorage.at(postgresql_url, limits=limits)
    with suppress(StorageUnavailable):
        async with lost.begin() as work:
            await work.audit.append([event(1)])  # holds the lock that all records need
            proxy.freeze()
    began = time.monotonic()
    while time.monotonic() - began < HANGS:
        with suppress(StorageUnavailable):
            await other.record([event(2)], [])
            break
    assert await records(other) == [event(2)]
    await other.close()
    await lost.close()


async def test_a_probe_tells_the_time_of_postgresql(patient: SqlCatalogStorage) -> None:
    moment = await patient.probe()
    assert moment is not None
    assert abs(datetime.now(UTC) - moment).total_seconds() < HANGS


async def test_connections_that_can_only_read_are_replaced_where_new_ones_can_write(
    patient: SqlCatalogStorage, postgresql_url: str
) -> None:
    """An address led to a replica for a while: those that were made then can only read for ever."""
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    only_read = f"DATABASE {name} %s default_transaction_read_only"
    watcher: Any = await asyncpg.connect(postgresql_url)
    await watcher.execute(f"ALTER {only_read % 'SET'} = on")
    await watcher.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert all(outcome for outcome in [await read(patient.through(pool)) for pool in Pool])
    with pytest.raises(StorageUnavailable, match="only be read"):
        await patient.probe()
    with pytest.raises(StorageUnavailable, match="only be read"):
        await patient.record([event(1)], [])
    await watcher.execute(f"ALTER {only_read % 'RESET'}")
    await watcher.close()
    await until_well(patient)
    await patient.record([event(2)], [])
    for number, pool in enumerate(Pool):
        async with patient.through(pool).begin() as work:
            await work.organizations.add(Organization(f"{number:024x}", f"o{number}", NOW))
    assert await records(patient) == [event(2)]
