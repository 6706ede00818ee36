"""What a server process keeps in memory, and how it is made to forget in time.

Whatever is kept carries the tags of what it depends on. A transaction that changes such a thing
publishes the tag (``work.invalidations``), and every process forgets. A thing that was being read
while one of its tags changed is not kept: it might be the old one. What leaves the process (a
credential) asks the same once more when nothing can hold it up any longer:
``unchanged(tags, since)``.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from collections.abc import Set as AbstractSet
from typing import Final, Generic, Protocol, TypeVar

#: Of so many tags it is remembered when they last changed. What was read before the oldest of
#: them is taken for changed.
_REMEMBERED: Final = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Forgetful(Protocol):
    """A cache."""

    def forget(self, tags: AbstractSet[str]) -> None:
        """Forget all that carries one of the tags."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...


class Caches:
    """All caches of a process. Implements ports.ChangeListener.

    While ``is_deaf``, nothing is kept. ``epoch`` counts the changes heard: note it before reading,
    and believe what was read only if :meth:`unchanged` says so afterwards.
    """

    def __init__(self) -> None:
        self._caches: list[Forgetful] = []
        self._changed_at: OrderedDict[str, int] = OrderedDict()
        #: What was read before this epoch may have changed, whatever its tags.
        self._floor = 0
        self.is_deaf = False
        self.epoch = 0

    def add(self, cache: Forgetful) -> None:
        """Make a cache forget from now on."""
        self._caches.append(cache)

    def unchanged(self, tags: Iterable[str], since: int) -> bool:
        """Tell whether none of these tags has changed since epoch ``since``, as far as heard."""
        if since == self.epoch:
            return True
        if since < self._floor:
            return False
        return all(self._changed_at.get(tag, 0) <= since for tag in tags)

    def may_keep(self, tags: Iterable[str], since: int) -> bool:
        """Tell whether what was read since ``since`` is the newest, and stays watched."""
        return not self.is_deaf and self.unchanged(tags, since)

    def changed(self, tags: Iterable[str]) -> None:
        self.epoch += 1
        known = frozenset(tags)
        for tag in known:
            self._changed_at[tag] = self.epoch
            self._changed_at.move_to_end(tag)
        while len(self._changed_at) > _REMEMBERED:
            self._floor = self._changed_at.popitem(last=False)[1]
        for cache in self._caches:
            cache.forget(known)

    def deaf(self) -> None:
        self.is_deaf = True
        self._clear()

    def hearing(self) -> None:
        self.is_deaf = False
        self._clear()

    def _clear(self) -> None:
        self.epoch += 1
        self._floor = self.epoch
        for cache in self._caches:
            cache.clear()


class TaggedCache(Generic[K, V]):
    """A bounded cache; what was not used for longest goes first."""

    def __init__(self, caches: Caches, *, capacity: int) -> None:
        self._caches = caches
        self._capacity = capacity
        self._entries: OrderedDict[K, tuple[V, frozenset[str]]] = OrderedDict()
        self._reads: dict[tuple[K, int], asyncio.Future[V]] = {}
        caches.add(self)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return what is kept under a key, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    async def fetch(self, key: K, read: Callable[[], Awaitable[tuple[V, Iterable[str]]]]) -> V:
        """Return what is kept under a key, or read it and its tags: once, however many ask for it
        meanwhile. Whoever asks after something has changed is not given what was read before.

        Raises what ``read`` raises, which is not kept.
        """
        kept = self.get(key)
        if kept is not None:
            return kept
        name = (key, self._caches.epoch)
        reading = self._reads.get(name)
        if reading is None:
            reading = self._reads[name] = asyncio.ensure_future(self._read(name, read))
        # Whoever leaves does not end it for the others.
        return await asyncio.shield(reading)

    async def _read(
        self, name: tuple[K, int], read: Callable[[], Awaitable[tuple[V, Iterable[str]]]]
    ) -> V:
        key, epoch = name
        try:
            value, tags = await read()
            self.keep(key, value, tags, read_at=epoch)
        finally:
            del self._reads[name]
        return value

    def keep(self, key: K, value: V, tags: Iterable[str], *, read_at: int) -> None:
        """Keep a value, unless one of its tags changed since epoch ``read_at``."""
        own = frozenset(tags)
        if not self._caches.may_keep(own, read_at):
            return
        self._entries[key] = (value, own)
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget one entry."""
        self._entries.pop(key, None)

    def forget(self, tags: AbstractSet[str]) -> None:
        for key in [k for k, (_, own) in self._entries.items() if not tags.isdisjoint(own)]:
            del self._entries[key]

    def clear(self) -> None:
        self._entries.clear()
