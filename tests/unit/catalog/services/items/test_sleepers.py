"""A writer that stands still for longer than its lease, wherever it was, and then goes on: a
process that is stopped and continued, a machine that sleeps. What another wrote meanwhile stays.
So it does where the clock was set back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from support.desk import Desk, make_desk
from support.memory import Memory, open_memory
from valetkey.catalog.services.items.intents import LEASE
from valetkey.domain.errors import ValetkeyError
from valetkey.testing import MemoryStorage
from valetkey.testing.repositories import MemoryUnitOfWork

Verb = Callable[[Desk, dict[str, str]], Awaitable[object]]
OLD, FIRST, SECOND, OTHER = b"old", b"the sleeper's", b"the other one's", b"r"


async def overwrite(desk: Desk, _: dict[str, str]) -> None:
    await desk.upload("p", FIRST)


async def move_away(desk: Desk, ids: dict[str, str]) -> None:
    await desk.items.moving.rename(desk.developer, ids["p"], "q")


async def move_onto(desk: Desk, ids: dict[str, str]) -> None:
    await desk.items.moving.rename(desk.developer, ids["r"], "p")


async def delete(desk: Desk, ids: dict[str, str]) -> None:
    await desk.items.removal.delete(desk.developer, ids["p"])


@dataclass
class Sleeper:
    """Stands still after so many of its steps (calls to the bucket, transactions), until somebody
    else was at work."""

    memory: Memory
    dataset_id: str
    steps: int
    seconds: float
    holds: bool = False
    task: asyncio.Task[None] | None = None
    asleep: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self, *_: object) -> None:
        if asyncio.current_task() is not self.task or not self.holds:
            return
        self.steps -= 1
        if self.steps == 0:
            self.memory.clock.advance(self.seconds)
            self.asleep.set()
            await self.woken.wait()

    async def act(self, desk: Desk, verb: Verb, ids: dict[str, str]) -> None:
        self.task = asyncio.current_task()
        with suppress(ValetkeyError):  # it may be refused, and told that it does not know
            await verb(desk, ids)
        self.asleep.set()


class Stepped(MemoryStorage):
    """A storage with somebody who may stand still after a transaction."""

    sleeper: Sleeper | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryUnitOfWork]:
        async with super().begin() as work:
            yield work
        if self.sleeper:
            # Who sleeps before it holds the object comes second, and finds what is there then.
            self.sleeper.holds |= bool(await work.commands.intents(self.sleeper.dataset_id))
            await self.sleeper.step()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryUnitOfWork]:
        async with super().read() as work:
            yield work
        if self.sleeper:
            await self.sleeper.step()


@pytest.mark.parametrize("verb", [overwrite, move_away, move_onto, delete])
@pytest.mark.parametrize("steps", range(1, 21))
@pytest.mark.parametrize("seconds", [LEASE.total_seconds() + 1, -3600], ids=["asleep", "set back"])
async def test_what_somebody_wrote_while_another_slept_is_not_touched_when_that_one_wakes(
    verb: Verb, steps: int, seconds: float
) -> None:
    storage = Stepped()
    desk = await make_desk(await open_memory(storage))
    ids = {"r": (await desk.upload("r", OTHER))[0].id}
    if verb is not move_onto:
        ids["p"] = (await desk.upload("p", OLD))[0].id
    sleeper = storage.sleeper = Sleeper(desk.memory, desk.dataset_id, steps, seconds)
    desk.memory.objects.after = sleeper.step
    acting = asyncio.create_task(sleeper.act(desk, verb, ids))
    async with asyncio.timeout(10):
        await sleeper.asleep.wait()
        wrote, _ = await desk.upload("p", SECOND)
        sleeper.woken.set()
        await acting
    storage.sleeper = desk.memory.objects.after = None
    desk.memory.clock.advance(4600)
    await desk.memory.services.catalog.sync_worker.clean()
    assert desk.bucket[f"{desk.prefix}p"] == SECOND
    item = await desk.items.reading.at(desk.developer, desk.dataset_id, "p")
    assert item is not None
    assert (item.id, item.size) == (wrote.id, len(SECOND))
    assert await desk.intents() == []
