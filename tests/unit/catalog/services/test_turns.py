"""Heavy calls take turns: a caller's wait for that caller's, and no more than so many run."""

from __future__ import annotations

import asyncio

import pytest

from valetkey.catalog.services.turns import Turns
from valetkey.domain.errors import TooManyRequests


async def begun(turns: Turns, caller: str, until: asyncio.Event) -> asyncio.Task[None]:
    """A call that has its turn, or waits for it, until it is told to end."""

    async def call() -> None:
        async with turns.take(caller):
            running.append(caller)
            await until.wait()

    running: list[str] = []
    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_caller_who_has_too_many_is_told_when_to_come_back() -> None:
    turns, end = Turns(each=1, wait_seconds=0.001), asyncio.Event()
    first = await begun(turns, "ada", end)
    with pytest.raises(TooManyRequests) as refused:
        async with turns.take("ada"):
            pass
    assert refused.value.details["retry_after"] >= 1
    async with turns.take("grace"):
        pass
    end.set()
    await first
    async with turns.take("ada"):
        pass


async def test_no_more_wait_than_is_useful() -> None:
    turns, end = Turns(each=1, most_waiting=2), asyncio.Event()
    calls = [await begun(turns, "ada", end) for _ in range(3)]
    with pytest.raises(TooManyRequests):
        async with turns.take("ada"):
            pass
    end.set()
    await asyncio.gather(*calls)


async def test_a_caller_who_waits_and_gives_up_leaves_nothing_taken() -> None:
    turns, end = Turns(each=1, all=1), asyncio.Event()
    first, second = await begun(turns, "ada", end), await begun(turns, "grace", end)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    end.set()
    await first
    async with turns.take("grace"):
        pass
