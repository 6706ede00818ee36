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
from valetkey.catalog.services.pace import PART
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
