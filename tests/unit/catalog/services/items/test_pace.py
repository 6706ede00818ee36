"""Work that is cut into parts rests between them, and searches leave a processor to others."""

from __future__ import annotations

import asyncio
import os

import pytest

from support.desk import Desk
from support.memory import Memory
from valetkey.catalog.services import pace
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.selection import Selection
from valetkey.catalog.services.pace import FEW_ROWS, PART, ROWS, Pace
from valetkey.catalog.services.turns import SEARCHES

COUNT = PART + 1
FILES = Selection({"type": "file"})


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Gather how long everybody else is let go first."""
    found: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds == pace.REST_SECONDS:
            found.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    return found


async def test_a_bulk_change_writes_no_more_than_a_part_at_once_and_rests_after_each(
    desk: Desk, rests: list[float]
) -> None:
    for number in range(COUNT):
        await desk.upload(f"/{number:03d}.txt")
    patch = ItemPatch(metadata={"user": {"seen": True}})
    rests.clear()
    done = await desk.items.changing.patch_matching(desk.developer, desk.dataset_id, FILES, patch)
    assert (done, len(rests)) == (COUNT, 2)
    assert await _counts(desk.memory, "item.update") == [PART, 1]


async def test_a_bulk_delete_writes_no_more_than_a_part_at_once_and_rests_after_each(
    careful_desk: Desk, rests: list[float]
) -> None:
    for number in range(COUNT):
        await careful_desk.upload(f"/{number:03d}.txt")
    rests.clear()
    await careful_desk.items.removal.delete_matching(
        careful_desk.developer, careful_desk.dataset_id, FILES
    )
    assert len(rests) == 2
    assert await _counts(careful_desk.memory, "item.delete") == [PART, 1]


async def test_objects_that_are_deleted_at_once_leave_the_index_a_part_at_a_time(
    desk: Desk, rests: list[float]
) -> None:
    for number in range(COUNT):
        await desk.upload(f"/{number:03d}.txt")
    rests.clear()
    await desk.items.removal.delete_matching(desk.developer, desk.dataset_id, FILES)
    assert len(rests) == 3
    assert await _counts(desk.memory, "item.delete") == [PART, 1]


def test_searches_leave_a_processor_to_those_who_search_for_nothing() -> None:
    assert SEARCHES == 1 or (os.cpu_count() or 1) > SEARCHES


async def _counts(memory: Memory, action: str) -> list[int]:
    async with memory.storage.read() as work:
        return [
            record.event.details["items"]
            async for record in work.audit.read()
            if record.event.action == action
        ]


class Watched:
    """A pace at which each part takes so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.time = seconds, 0.0
        self.rests: list[float] = []
        self.pace = Pace(now=self.now, sleep=self.sleep)

    def now(self) -> float:
        self.time += self.seconds
        return self.time

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.rests.append(seconds)

    async def write(self, parts: int, *, recording: bool) -> list[int]:
        """Write parts, in each of which a look finds the same; return how many rows each may
        have."""
        rows = []
        for _ in range(parts):
            async with self.pace.turn() as most:
                self.pace.saw(recording=recording)
                rows.append(most)
        return rows


async def test_a_sync_gives_nothing_away_while_nobody_records_credentials() -> None:
    watched = Watched(1)
    assert await watched.write(100, recording=False) == [ROWS] * 100
    assert not watched.rests


async def test_a_sync_writes_little_at_once_and_rests_beside_records() -> None:
    watched = Watched(0.01)
    assert await watched.write(40, recording=True) == [ROWS, *[FEW_ROWS] * 39]
    rests = [round(rest, 6) for rest in watched.rests]
    assert rests == sorted(rests)
    assert watched.rests[-1] == pytest.approx(0.01 * 2 * 0.8 / 0.2)  # it goes on in any case


async def test_a_sync_s_rest_ends_however_long_a_part_took() -> None:
    watched = Watched(3600)
    await watched.write(40, recording=True)
    assert max(watched.rests) == 0.25


async def test_a_sync_is_as_fast_as_before_soon_after_the_last_record() -> None:
    watched = Watched(0.01)
    await watched.write(40, recording=True)
    assert (await watched.write(40, recording=False))[-20:] == [ROWS] * 20
    assert watched.rests[-1] < 0.001


@pytest.mark.parametrize(("recording", "most"), [(False, pace.WRITERS), (True, 1)])
async def test_syncs_write_one_after_the_other_beside_records(recording: bool, most: int) -> None:
    watched = Watched(0)
    await watched.write(10, recording=recording)
    at_once, seen = 0, 0

    async def write() -> None:
        nonlocal at_once, seen
        async with watched.pace.turn():
            at_once += 1
            seen = max(seen, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    await asyncio.gather(*(write() for _ in range(10)))
    assert seen == most
