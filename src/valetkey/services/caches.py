"""What a server process keeps in memory, and how it is made to forget in time.

Whatever is kept carries the tags of what it depends on. A transaction that changes such a thing
publishes the tag (``work.invalidations``), and every process forgets. A thing that was being read
while something changed is not kept at all: it might be the old one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from collections.abc import Set as AbstractSet
from typing import Generic, Protocol, TypeVar

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
    and keep what was read only if :meth:`may_keep` says so afterwards.
    """

    def __init__(self) -> None:
        self._caches: list[Forgetful] = []
        self.is_deaf = False
        self.epoch = 0

    def add(self, cache: Forgetful) -> None:
        """Make a cache forget from now on."""
        self._caches.append(cache)

    def may_keep(self, epoch: int) -> bool:
        """Tell whether what was read since ``epoch`` is surely the newest, and stays watched."""
        return epoch == self.epoch and not self.is_deaf

    def changed(self, tags: Iterable[str]) -> None:
        self.epoch += 1
        known = frozenset(tags)
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
        """Keep a value, unless something changed since epoch ``read_at``."""
        if not self._caches.may_keep(read_at):
            return
        self._entries[key] = (value, frozenset(tags))
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
