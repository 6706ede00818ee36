"""The storage port in memory: one transaction at a time, rolled back by forgetting a copy.

What is copied are the containers: what they hold never changes, as rows do not. A transaction
copies those that it asks for, so that it costs next to nothing however much there is: half of what
services over doubles did was this copying, when it was of all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from valetkey.domain.audit import Entry, as_event
from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.lease import LeaseHolder, LeaseRecord
from valetkey.domain.ports import ChangeListener, Pool
from valetkey.testing.repositories import MemoryUnitOfWork

T = TypeVar("T")
_ROOM = __name__.rpartition(".")[0]


class _Kept(dict[type, bool]):
    """Tells of a type whether what is of it stays as it is."""

    def __missing__(self, kind: type) -> bool:
        contains = issubclass(kind, dict | list | set | MethodType)
        is_double = kind.__module__.startswith(_ROOM) and not hasattr(kind, "__slots__")
        kept = self[kind] = not (contains or is_double)
        return kept


_KEPT: Final = _Kept()


def forked(value: T, made: dict[int, Any] | None = None) -> T:
    """Return containers, and the doubles that have them, with a life of their own: what is the same
    object in several places stays one."""
    kind: Any = type(value)
    if _KEPT[kind]:
        return value
    made = {} if made is None else made
    copy: Any = made.get(id(value))
    if copy is not None:
        return cast("T", copy)
    if isinstance(value, MethodType):  # what one double calls of another
        return cast("T", MethodType(value.__func__, forked(value.__self__, made)))
    copy = made[id(value)] = kind.__new__(kind)
    if isinstance(value, list):
        copy.extend(value if _all_kept(value) else [forked(each, made) for each in value])
    elif isinstance(value, set):
        copy.update(value)
    else:
        to, of = _named(copy), _named(value)
        to.update(of)
        if not _all_kept(of.values()):
            for key, each in of.items():
                if not _KEPT[type(each)]:
                    to[key] = forked(each, made)
    return cast("T", copy)


def _named(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else vars(value)


def _all_kept(values: Iterable[object]) -> bool:
    return all(map(_KEPT.__getitem__, map(type, values)))


def _parts(value: object, found: set[int]) -> set[int]:
    """Return what is forked with a repository, by identity, but for whom its methods call."""
    if not (_KEPT[type(value)] or isinstance(value, MethodType) or id(value) in found):
        found.add(id(value))
        for each in [] if isinstance(value, list | set) else _named(value).values():
            _parts(each, found)
    return found


def _sharing(whole: MemoryUnitOfWork) -> dict[str, frozenset[str]]:
    """Return, for each repository, those that share a part with it, directly or by others."""
    groups: list[tuple[set[int], frozenset[str]]] = []
    for name, value in vars(whole).items():
        parts, names = _parts(value, set()), frozenset([name])
        for group in [group for group in groups if group[0] & parts]:
            groups.remove(group)
            parts, names = parts | group[0], names | group[1]
        groups.append((parts, names))
    return {name: names for _, names in groups for name in names}


class _Begun(MemoryUnitOfWork):
    """A transaction: a repository is forked when it is first asked for, with those that share."""

    def __init__(self, before: MemoryUnitOfWork, sharing: Mapping[str, frozenset[str]]) -> None:
        self._before, self._sharing, self._made = before, sharing, {id(before): self}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Fork what is not here yet."""
            before = vars(vars(self)["_before"])
            if name not in before:
                raise AttributeError(name)
            for each in self._sharing[name]:
                vars(self)[each] = forked(before[each], self._made)
            return vars(self)[name]

    def finish(self) -> MemoryUnitOfWork:
        """Return all as it is now: what nobody asked for is as it was before."""
        before = vars(self._before)
        whole = before | vars(self)
        vars(self).clear()
        vars(self).update((name, whole[name]) for name in before)
        self.__class__ = MemoryUnitOfWork  # type: ignore[assignment]
        self.users.forget = self.forget_user  # the whole is this one from now on
        return self


class MemoryStorage:
    """Implements ports.Storage. ``unavailable`` makes every transaction fail, as a cut would."""

    def __init__(self) -> None:
        self._committed = MemoryUnitOfWork()
        self._sharing = _sharing(self._committed)
        self._writing = asyncio.Lock()
        self._listeners: list[ChangeListener] = []
        self.unavailable = False

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryUnitOfWork]:
        async with self._writing:
            self._check()
            work = _Begun(self._committed, self._sharing)
            yield work
            self._check()
            tags, work.invalidations.tags = work.invalidations.tags, set()
            self._committed = work.finish()
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
