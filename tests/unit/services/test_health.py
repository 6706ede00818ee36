"""Whether the server is well: what /readyz and the console's first page tell."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from support.console import Visitor
from support.memory import Memory
from valetkey.domain.errors import AuditUnavailable, StorageBusy, StorageUnavailable
from valetkey.services import health
from valetkey.services.health import PATIENCE

WELL = {"database": "", "audit": "", "sts": "", "worker": "", "syncs": ""}


async def parts(memory: Memory) -> dict[str, str]:
    return (await memory.services.health.readiness()).parts


async def test_a_server_that_has_just_begun_is_well(memory: Memory) -> None:
    assert await parts(memory) == WELL


async def test_a_worker_that_comes_round_is_well_however_long_the_server_runs(
    memory: Memory,
) -> None:
    for _ in range(3):
        memory.clock.advance(PATIENCE)
        await memory.services.scheduler.round()
    assert (await parts(memory))["worker"] == ""


async def test_a_database_that_hangs_is_told_of_in_time_and_looked_at_once(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    let, looks = asyncio.Event(), list[None]()

    async def hang() -> None:
        looks.append(None)
        await let.wait()

    with monkeypatch.context() as patch:
        patch.setattr(memory.storage, "ping", hang)
        patch.setattr(health, "LOOK_SECONDS", 0.01)
        for _ in range(3):
            found = await memory.services.health.readiness()
            assert not found.ready
            assert found.parts["database"] == "The database does not answer."
    assert len(looks) == 1
    let.set()
    await asyncio.sleep(0)
    assert await parts(memory) == WELL


async def test_a_database_that_answers_and_stores_nothing_is_not_ready(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> None:
        raise StorageUnavailable("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(memory.storage, "probe", full)
        for _ in range(2):
            found = await memory.services.health.readiness()
            assert (found.ready, found.parts["database"]) == (False, "The disk is full.")
    assert await parts(memory) == WELL


@pytest.mark.parametrize(("minutes", "way"), [(1440, "behind"), (-6, "ahead of")])
async def test_a_process_whose_clock_is_off_is_not_ready_until_it_is_set(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, minutes: int, way: str
) -> None:
    off = timedelta(minutes=minutes)

    async def probe() -> datetime:
        return memory.clock.now() + off

    monkeypatch.setattr(memory.storage, "probe", probe)
    found = await memory.services.health.readiness()
    told = f"clock is {abs(minutes):,} minutes {way} the database's"
    assert (found.ready, told in found.parts["database"]) == (False, True)
    off = timedelta()
    memory.clock.advance(health.BETWEEN_PROBES)
    assert await parts(memory) == WELL


async def test_a_database_that_others_hold_for_a_while_is_ready(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held() -> None:
        raise StorageBusy("Another process holds the database.")

    monkeypatch.setattr(memory.storage, "probe", held)
    assert (await memory.services.health.readiness()).ready


async def test_records_that_could_not_be_written_a_moment_ago_are_told_of(memory: Memory) -> None:
    audit, caller = memory.services.audit, await memory.caller()
    event = audit.event(caller, "a.b", "thing", org_id=memory.org_id)
    memory.storage.unavailable = True
    with pytest.raises(AuditUnavailable):
        await audit.write(event)
    memory.storage.unavailable = False
    found = await memory.services.health.readiness()
    assert not found.ready
    assert "The database is gone." in found.parts["audit"]
    await audit.write(event)
    assert await parts(memory) == WELL


async def test_a_store_that_can_be_written_again_is_ready_though_nobody_asks_for_anything(
    memory: Memory,
) -> None:
    audit, caller = memory.services.audit, await memory.caller()
    memory.storage.unavailable = True
    with pytest.raises(AuditUnavailable):
        await audit.write(audit.event(caller, "a.b", "thing", org_id=memory.org_id))
    assert not (await memory.services.health.readiness()).ready
    memory.storage.unavailable = False
    memory.clock.advance(1.5)
    assert await parts(memory) == WELL


async def test_a_store_that_has_room_for_little_is_not_ready_while_records_fail(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit, caller = memory.services.audit, await memory.caller()
    for _ in range(5):
        with monkeypatch.context() as patch:
            patch.setattr(memory.storage, "unavailable", True)
            with pytest.raises(AuditUnavailable):
                await audit.write(audit.event(caller, "a.b", "thing", org_id=memory.org_id))
        memory.clock.advance(0.5)
        assert not (await memory.services.health.readiness()).ready


async def test_a_store_that_fills_up_while_nobody_writes_is_told_of_within_two_seconds(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> None:
        raise StorageUnavailable("The disk is full.")

    assert await parts(memory) == WELL
    monkeypatch.setattr(memory.storage, "probe", full)
    memory.clock.advance(2)
    assert (await parts(memory))["database"] == "The disk is full."


async def test_workers_that_stopped_are_told_of_and_requests_are_served_all_the_same(
    memory: Memory,
) -> None:
    await memory.services.scheduler.round()
    memory.clock.advance(PATIENCE + 1)
    found = await memory.services.health.readiness()
    assert found.ready
    assert "not come round for 5 minutes" in found.parts["worker"]
    assert "not come round for 5 minutes" in found.parts["syncs"]


async def test_the_worker_of_syncs_beats_by_itself_while_it_runs(memory: Memory) -> None:
    memory.clock.advance(PATIENCE + 1)
    async with memory.services.catalog.sync_worker.running():
        for _ in range(100):
            await asyncio.sleep(0)
        assert (await parts(memory))["syncs"] == ""
    assert "not come round" in (await parts(memory))["worker"]


async def test_a_duty_that_fails_is_named_without_what_it_said(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise StorageUnavailable("The disk of acme-production is full.")

    with monkeypatch.context() as patch:
        patch.setattr(memory.storage, "begin", broken)
        await memory.services.scheduler.round()
    told = (await parts(memory))["worker"]
    assert "ended leases" in told
    assert "acme-production" not in told
    memory.clock.advance(3600)
    await memory.services.scheduler.round()
    assert (await parts(memory))["worker"] == ""


async def test_the_first_page_and_readyz_show_the_workers(owner: Visitor, memory: Memory) -> None:
    page = (await owner.get("")).text
    assert ">Worker</span> is well." in page
    assert ">Syncs</span> is well." in page
    memory.clock.advance(PATIENCE + 1)
    ready = await owner.http.get("/readyz")
    assert ready.status_code == 200
    assert "not come round" in ready.json()["parts"]["worker"]


async def test_a_duty_that_hangs_keeps_no_other_from_its_turn(memory: Memory) -> None:
    scheduler, turns, hanging = memory.services.scheduler, asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        hanging.set()
        await asyncio.Event().wait()

    async def take() -> None:
        turns.set()

    by_name = {duty.name: duty for duty in scheduler._duties}
    by_name["rotations"]._work, by_name["revocations"]._work = hang, take
    round_ = asyncio.create_task(scheduler.round())
    await hanging.wait()
    await turns.wait()
    round_.cancel()
