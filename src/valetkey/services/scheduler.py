"""The server's worker: what has to be done from time to time, whoever asks for nothing.

Every server process has one; leases in the database keep two from doing the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports import Clock, Entropy, Storage
from valetkey.services.health import Pulse
from valetkey.services.revocation import Leases
from valetkey.services.rotation import Rotations

#: Seconds between two rounds; a tenth more or less, so that processes don't march in step.
ROUND: Final = 30.0
#: An ended session is remembered this long, for whoever asks what happened.
REMEMBER: Final = timedelta(days=90)
_BETWEEN_PURGES: Final = 3600.0


class Scheduler:
    """Goes on with rotations and revocations, starts those whose turn has come, and forgets
    sessions that ended long ago."""

    def __init__(
        self,
        storage: Storage,
        rotations: Rotations,
        leases: Leases,
        clock: Clock,
        entropy: Entropy,
        *,
        more: Mapping[str, Callable[[], Awaitable[Any]]] | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._entropy = entropy
        self._purge_at = 0.0
        self._pulse = Pulse(clock)
        self._duties: Mapping[str, Callable[[], Awaitable[Any]]] = {
            "revocations": leases.resume,
            "rotations": rotations.resume,
            "schedules": rotations.start_due,
            "ended leases": self._purge,
            **(more or {}),
        }
        #: What went wrong with each duty in the last round, for whoever looks after the server.
        self.problems: dict[str, str] = {}

    @property
    def trouble(self) -> str:
        """What is wrong with the worker, in words for anybody; empty if nothing is known to be.
        A duty is named only: what it says may name somebody's integration."""
        if self._pulse.trouble or not self.problems:
            return self._pulse.trouble
        duties = ", ".join(sorted(self.problems))
        return f"Not done in the last round, and tried again in the next: {duties}."

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work in the background while inside."""
        worker = asyncio.create_task(self.run())
        try:
            yield
        finally:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker

    async def run(self) -> None:
        """Work until cancelled. A duty that fails is tried again in the next round."""
        while True:
            await self.round()
            await self._clock.sleep(self._entropy.uniform(0.9 * ROUND, 1.1 * ROUND))

    async def round(self) -> None:
        """Do each duty once."""
        for name, duty in self._duties.items():
            try:
                await duty()
            except asyncio.CancelledError:
                raise
            except ValetkeyError as error:
                self.problems[name] = str(error)
            except Exception as error:  # noqa: BLE001  # a worker that dies of one bug helps nobody
                self.problems[name] = f"unexpected: {type(error).__name__}"
            else:
                self.problems.pop(name, None)
        self._pulse.beat()

    async def _purge(self) -> None:
        if self._clock.monotonic() < self._purge_at:
            return
        self._purge_at = self._clock.monotonic() + _BETWEEN_PURGES
        async with self._storage.begin() as work:
            await work.leases.purge(self._clock.now() - REMEMBER)
