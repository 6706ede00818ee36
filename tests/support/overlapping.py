"""Two verbs at once on PostgreSQL, where transactions really overlap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from support.stepping import SteppedStorage, acting

WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
#: Nothing here takes this long.
SECONDS = 30.0


class OverlappingStorage(SteppedStorage):
    """A storage in which the first change of an actor waits before it is committed."""

    def __init__(self, storage: Any, url: str) -> None:
        super().__init__(storage)
        self._url = url
        self._waits = ""
        self._is_waiting = asyncio.Event()
        self._go = asyncio.Event()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._storage.begin() as work:
            yield work
            await self.pause()

    async def pause(self) -> None:
        """Wait here, if this is the verb that is to wait and has not yet, until the other is done
        or waits for a lock."""
        if self._waits and acting() == self._waits:
            self._waits = ""
            self._is_waiting.set()
            await self._go.wait()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        async with self._storage.read() as work:
            yield work

    async def overlap(
        self, first: str, **verbs: Callable[[], Awaitable[Any]]
    ) -> dict[str, BaseException | None]:
        """Do two verbs at once; the first one's change is not committed while the other begins."""
        self._waits = first
        self._is_waiting.clear()
        self._go.clear()
        second = next(name for name in verbs if name != first)
        one = asyncio.create_task(self.act(first, verbs[first]))
        arrival = asyncio.create_task(self._is_waiting.wait())
        await asyncio.wait({one, arrival}, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        arrival.cancel()
        other = asyncio.create_task(self.act(second, verbs[second]))
        await self._until_it_waits_for_a_lock(other)
        self._go.set()
        done = await asyncio.wait_for(asyncio.gather(one, other, return_exceptions=True), SECONDS)
        return dict(zip((first, second), done, strict=True))

    async def _until_it_waits_for_a_lock(self, task: asyncio.Task[None]) -> None:
        watch: Any = await asyncpg.connect(self._url)
        try:
            async with asyncio.timeout(SECONDS):
                while not task.done() and not await watch.fetchval(WAITING):
                    await asyncio.wait({task}, timeout=0.002)
        finally:
            await watch.close()
