"""Slowing down guesses, without letting a guesser lock others out (ADR 14).

Every attempt is counted before its password is looked at, and taken back only if it was not tried.
Three counts, each with its own purpose:

- account and source together: five tries, then growing waits. One flooder meets this one.
- all of a source, and all of an account: a bucket that refills slowly, for those who change the
  account or the source between guesses. Somebody who has signed in from this source before is not
  asked: that is how an office stays open beside a flooder within it, and an account beside a
  botnet.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from valetkey.counting import counted
from valetkey.domain.errors import TooManyRequests
from valetkey.domain.ports import Clock
from valetkey.domain.sign_in import (
    FREE_TRIES,
    LONGEST_WAIT,
    LONGEST_WAIT_OF_KNOWN,
    OF_ACCOUNT,
    OF_SOURCE,
    pause_after,
)

#: Tries are forgotten so many seconds after the last one's wait.
_FORGET_AFTER: Final = 86_400.0
_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class _CountedTries:
    count: int = 0
    free_at: float = 0.0


@dataclass(slots=True)
class _TokenBucket:
    left: float
    at: float


class Attempt:
    """One try. It counts from the moment it was begun."""

    def __init__(self, tries: _CountedTries, buckets: list[_TokenBucket]) -> None:
        self._tries = tries
        self._buckets = buckets
        self.tried = False

    def succeeded(self) -> None:
        """Forget this source's tries at this account; what others did stays counted."""
        self._tries.count, self._tries.free_at = 0, 0.0
        self._give_back()

    def end(self) -> None:
        """Take the attempt back if its password was never looked at."""
        if self.tried:
            return
        self._tries.count = max(0, self._tries.count - 1)
        if self._tries.count < FREE_TRIES:
            self._tries.free_at = 0.0
        self._give_back()

    def _give_back(self) -> None:
        for bucket in self._buckets:
            bucket.left += 1
        self._buckets = []


class Throttle:
    """Counts attempts in this process, for a bounded number of names; the oldest are forgotten
    first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[tuple[str, str], _CountedTries] = OrderedDict()
        self._buckets: OrderedDict[str, _TokenBucket] = OrderedDict()

    def begin(self, account: str, source: str, *, known: bool) -> Attempt:
        """Count an attempt on an account from a source, ``known`` if somebody has signed in to
        this account from there. Raises TooManyRequests, and then counts nothing."""
        now = self._clock.monotonic()
        tries = self._tries_of((account, source), now)
        wait = tries.free_at - now
        buckets: list[_TokenBucket] = []
        if not known:
            for name, allowance in (
                (f"account {account}", OF_ACCOUNT),
                (f"source {source}", OF_SOURCE),
            ):
                seconds = allowance.every.total_seconds()
                bucket = self._bucket(name, now, allowance.at_once, seconds)
                wait = max(wait, (1.0 - bucket.left) * seconds)
                buckets.append(bucket)
        if wait > 0:
            raise too_many(int(wait) + 1)
        tries.count += 1
        pause = pause_after(tries.count, LONGEST_WAIT_OF_KNOWN if known else LONGEST_WAIT)
        if pause:
            tries.free_at = now + pause.total_seconds()
        for bucket in buckets:
            bucket.left -= 1
        return Attempt(tries, buckets)

    def _tries_of(self, name: tuple[str, str], now: float) -> _CountedTries:
        tries = self._tries.setdefault(name, _CountedTries(free_at=0.0))
        self._tries.move_to_end(name)
        if tries.free_at and now > tries.free_at + _FORGET_AFTER:
            tries.count, tries.free_at = 0, 0.0
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)
        return tries

    def _bucket(self, name: str, now: float, capacity: int, seconds: float) -> _TokenBucket:
        bucket = self._buckets.setdefault(name, _TokenBucket(capacity, now))
        self._buckets.move_to_end(name)
        bucket.left = min(capacity, bucket.left + (now - bucket.at) / seconds)
        bucket.at = now
        while len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket


def too_many(seconds: int) -> TooManyRequests:
    """Return the refusal that asks somebody to come back in so many seconds."""
    return TooManyRequests(
        "There were too many tries.",
        hint=f"Try again in {counted(seconds, 'second')}.",
        retry_after=seconds,
    )
