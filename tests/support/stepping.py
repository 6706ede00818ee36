"""Two verbs at once, a transaction at a time, in an order that a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

_actor: ContextVar[str] = ContextVar("actor", default="")


def acting() -> str:
    """Return the actor that this code runs for; empty for nobody."""
    return _actor.get()


class SteppedStorage:
    """A storage whose transactions wait for their actor's turn; whoever is no actor never waits."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._waiting: dict[str, asyncio.Event] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._turn(), self._storage.begin() as work:
            yield work

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        async with self._turn(), self._storage.read() as work:
            yield work

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        actor = acting()
        if not actor:
            yield
            return
        go = self._waiting[actor] = asyncio.Event()
        self._arrived.set()
        await go.wait()
        try:
            yield
        finally:
            self._idle.set()

    async def run(
        self, order: str, **verbs: Callable[[], Awaitable[Any]]
    ) -> dict[str, BaseException | None]:
        """Do verbs side by side, by the names of the actors in ``order``, a transaction for each
        letter; what is left when the order ends goes on in the actors' order. Return what each
        ended with: None, or its error."""
        tasks = {name: asyncio.create_task(self.act(name, verb)) for name, verb in verbs.items()}
        for name in _picks(order, sorted(verbs)):
            if all(task.done() for task in tasks.values()):
                break
            await self._step(name, tasks)
        done = await asyncio.gather(*tasks.values(), return_exceptions=True)
        return dict(zip(tasks, done, strict=True))

    def through(self, _: object) -> SteppedStorage:
        """Whichever connections are used: each transaction waits for its turn."""
        return self

    async def act(self, name: str, verb: Callable[[], Awaitable[Any]]) -> None:
        """Do a verb as an actor."""
        _actor.set(name)
        await verb()

    async def _step(self, name: str, tasks: dict[str, asyncio.Task[None]]) -> None:
        while name not in self._waiting and not tasks[name].done():
            self._arrived.clear()
            arrival = asyncio.create_task(self._arrived.wait())
            await asyncio.wait({arrival, tasks[name]}, return_when=asyncio.FIRST_COMPLETED)
            arrival.cancel()
        if name in self._waiting:
            self._idle.clear()
            self._waiting.pop(name).set()
            await self._idle.wait()


#: No verb has more transactions than this.
_MOST_STEPS = 40


def _picks(order: str, names: list[str]) -> list[str]:
    return [*order, *(name for name in names for _ in range(_MOST_STEPS))]
