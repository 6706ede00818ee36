"""The audit trail on every storage: one unbroken chain, whoever appends at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.databases import make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.audit import (
    ALL_RECORDS,
    AuditEvent,
    AuditFilter,
    AuditForm,
    AuditRecord,
    FilledForm,
    stamp,
    verify_chain,
)
from valetkey.domain.errors import AuditUnavailable, StorageUnavailable, Unstorable
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Storage
from valetkey.services import audit as audit_service
from valetkey.services.audit import AuditLog
from valetkey.system import SystemClock, SystemEntropy

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ORGS = ("a" * 24, "b" * 24)


def _event(number: int) -> AuditEvent:
    return AuditEvent(
        id=f"{number:024x}",
        at=NOW,
        org_id=ORGS[number % 2],
        actor="ada@example.com",
        action="credentials.vend",
        outcome="allowed",
        subject=f"location:{number}",
        details={"prefixes": ["b/", "a/é"], "n": number},
    )


async def _append(storage: Storage, *numbers: int) -> None:
    async with storage.begin() as work:
        await work.audit.append([_event(number) for number in numbers])


async def _records(
    storage: Storage,
    *,
    after: int = 0,
    limit: int | None = None,
    where: AuditFilter = ALL_RECORDS,
) -> list[AuditRecord]:
    async with storage.read() as work:
        found = work.audit.read(after=after, limit=limit, where=where)
        return [record async for record in found]


async def test_records_come_back_in_order_and_hold(storage: Storage) -> None:
    await _append(storage, 0, 1, 2)
    await _append(storage, 3)
    records = await _records(storage)
    assert [record.sequence for record in records] == [1, 2, 3, 4]
    assert [record.event for record in records] == [_event(number) for number in range(4)]
    assert verify_chain(records).holds


async def test_records_are_read_from_the_newest_on_below_a_sequence(storage: Storage) -> None:
    await _append(storage, *range(7))

    async def sequences(after: int, limit: int | None = None) -> list[int]:
        async with storage.read() as work:
            found = work.audit.read(after=after, limit=limit, newest_first=True)
            return [record.sequence async for record in found]

    assert await sequences(0, 3) == [7, 6, 5]
    assert await sequences(5) == [4, 3, 2, 1]
    assert await sequences(1) == []


async def test_many_appends_at_once_make_one_chain(storage: Storage) -> None:
    await asyncio.gather(*(_append(storage, 2 * n, 2 * n + 1) for n in range(20)))
    records = await _records(storage)
    assert len(records) == 40
    assert {record.event.id for record in records} == {_event(n).id for n in range(40)}
    assert verify_chain(records).holds


async def test_an_undone_append_leaves_no_gap(storage: Storage) -> None:
    await _append(storage, 0)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with storage.begin() as work:
            await work.audit.append([_event(1)])
            raise ZeroDivisionError
    await _append(storage, 2)
    records = await _records(storage)
    assert [record.event.id for record in records] == [_event(0).id, _event(2).id]
    assert verify_chain(records).holds


async def test_reading_goes_on_after_a_sequence_within_one_organisation(storage: Storage) -> None:
    await _append(storage, *range(10))
    page = await _records(storage, after=3, limit=2, where=AuditFilter(ORGS[0]))
    assert [record.sequence for record in page] == [5, 7]
    assert await _records(storage, after=10) == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (AuditFilter(actor="eve@example.com"), [2]),
        (AuditFilter(outcome="denied"), [3]),
        (AuditFilter(action="location.create", org_id=ORGS[1]), [4]),
        (AuditFilter(subject="location:1"), [2]),
        (AuditFilter(since=NOW + timedelta(seconds=3)), [4, 5]),
        (AuditFilter(until=NOW + timedelta(seconds=1)), [1]),
        (AuditFilter(actor="nobody"), []),
    ],
)
async def test_records_are_found_by_what_they_say(
    storage: Storage, where: AuditFilter, expected: list[int]
) -> None:
    changes: list[dict[str, str]] = [
        {},
        {"actor": "eve@example.com"},
        {"outcome": "denied"},
        {"action": "location.create"},
        {},
    ]
    events = [
        replace(_event(number), at=NOW + timedelta(seconds=number), **change)  # type: ignore[arg-type]
        for number, change in enumerate(changes)
    ]
    async with storage.begin() as work:
        await work.audit.append(events)
    assert [record.sequence for record in await _records(storage, where=where)] == expected


def _filled(number: int) -> FilledForm:
    form = AuditForm(
        org_id=ORGS[0],
        actor="ada@example.com",
        action="credentials.vend",
        outcome="allowed",
        subject="location:d",
        reason="owner",
        details={"prefixes": ["a/é"]},
    )
    return FilledForm(form, "request", "192.0.2.7").date(f"{number:024x}", NOW, stamp(NOW))


async def test_records_of_the_quick_way_and_of_transactions_make_one_chain(
    storage: Storage,
) -> None:
    await storage.record([_filled(1), _filled(2)], [])
    await storage.record([_filled(3)], [])
    await _append(storage, 4)
    await storage.record([_filled(5), _event(6)], [])
    await asyncio.gather(
        *(storage.record([_filled(10 + n)], []) for n in range(20)),
        *(_append(storage, 100 + n) for n in range(20)),
    )
    records = await _records(storage)
    assert [record.event.id for record in records[:6]] == [
        f"{number:024x}" for number in range(1, 7)
    ]
    assert len(records) == 46
    assert verify_chain(records).holds


async def test_a_great_many_records_at_once_make_one_chain(storage: Storage) -> None:
    await storage.record([_filled(n) for n in range(400)], [])
    await storage.record([_filled(n) for n in range(400)], [])
    records = await _records(storage)
    assert len(records) == 800
    assert verify_chain(records).holds


async def test_two_processes_that_write_the_quick_way_make_one_chain(database_url: str) -> None:
    await make_tables(database_url)
    one, other = SqlCatalogStorage.at(database_url), SqlCatalogStorage.at(database_url)
    for round_ in range(5):
        await asyncio.gather(
            one.record([_filled(round_)], []), other.record([_filled(round_ + 100)], [])
        )
    records = await _records(one)
    assert len(records) == 10
    assert verify_chain(records).holds
    await one.close()
    await other.close()


#: Half a character: no database stores it. Made past what makes texts storable.
BAD = replace(_event(1000), actor="eve\ud800")


async def test_a_record_that_is_refused_leaves_nothing_of_its_batch(storage: Storage) -> None:
    await storage.record([_event(1)], [])
    with pytest.raises(Unstorable):
        await storage.record([_event(2), BAD, _event(3)], [])
    await storage.record([_event(4)], [])
    records = await _records(storage)
    assert [record.event.id for record in records] == [_event(1).id, _event(4).id]
    assert verify_chain(records).holds


async def test_a_record_that_is_refused_fails_alone(storage: Storage) -> None:
    clock = SystemClock()
    audit = AuditLog(storage, clock, IdFactory(clock, SystemEntropy()))
    entries = [BAD if number % 10 == 7 else _event(number) for number in range(40)]
    outcomes = await asyncio.gather(*map(audit.write, entries), return_exceptions=True)
    refused = [number for number, outcome in enumerate(outcomes) if outcome is not None]
    assert refused == [7, 17, 27, 37]
    assert all(isinstance(outcomes[number], AuditUnavailable) for number in refused)
    records = await _records(storage)
    assert [record.event for record in records] == [each for each in entries if each is not BAD]
    assert verify_chain(records).holds


NASTY = "x\0\ud800\U0001f600é\n" + "y" * 300


async def test_what_callers_send_is_stored_whatever_it_is(storage: Storage) -> None:
    made = AuditEvent.of(
        id="1" * 24,
        at=NOW,
        org_id=ORGS[0],
        actor=NASTY,
        action="credentials.vend",
        outcome="denied",
        subject=NASTY,
        reason=NASTY,
        request_id=NASTY,
        source=NASTY,
        details={"prefixes": [NASTY], NASTY: {"n": 1, "m": None}},
    )
    form = AuditForm(
        org_id=ORGS[0],
        actor=NASTY,
        action="credentials.vend",
        outcome="allowed",
        subject=NASTY,
        reason=NASTY,
        details={"prefixes": (NASTY,)},
    )
    filled = FilledForm(form, NASTY, NASTY).date("2" * 24, NOW, stamp(NOW))
    await storage.record([made, filled], [])
    async with storage.begin() as work:
        await work.audit.append([replace(made, id="3" * 24)])
    records = await _records(storage)
    assert records[0].event == made
    assert made.subject.startswith("x\ufffd\ufffd\U0001f600é\ny")
    assert len(made.subject) == len(NASTY)
    assert verify_chain(records).holds


async def test_readers_that_pause_hold_no_connection_and_miss_nothing(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_service, "_PAGE", 7)
    clock = SystemClock()
    audit = AuditLog(storage, clock, IdFactory(clock, SystemEntropy()))
    await storage.record([_event(number) for number in range(21)], [])
    readers = [audit.read() for _ in range(40)]
    firsts = [await anext(reader) for reader in readers]
    assert {record.sequence for record in firsts} == {1}
    await storage.record([_event(21)], [])
    rest = [record.sequence async for record in readers[0]]
    assert rest == list(range(2, 23))
    assert [record.sequence async for record in audit.read(after=5, limit=9)] == list(range(6, 15))
    assert [record.sequence async for record in audit.read(after=5, limit=7)] == list(range(6, 13))
    for reader in readers:
        await reader.aclose()  # type: ignore[attr-defined]  # a generator


async def test_a_value_that_no_row_takes_is_the_callers_mistake(storage_url: str | None) -> None:
    if storage_url is None:
        return  # a dictionary takes everything
    await make_tables(storage_url)
    storage = SqlCatalogStorage.at(storage_url)
    for actor in ("\ud800", *(["\0"] if storage_url.startswith("postgres") else [])):
        with pytest.raises(Unstorable):
            await _records(storage, where=AuditFilter(actor=actor))
    beyond = datetime.fromisoformat("9999-12-31T23:59:59-23:59")  # UTC has no year 10000
    with pytest.raises(Unstorable):
        await _records(storage, where=AuditFilter(since=beyond))
    await storage.close()


async def test_nothing_is_recorded_where_the_database_is_gone(tmp_path: Path) -> None:
    storage = SqlCatalogStorage.at(f"sqlite:///{tmp_path}/gone.db")
    with pytest.raises(StorageUnavailable):
        await storage.record([_filled(1)], [])
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240  # a moment, in a test
    await storage.close()
