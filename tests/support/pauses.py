"""Stopping a vend at one of its steps, so that a test decides what happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from support.memory import Memory
from valetkey.domain.audit import Entry
from valetkey.domain.lease import Lease

T = TypeVar("T")
#: While STS is asked; before the record is stored; when it is stored, and nobody knows it yet.
STEPS = ("asking STS", "storing the record", "record stored")


class Pause:
    """Holds whoever comes to a step, once."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self._is_over = False

    async def __call__(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.reached.set()
        await self.go.wait()


@asynccontextmanager
async def paused(memory: Memory, step: str, vend: Awaitable[T]) -> AsyncIterator[asyncio.Task[T]]:
    """Start a vend and hold it at a step while inside; what it comes to is the task's."""
    pause, storage, sts = Pause(), memory.storage, memory.sts
    record, assume_role = storage.record, sts.assume_role

    async def recorded(entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        await _at(pause, step, STEPS[1])
        await record(entries, leases)
        await _at(pause, step, STEPS[2])

    async def assumed(*args: object) -> object:
        await _at(pause, step, STEPS[0])
        return await _call(assume_role, *args)

    storage.record, sts.assume_role = recorded, assumed  # type: ignore[method-assign, assignment]  # this object's own
    task = asyncio.ensure_future(vend)
    await pause.reached.wait()
    try:
        yield task
    finally:
        pause.go.set()
        storage.record, sts.assume_role = record, assume_role  # type: ignore[method-assign]  # as it was


async def _at(pause: Pause, wanted: str, step: str) -> None:
    if wanted == step:
        await pause()


async def _call(function: Callable[..., Awaitable[T]], *args: object) -> T:
    return await function(*args)
