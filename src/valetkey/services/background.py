"""Work that nobody waits for: nothing that goes wrong with it goes unseen.

A duty has a loop of its own, so that one that takes long keeps no other from its turn. It has a
limit, a name under which its log lines are found (``job``), and a trouble that ``/readyz`` tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog

from valetkey.counting import counted
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports import Clock, Entropy
from valetkey.services.health import PATIENCE, Pulse

#: Seconds between two turns; a tenth more or less, so that processes don't march in step.
ROUND: Final = 30.0
#: A turn may take so long, in seconds; then it is ended, and goes on in the next.
TURN: Final = 240.0

_log = structlog.get_logger("valetkey.background")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something without an end, such as renewing a lease, beside what is done inside, and stop
    with that. Raises what it raised, once the inside is done."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Duty:
    """Something that has to be done from time to time."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[Any]],
        clock: Clock,
        entropy: Entropy,
        *,
        every: float = ROUND,
        limit: float = TURN,
    ) -> None:
        self.name = name
        self._work = work
        self._clock = clock
        self._entropy = entropy
        self._every = every
        self._limit = limit
        self._pulse = Pulse(clock, max(PATIENCE, limit + 2 * every))
        self._turns = 0
        #: What went wrong in the last turn, for whoever looks after the server; empty if nothing.
        self.problem = ""
        #: How many turns went wrong since the process began.
        self.failures = 0

    @property
    def silence(self) -> str:
        """Why it seems to be stuck; empty if it doesn't."""
        return self._pulse.trouble

    async def run(self) -> None:
        """Take turns until cancelled."""
        while True:
            await self.turn()
            await self._clock.sleep(self._entropy.uniform(0.9 * self._every, 1.1 * self._every))

    async def turn(self) -> None:
        """Do it once. What goes wrong is logged and kept, and it is tried again in the next."""
        self._turns += 1
        with structlog.contextvars.bound_contextvars(job=f"{self.name} {self._turns}"):
            problem = await self._done()
        if problem:
            self.failures += 1
        self.problem = problem
        self._pulse.beat()

    async def _done(self) -> str:
        """Return what went wrong."""
        turn = asyncio.timeout(self._limit)
        try:
            async with turn:
                await self._work()
        except ValetkeyError as error:
            if str(error) != self.problem:  # once, however long it lasts
                _log.warning("a background duty was not done", duty=self.name, problem=str(error))
            return str(error)
        except Exception as error:  # noqa: BLE001  # a worker that dies of one bug helps nobody
            if turn.expired():
                _log.warning("a background duty took too long", duty=self.name, exc_info=True)
                return f"it took longer than {counted(self._limit, 'second')}"
            _log.error("a background duty failed unexpectedly", duty=self.name, exc_info=True)
            return f"unexpected: {type(error).__name__}"
        return ""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def log_unexpected(what: str) -> Callable[[asyncio.Task[Any]], None]:
    """Return a task's done-callback: what ended it is logged with its traceback, unless it is an
    error that was raised on purpose and is kept where it belongs."""

    def ended(task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ValetkeyError):
            _log.error("background work failed unexpectedly", work=what, exc_info=error)

    return ended
