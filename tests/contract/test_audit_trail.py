"""The audit trail on every storage: one unbroken chain, whoever appends at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from valetkey.domain.audit import AuditEvent, AuditRecord, verify_chain
from valetkey.domain.ports import Storage

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
        subject=f"driver:{number}",
        details={"prefixes": ["b/", "a/é"], "n": number},
    )


async def _append(storage: Storage, *numbers: int) -> None:
    async with storage.begin() as work:
        await work.audit.append([_event(number) for number in numbers])


async def _records(
    storage: Storage, *, after: int = 0, limit: int | None = None, org_id: str = ""
) -> list[AuditRecord]:
    async with storage.read() as work:
        found = work.audit.read(after=after, limit=limit, org_id=org_id)
        return [record async for record in found]


async def test_records_come_back_in_order_and_hold(storage: Storage) -> None:
    await _append(storage, 0, 1, 2)
    await _append(storage, 3)
    records = await _records(storage)
    assert [record.sequence for record in records] == [1, 2, 3, 4]
    assert [record.event for record in records] == [_event(number) for number in range(4)]
    assert verify_chain(records).holds


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
    page = await _records(storage, after=3, limit=2, org_id=ORGS[0])
    assert [record.sequence for record in page] == [5, 7]
    assert await _records(storage, after=10) == []
