"""Work that only one process may do at a time, held by a lease in the database.

A process that is killed holds its lease until it runs out; one that was only slow notices, in the
very transaction that would store its next step, that somebody else has taken over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from valetkey.domain.errors import Locked, StorageUnavailable
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Storage, UnitOfWork

#: Longer than any one call to AWS may take, retries included.
LEASE: Final = timedelta(minutes=3)
#: Seconds between two tries of who waits.
_STEP: Final = 0.5


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease that is held."""

    name: str
    owner: str
    clock: Clock
    storage: Storage

    async def renew(self, work: UnitOfWork) -> None:
        """Prolong the lease as part of a transaction. Raises Locked when it was lost, ClockOff."""
        now = await work.moment(self.clock.now())
        if not await work.work_leases.take(self.name, self.owner, now=now, until=now + LEASE):
            raise Locked(
                "Another process of Valetkey is at this work.",
                hint="Let it finish; if it was killed, its claim ends within "
                f"{int(LEASE.total_seconds() // 60)} minutes and the work goes on.",
            )

    async def keep(self) -> None:
        """Prolong the lease during a long step. Raises Locked when it was lost."""
        async with self.storage.begin() as work:
            await self.renew(work)


class WorkLocks:
    """Takes leases of work."""

    def __init__(self, storage: Storage, clock: Clock, new_id: IdFactory) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id

    @asynccontextmanager
    async def hold(self, name: str, *, patience: float = 0.0) -> AsyncIterator[HeldLease]:
        """Hold a piece of work while inside; wait for whoever is at it for so many seconds.
        Raises Locked, StorageUnavailable.

        Every hold has an owner of its own: two tasks of one process exclude each other, too.
        """
        hold = HeldLease(name, self._new_id(), self._clock, self._storage)
        await self._take(hold, self._clock.monotonic() + patience)
        try:
            yield hold
        finally:
            # If it can't be given back, it ends by itself.
            with suppress(StorageUnavailable):
                async with self._storage.begin() as work:
                    await work.work_leases.give_back(name, hold.owner)

    async def _take(self, hold: HeldLease, until: float) -> None:
        while True:
            try:
                return await hold.keep()
            except Locked:
                if self._clock.monotonic() >= until:
                    raise
            await self._clock.sleep(_STEP)
