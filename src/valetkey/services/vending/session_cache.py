"""Sessions, kept while they are good: one AssumeRole however many ask at once.

Single flight, refresh-ahead in the background, failures remembered for seconds, bounded by number
and by their ends, emptied by tag. Knows nothing of STS: it is given an ``issue`` and calls it at
most once per key at a time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from valetkey.domain.errors import AwsUnavailable, StorageUnavailable, ValetkeyError
from valetkey.domain.ports import Clock
from valetkey.services.background import log_unexpected

#: AWS SDKs refetch what has less than 15 minutes left; five more are room for a skewed clock.
MIN_REMAINING: Final = timedelta(minutes=20)
#: A session too short for that is handed out for its first five minutes.
_REUSE: Final = timedelta(minutes=5)
#: What failed is not tried again for this long.
FAILURE_SECONDS: Final = 5.0
_NOTHING: Final = timedelta()


class Expiring(Protocol):
    """Something with an end."""

    @property
    def expires_at(self) -> datetime: ...


V = TypeVar("V", bound=Expiring)


@dataclass(slots=True)
class _CachedValue(Generic[V]):
    """A value; from ``old_at`` on it is replaced in the background, after ``stale_at`` it is handed
    out only if nothing better can be had, and at ``ends_at`` it has ended. All of them are moments
    of the monotonic clock: the wall clock may jump."""

    value: V
    tags: frozenset[Hashable]
    old_at: float
    stale_at: float
    ends_at: float
    retry_at: float = 0.0


class SessionCache(Generic[V]):
    """Values by key, each with tags by which they are forgotten (an integration, a principal)."""

    def __init__(
        self, clock: Clock, *, capacity: int, may_keep: Callable[[], bool] = lambda: True
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._may_keep = may_keep
        self._entries: OrderedDict[Hashable, _CachedValue[V]] = OrderedDict()
        self._flights: dict[Hashable, tuple[asyncio.Task[V], frozenset[Hashable]]] = {}
        self._failures: OrderedDict[Hashable, tuple[float, ValetkeyError, frozenset[Hashable]]] = (
            OrderedDict()
        )

    def __len__(self) -> int:
        return len(self._entries)

    def peek(self, key: Hashable, least: timedelta = _NOTHING) -> V | None:
        """Return a value that :meth:`get` would return as it is, without waiting; else None."""
        if self.fresh_for(key, least) <= 0:
            return None
        self._entries.move_to_end(key)
        return self._entries[key].value

    def fresh_for(self, key: Hashable, least: timedelta = _NOTHING) -> float:
        """Return for how many seconds :meth:`peek` will return what is kept under a key."""
        entry = self._entries.get(key)
        if entry is None:
            return 0.0
        good_until = min(entry.old_at, entry.ends_at - least.total_seconds())
        return good_until - self._clock.monotonic()

    async def get(
        self,
        key: Hashable,
        tags: Iterable[Hashable],
        issue: Callable[[], Awaitable[V]],
        least: timedelta = _NOTHING,
    ) -> V:
        """Return a value with at least 20 minutes left, or with ``least`` if that is more; of a
        shorter-lived one, nearly all.

        When AWS, or what keeps the sealing key, is away, a value that has not ended is served all
        the same. Raises what ``issue`` raised, again and without calling it for a few seconds
        after.
        """
        entry = self._entries.get(key)
        now = self._clock.monotonic()
        if entry is not None and entry.ends_at > now:
            self._entries.move_to_end(key)
            if now <= min(entry.stale_at, entry.ends_at - least.total_seconds()):
                if now > entry.old_at and self._may_retry(entry):
                    self._launch(key, frozenset(tags), issue)
                return entry.value
            return await self._replace(key, entry, frozenset(tags), issue)
        self._raise_remembered(key)
        return await asyncio.shield(self._launch(key, frozenset(tags), issue))

    def forget(self, tags: AbstractSet[Hashable]) -> None:
        """Forget everything that carries one of the tags, failures and what is being made included.

        Whoever already waits for what is being made still gets it; nobody after them does.
        """
        for key in [k for k, entry in self._entries.items() if not tags.isdisjoint(entry.tags)]:
            del self._entries[key]
        for key in [k for k, failure in self._failures.items() if not tags.isdisjoint(failure[2])]:
            del self._failures[key]
        for key in [k for k, flight in self._flights.items() if not tags.isdisjoint(flight[1])]:
            del self._flights[key]

    def clear(self) -> None:
        """Forget everything, as :meth:`forget` does."""
        self._entries.clear()
        self._failures.clear()
        self._flights.clear()

    async def _replace(
        self,
        key: Hashable,
        entry: _CachedValue[V],
        tags: frozenset[Hashable],
        issue: Callable[[], Awaitable[V]],
    ) -> V:
        try:
            self._raise_remembered(key)
            return await asyncio.shield(self._launch(key, tags, issue))
        except (AwsUnavailable, StorageUnavailable):
            still_kept = self._entries.get(key) is entry
            if still_kept and entry.ends_at > self._clock.monotonic():
                return entry.value
            raise

    def _may_retry(self, entry: _CachedValue[V]) -> bool:
        return self._clock.monotonic() >= entry.retry_at

    def _launch(
        self, key: Hashable, tags: frozenset[Hashable], issue: Callable[[], Awaitable[V]]
    ) -> asyncio.Task[V]:
        flight = self._flights.get(key)
        if flight is not None:
            return flight[0]
        task = asyncio.ensure_future(self._fly(key, tags, issue))
        # A background refresh has nobody who waits; its failure is kept, not reported as unseen.
        task.add_done_callback(log_unexpected("issuing a session"))
        self._flights[key] = (task, tags)
        return task

    async def _fly(
        self, key: Hashable, tags: frozenset[Hashable], issue: Callable[[], Awaitable[V]]
    ) -> V:
        asked_at = self._clock.monotonic()
        try:
            value = await issue()
        except ValetkeyError as error:
            if self._is_mine(key):
                self._remember(key, error, tags)
            raise
        else:
            if self._is_mine(key):
                self._keep(key, self._entry(value, asked_at, tags))
            return value
        finally:
            if self._is_mine(key):
                del self._flights[key]

    def _is_mine(self, key: Hashable) -> bool:
        """Tell whether the running task still is the key's flight (nobody forgot it meanwhile)."""
        flight = self._flights.get(key)
        return flight is not None and flight[0] is asyncio.current_task()

    def _keep(self, key: Hashable, entry: _CachedValue[V]) -> None:
        self._failures.pop(key, None)
        if not self._may_keep():
            return
        self._entries[key] = entry
        self._entries.move_to_end(key)
        entries, now = self._entries, self._clock.monotonic()
        # Of whoever never comes back nothing stays, however much room there is.
        while entries and (
            len(entries) > self._capacity or next(iter(entries.values())).ends_at <= now
        ):
            entries.popitem(last=False)

    def _remember(self, key: Hashable, error: ValetkeyError, tags: frozenset[Hashable]) -> None:
        until = self._clock.monotonic() + FAILURE_SECONDS
        entry = self._entries.get(key)
        if entry is not None:
            entry.retry_at = until
        self._failures[key] = (until, error, tags)
        failures, now = self._failures, until - FAILURE_SECONDS
        while len(failures) > self._capacity or next(iter(failures.values()))[0] <= now:
            failures.popitem(last=False)

    def _raise_remembered(self, key: Hashable) -> None:
        failure = self._failures.get(key)
        if failure is None:
            return
        until, error, _ = failure
        if self._clock.monotonic() < until:
            raise type(error)(error.message, hint=error.hint, code=error.code, **error.details)
        del self._failures[key]

    def _entry(self, value: V, asked_at: float, tags: frozenset[Hashable]) -> _CachedValue[V]:
        now = self._clock.monotonic()
        left = (value.expires_at - self._clock.now()).total_seconds()
        life = left + now - asked_at
        least = min(MIN_REMAINING.total_seconds(), max(life / 2, life - _REUSE.total_seconds()))
        ends_at = now + left
        stale_at = ends_at - least
        return _CachedValue(value, tags, stale_at - (life - least) / 4, stale_at, ends_at)
