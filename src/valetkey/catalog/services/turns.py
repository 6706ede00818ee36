"""Turns at heavy work: so many at once for each caller, and so many for all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from valetkey.domain.errors import TooManyRequests

EACH: Final = 2
ALL: Final = max(2, min(4, os.cpu_count() or 2))
#: What looks through many items keeps a processor busy in a thread of its own, so that one is left
#: to those who look through nothing.
SEARCHES: Final = max(1, min(4, (os.cpu_count() or 1) - 1))
#: So long somebody waits for a turn, and so many calls of one caller wait.
WAIT_SECONDS: Final = 10.0
MOST_WAITING: Final = 16


@dataclass(slots=True)
class _Own:
    """One caller's: what is free, and how many calls have it or wait for it."""

    free: asyncio.Semaphore
    calls: int = 0


@dataclass(slots=True)
class Turns:
    """Gives turns. Whoever has too many calls waits for their own, not for others'."""

    each: int = EACH
    all: int = ALL
    wait_seconds: float = WAIT_SECONDS
    most_waiting: int = MOST_WAITING
    _free: asyncio.Semaphore = field(init=False)
    _own: dict[str, _Own] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.all)

    @asynccontextmanager
    async def take(self, caller_id: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends. Raises TooManyRequests."""
        own = self._own.setdefault(caller_id, _Own(asyncio.Semaphore(self.each)))
        if own.calls >= self.each + self.most_waiting:
            raise self._refusal()
        own.calls += 1
        try:
            async with _within(own.free, self), _within(self._free, self):
                yield
        finally:
            own.calls -= 1
            if not own.calls:
                self._own.pop(caller_id, None)

    def _refusal(self) -> TooManyRequests:
        return TooManyRequests(
            f"You have {self.each} searches under way, and more are waiting.",
            hint="Send them one after another, or wait a little.",
            retry_after=max(1, round(self.wait_seconds)),
        )

    async def acquire(self, gate: asyncio.Semaphore) -> None:
        """Wait for a gate. Raises TooManyRequests."""
        try:
            async with asyncio.timeout(self.wait_seconds):
                await gate.acquire()
        except TimeoutError:
            raise self._refusal() from None


@asynccontextmanager
async def _within(gate: asyncio.Semaphore, turns: Turns) -> AsyncIterator[None]:
    await turns.acquire(gate)
    try:
        yield
    finally:
        gate.release()
