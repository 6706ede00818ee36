"""A process whose clock is far off PostgreSQL's takes no work, and leaves that of others alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from support.databases import make_tables
from support.desk import Desk, make_desk, sent
from support.memory import open_memory
from valetkey.bootstrap import WiredServices, wire
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.sync import CommandKind, Shard, State
from valetkey.catalog.services.datasets.shards import claim
from valetkey.catalog.services.items.intents import PEACE
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.domain.errors import AwsRefused, ClockOff, Locked, StorageUnavailable
from valetkey.domain.rotation import Schedule
from valetkey.services.work import WorkLocks
from valetkey.testing import FakeSts, ManualClock

#: More than is let be.
OFF = pytest.mark.parametrize("minutes", [10, -10])
#: Less than that, and more than any lease of work lasts.
SKEWED = pytest.mark.parametrize("minutes", [4, -4])


class Site:
    """A dataset in a database, and processes on it, each with a clock of its own."""

    def __init__(self, desk: Desk, url: str) -> None:
        self.desk, self._url = desk, url
        self._opened: list[SqlCatalogStorage] = []

    def process(self, minutes: int = 0) -> tuple[WiredServices, ManualClock, SqlCatalogStorage]:
        """Start a process whose clock is so far ahead."""
        clock = ManualClock(datetime.now(UTC) + timedelta(minutes=minutes))
        storage = SqlCatalogStorage.at(self._url, clock=clock)
        self._opened.append(storage)
        parts = replace(self.desk.memory.parts, storage=storage, clock=clock, sts=FakeSts(clock))
        return wire(parts), clock, storage

    async def order(self) -> str:
        """Order a sync of a bucket that has something new."""
        self.desk.memory.objects.place("acme", "train/new", b"x")
        syncs = self.desk.memory.services.catalog.syncs
        return (await syncs.start(self.desk.developer, self.desk.dataset_id)).command.id

    async def state(self, command_id: str) -> State:
        async with self.desk.memory.storage.read() as work:
            command = await work.commands.get(command_id)
        assert command is not None
        return command.state

    async def write(self, services: WiredServices, body: AsyncIterator[bytes]) -> None:
        """Upload an object, over the one that is there."""
        await services.catalog.items.uploading.upload(
            self.desk.developer, self.desk.dataset_id, NewItem("a.bin"), body, mode=Mode.OVERWRITE
        )

    async def close(self) -> None:
        for storage in self._opened:
            await storage.close()


@pytest.fixture
async def site(postgresql_url: str) -> AsyncIterator[Site]:
    await make_tables(postgresql_url)
    storage = SqlCatalogStorage.at(postgresql_url)
    made = Site(await make_desk(await open_memory(storage)), postgresql_url)
    yield made
    await made.close()
    await storage.close()


@OFF
async def test_a_worker_whose_clock_is_off_takes_no_sync_and_one_whose_clock_is_right_does(
    site: Site, minutes: int
) -> None:
    ordered = await site.order()
    off, clock, _ = site.process(minutes)
    with pytest.raises(ClockOff, match="minutes"):
        await off.catalog.sync_worker.run_open()
    assert await site.state(ordered) is State.CREATED
    right, _, _ = site.process()
    await right.catalog.sync_worker.run_open()
    assert await site.state(ordered) is State.SUCCESS
    again = await site.order()
    clock.jump(-60 * minutes)  # somebody sets it
    await off.catalog.sync_worker.run_open()
    assert await site.state(again) is State.SUCCESS


@OFF
async def test_a_shard_is_not_taken_by_a_clock_that_went_off_since_work_was_looked_for(
    site: Site, minutes: int
) -> None:
    ordered = await site.order()
    services, clock, _ = site.process()
    async with site.desk.memory.storage.read() as work:
        (command,) = await work.commands.open(CommandKind.SYNC, limit=9)
    clock.jump(60 * minutes)
    with pytest.raises(ClockOff):
        await services.catalog.sync_worker._jobs.run(command)
    async with site.desk.memory.storage.read() as work:
        shards = await work.commands.shards(ordered)
    assert not any(shard.owner for shard in shards)


async def test_what_a_store_refuses_a_clock_that_went_off_ends_no_sync(site: Site) -> None:
    ordered = await site.order()
    services, clock, _ = site.process()

    async def refuse(operation: str, _: str) -> None:
        if operation == "list":
            clock.jump(1200)
            raise AwsRefused("The request's time is too skewed.", hint="Set the clock.")

    site.desk.memory.objects.before = refuse
    await services.catalog.sync_worker._look()
    (running,) = services.catalog.sync_worker._running.values()
    await running
    assert not (await site.state(ordered)).over
    site.desk.memory.objects.before = None
    right, time, storage = site.process()
    async with storage.begin() as work:
        await work.commands.release(before=time.now())
    await right.catalog.sync_worker.run_open()
    assert await site.state(ordered) is State.SUCCESS


@OFF
async def test_work_that_a_living_process_holds_is_not_taken_from_it(
    site: Site, minutes: int
) -> None:
    new_id = site.desk.memory.parts.new_id
    (_, off, its), (_, right, ours) = site.process(minutes), site.process()
    async with WorkLocks(ours, right, new_id).hold("rotation:1") as hold:
        with pytest.raises(ClockOff):
            async with WorkLocks(its, off, new_id).hold("rotation:1"):
                pass
        await hold.keep()


@SKEWED
async def test_leases_are_judged_by_the_databases_clock_whatever_a_process_has(
    site: Site, minutes: int
) -> None:
    new_id = site.desk.memory.parts.new_id
    (_, skewed, its), (_, right, ours) = site.process(minutes), site.process()
    for first, second in [((its, skewed), (ours, right)), ((ours, right), (its, skewed))]:
        async with WorkLocks(*first, new_id).hold("rotation:1") as hold:
            with pytest.raises(Locked):
                async with WorkLocks(*second, new_id).hold("rotation:1"):
                    pass
            await hold.keep()


@SKEWED
async def test_a_shard_is_not_taken_from_its_worker_by_a_clock_that_differs(
    site: Site, minutes: int
) -> None:
    ordered = await site.order()
    (skewed, _, _), (_, right, ours) = site.process(minutes), site.process()
    takers: list[Shard | None] = []

    async def listing(operation: str, _: str) -> None:
        """While one lists, the other looks for work."""
        if operation == "list" and not takers:
            async with ours.read() as work:
                (shard,) = await work.commands.shards(ordered)
            takers.append(await claim(ours, right, shard.id, "another"))

    site.desk.memory.objects.before = listing
    await skewed.catalog.sync_worker.run_open()
    assert takers == [None]
    assert await site.state(ordered) is State.SUCCESS


@SKEWED
async def test_an_object_is_not_taken_from_its_writer_by_a_clock_that_differs(
    site: Site, minutes: int
) -> None:
    (skewed, _, _), (right, _, _) = site.process(minutes), site.process()

    async def slow(other: WiredServices) -> AsyncIterator[bytes]:
        yield b"half"
        with pytest.raises(Locked):
            await site.write(other, sent(b"another's"))
        yield b" and half"

    await site.write(right, slow(skewed))
    await site.write(skewed, slow(right))
    assert site.desk.memory.objects.buckets["acme"]["train/a.bin"] == b"half and half"


@OFF
async def test_an_object_that_is_being_written_is_not_taken_from_its_writer(
    site: Site, minutes: int
) -> None:
    (off, _, _), (right, _, _) = site.process(minutes), site.process()

    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        with pytest.raises(ClockOff):
            await site.write(off, sent(b"another's"))
        yield b" and half"

    await site.write(right, slow())
    assert site.desk.memory.objects.buckets["acme"]["train/a.bin"] == b"half and half"


async def test_housekeeping_by_a_clock_ahead_leaves_living_writers_alone(site: Site) -> None:
    (off, _, _), (right, clock, _) = site.process(10), site.process()

    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        with pytest.raises(ClockOff):
            await off.catalog.sync_worker.clean()
        async with site.desk.memory.storage.read() as work:
            (intent,) = await work.commands.intents(site.desk.dataset_id)
        assert not intent.abandoned
        yield b" and half"

    await site.write(right, slow())
    clock.advance(PEACE.total_seconds())
    await right.catalog.sync_worker.clean()


@OFF
async def test_a_schedule_keeps_its_turn_for_a_process_whose_clock_is_right(
    site: Site, minutes: int
) -> None:
    integration = await site.desk.memory.integration("scheduled")
    at = datetime.now(UTC) - timedelta(hours=1)
    due = Schedule(integration.id, timedelta(days=30), timedelta(), at, "ada@example.com")
    async with site.desk.memory.storage.begin() as work:
        await work.rotations.put_schedule(due)
    off, _, _ = site.process(minutes)
    with pytest.raises(StorageUnavailable):
        await off.rotations.start_due()
    async with site.desk.memory.storage.read() as work:
        assert await work.rotations.due_schedules(datetime.now(UTC)) == [due]


@OFF
async def test_ended_sessions_are_not_forgotten_by_a_clock_that_is_off(
    site: Site, minutes: int
) -> None:
    off, _, _ = site.process(minutes)
    await off.scheduler.round()
    assert "clock is" in off.scheduler.problems["ended leases"]
