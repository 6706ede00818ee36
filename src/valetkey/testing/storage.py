"""The storage port in memory: one transaction at a time, rolled back by forgetting a copy.

What is copied are the containers: what they hold never changes, as rows do not, so that a
transaction costs next to nothing however much there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MethodType
from typing import Any, Self, TypeVar, cast

from valetkey.domain.audit import Entry, as_event
from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.lease import LeaseHolder, LeaseRecord
from valetkey.domain.ports import ChangeListener, Pool
from valetkey.testing.repositories import MemoryUnitOfWork

T = TypeVar("T")
_ROOM = __name__.rpartition(".")[0]


def forked(value: T, made: dict[int, Any] | None = None) -> T:
    """Return containers, and the doubles that have them, with a life of their own: what is the same
    object in several places stays one."""
    made = {} if made is None else made
    copy: Any = made.get(id(value))
    if copy is not None:
        return cast("T", copy)
    kind: Any = type(value)
    if isinstance(value, dict):
        copy = made[id(value)] = kind()
        copy.update((key, forked(each, made)) for key, each in value.items())
    elif isinstance(value, list):
        copy = made[id(value)] = kind()
        copy.extend(forked(each, made) for each in value)
    elif isinstance(value, set):
        copy = made[id(value)] = kind(value)
    elif kind.__module__.startswith(_ROOM) and hasattr(value, "__dict__"):
        copy = made[id(value)] = kind.__new__(kind)
        copy.__dict__.update((name, forked(each, made)) for name, each in vars(value).items())
    elif isinstance(value, MethodType):  # what one double calls of another
        copy = MethodType(value.__func__, forked(value.__self__, made))
    else:
        return value
    return cast("T", copy)


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
            work = forked(self._committed)
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

    def snapshot(self) -> MemoryUnitOfWork:
        """Return all that is stored, for :meth:`restore`."""
        return forked(self._committed)

    def restore(self, snapshot: MemoryUnitOfWork) -> None:
        """Have stored what a snapshot holds; nobody is told."""
        self._committed = forked(snapshot)

    async def ping(self) -> None:
        self._check()

    async def probe(self) -> None:
        self._check()

    async def close(self) -> None:
        """Nothing to close."""

    def _check(self) -> None:
        if self.unavailable:
            raise StorageUnavailable("The database is gone.", hint="Bring it back.")
