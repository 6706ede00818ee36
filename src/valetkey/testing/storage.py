"""The storage port in memory: one transaction at a time, rolled back by forgetting a copy."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Self

from valetkey.domain.audit import Entry, as_event
from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.lease import LeaseHolder, LeaseRecord
from valetkey.domain.ports import ChangeListener, Pool
from valetkey.testing.repositories import MemoryUnitOfWork


class MemoryStorage:
    """Implements ports.Storage. ``unavailable`` makes every transaction fail, as a cut would."""

    def __init__(self) -> None:
        self._committed = MemoryUnitOfWork()
        self._writing = asyncio.Lock()
        self._listeners: list[ChangeListener] = []
        self.unavailable = False

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._writing:
            self._check()
            work = copy.deepcopy(self._committed)
            yield work
            self._check()
            tags, work.invalidations.tags = work.invalidations.tags, set()
            self._committed = work
            if tags:
                for listener in self._listeners:
                    listener.changed(tags)

    async def record(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> None:
        async with self.begin() as work:
            for lease in leases:
                if isinstance(lease, LeaseHolder):
                    await work.leases.hold(lease)
                elif await work.leases.get(lease.id) is None:
                    await work.leases.add(lease)
            await work.audit.append([as_event(entry) for entry in entries])

    def listen(self, listener: ChangeListener) -> None:
        self._listeners.append(listener)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryUnitOfWork]:
        self._check()
        yield self._committed

    def through(self, pool: Pool) -> Self:
        return self

    def search(self) -> AbstractAsyncContextManager[MemoryUnitOfWork]:
        """Read; nothing takes long in memory."""
        return self.read()

    async def ping(self) -> None:
        self._check()

    async def probe(self) -> None:
        self._check()

    async def close(self) -> None:
        """Nothing to close."""

    def _check(self) -> None:
        if self.unavailable:
            raise StorageUnavailable("The database is gone.", hint="Bring it back.")
