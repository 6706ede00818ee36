"""Counting tries at a password, for all processes together: what is stored, and the rules."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: Tries that nobody waits for; then each doubles the wait.
FREE_TRIES: Final = 5
_FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(seconds=900)
#: The longest wait where somebody has signed in from before.
LONGEST_WAIT_OF_KNOWN: Final = timedelta(seconds=30)
#: What was counted is kept for so long: a little, and what led to waits.
_KEPT: Final = timedelta(hours=1)
_KEPT_LONG: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tries:
    """What is counted under a name: how many, from when on the next one is allowed, and until when
    that is kept."""

    count: int
    free_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many at once, and one more each ``every``."""

    at_once: int
    every: timedelta


OF_SOURCE: Final = Allowance(30, timedelta(seconds=30))
OF_ACCOUNT: Final = Allowance(20, timedelta(seconds=60))


def tries_name(*parts: str) -> str:
    """Return the name that something is counted under: it tells nobody's address."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def pause_after(count: int, longest: timedelta) -> timedelta:
    """Return how long the next try waits after so many."""
    if count < FREE_TRIES:
        return timedelta()
    return min(longest, _FIRST_WAIT * (1 << min(count - FREE_TRIES, 20)))


def one_more(before: Tries | None, now: datetime, longest: timedelta) -> tuple[timedelta, Tries]:
    """Return how long somebody has to wait who tries an account from one source, and what is
    counted if they need not: five are free, then each doubles the wait."""
    if before is None or before.until <= now:
        before = Tries(0, now, now)
    # A clock that was ahead locks nobody out for longer than the rule does.
    wait = min(before.free_at - now, longest)
    count = before.count + 1
    free_at = now + pause_after(count, longest)
    kept = _KEPT_LONG if count >= FREE_TRIES else _KEPT
    return wait, Tries(count, free_at, free_at + kept)


def one_of(before: Tries | None, now: datetime, allowance: Allowance) -> tuple[timedelta, Tries]:
    """Return how long to wait where an allowance is shared, and what is counted if nobody has to:
    ``free_at`` is when all of it will have come back."""
    whole = allowance.every * allowance.at_once
    back_at = now if before is None else min(max(before.free_at, now), now + whole)
    count = 1 if before is None else before.count + 1
    after = Tries(count, back_at + allowance.every, back_at + allowance.every)
    return back_at + allowance.every - now - whole, after
