"""The server's worker: what has to be done from time to time, whoever asks for nothing.

Every server process has one; leases in the database keep two from doing the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from valetkey.domain.ports import Clock, Entropy, Storage
from valetkey.services.background import ROUND, TURN, Duty, end
from valetkey.services.revocation import Leases
from valetkey.services.rotation import Rotations

#: Rotations wait for AWS, one after another.
_LONG_TURN: Final = 900.0
#: An ended session is remembered this long, for whoever asks what happened.
REMEMBER: Final = timedelta(days=90)
_BETWEEN_PURGES: Final = 3600.0


class Scheduler:
    """Goes on with rotations and revocations, starts those whose turn has come, and forgets
    sessions that ended long ago: side by side, so that none waits for another."""

    def __init__(
        self,
        storage: Storage,
        rotations: Rotations,
        leases: Leases,
        clock: Clock,
        entropy: Entropy,
        *,
        works: bool = True,
        own: Mapping[str, Callable[[], Awaitable[Any]]] | None = None,
    ) -> None:
        """``own`` are the duties that each process has for itself; those that any process can do
        are done where it ``works``."""
        self._storage = storage
        self._clock = clock
        anybodys: Mapping[str, tuple[Callable[[], Awaitable[Any]], float, float]] = {
            "revocations": (leases.resume, ROUND, TURN),
            "rotations": (rotations.resume, ROUND, _LONG_TURN),
            "schedules": (rotations.start_due, ROUND, _LONG_TURN),
            "ended leases": (self._purge, _BETWEEN_PURGES, TURN),
        }
        duties = dict(anybodys) if works else {}
        duties |= {name: (work, ROUND, TURN) for name, work in (own or {}).items()}
        self._duties = [
            Duty(name, work, clock, entropy, every=every, limit=limit)
            for name, (work, every, limit) in duties.items()
        ]

    @property
    def problems(self) -> dict[str, str]:
        """What went wrong with each duty in its last turn, for whoever looks after the server."""
        return {duty.name: duty.problem for duty in self._duties if duty.problem}

    @property
    def failures(self) -> dict[str, int]:
        """How many turns of each duty went wrong since the process began."""
        return {duty.name: duty.failures for duty in self._duties}

    @property
    def trouble(self) -> str:
        """What is wrong with the duties, in words for anybody; empty if nothing is known to be.
        A duty is named only: what it says may name somebody's integration."""
        stuck = [duty for duty in self._duties if duty.silence]
        told = [f"{', '.join(duty.name for duty in stuck)}: {stuck[0].silence}"] if stuck else []
        if failed := ", ".join(sorted(self.problems)):
            told.append(f"Not done in the last round, and tried again in the next: {failed}.")
        return " ".join(told)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work in the background while inside."""
        tasks = [asyncio.create_task(duty.run(), name=duty.name) for duty in self._duties]
        try:
            yield
        finally:
            await end(*tasks)

    async def round(self) -> None:
        """Do each duty once."""
        await asyncio.gather(*(duty.turn() for duty in self._duties))

    async def _purge(self) -> None:
        async with self._storage.begin() as work:
            await work.require_clock()
            await work.leases.purge(self._clock.now() - REMEMBER)
