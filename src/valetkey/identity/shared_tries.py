"""What all processes count together: without it, N of them would give a guesser N times as many
tries.

It is asked when the turn of a hash has come, so that a flood writes no more often than it hashes;
what may be refused sooner, each process refuses by itself (:mod:`valetkey.identity.throttle`).
"""

from __future__ import annotations

import math
from datetime import timedelta

from valetkey.domain.ports import Clock, Storage
from valetkey.domain.sign_in import (
    LONGEST_WAIT,
    LONGEST_WAIT_OF_KNOWN,
    OF_ACCOUNT,
    OF_SOURCE,
    Allowance,
    one_more,
    one_of,
    tries_name,
)
from valetkey.identity.throttle import too_many


class SharedTries:
    """Counts tries in the database."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def begin(self, account: str, source: str, *, known: bool) -> None:
        """Count a try, before the password is looked at. Raises TooManyRequests, and then counts
        nothing; StorageUnavailable."""
        pair, now = _pair(account, source), self._clock.now()
        shared = {} if known else _allowances(account, source)
        async with self._storage.begin() as work:
            await work.sign_in_tries.purge(now)
            counted = await work.sign_in_tries.take([pair, *shared])
            longest = LONGEST_WAIT_OF_KNOWN if known else LONGEST_WAIT
            outcomes = {pair: one_more(counted.get(pair), now, longest)}
            for name, allowance in shared.items():
                outcomes[name] = one_of(counted.get(name), now, allowance)
            wait = max(wait for wait, _ in outcomes.values())
            if wait > timedelta():
                raise too_many(math.ceil(wait.total_seconds()))
            for name, (_, tries) in outcomes.items():
                await work.sign_in_tries.put(name, tries)

    async def succeeded(self, account: str, source: str) -> None:
        """Forget a source's own tries at an account. Raises StorageUnavailable."""
        async with self._storage.begin() as work:
            await work.sign_in_tries.drop(_pair(account, source))


def _pair(account: str, source: str) -> str:
    return tries_name("account and source", account, source)


def _allowances(account: str, source: str) -> dict[str, Allowance]:
    return {
        tries_name("account", account): OF_ACCOUNT,
        tries_name("source", source): OF_SOURCE,
    }
