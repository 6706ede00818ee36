"""What may pass is tried again: as botocore's standard mode does, with the clock injected, and all
attempts of a call together within a deadline.

Source: botocore's ``retries/standard.py`` and ``retries/quota.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from valetkey.aws.errors import is_throttled, too_late
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.ports.time import Clock, Entropy

R = TypeVar("R")

_LONGEST_PAUSE_SECONDS: Final = 20.0
#: All calls together may try again for so long; then each has one attempt, until some work.
_BUDGET: Final = 500
_COST: Final = 5


async def within(seconds: float, doing: str, call: Awaitable[R]) -> R:
    """Return what a call does within so many seconds; AwsUnavailable after that. The call is
    cancelled then, wherever it waits."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await call
    except TimeoutError:
        if not limit.expired():
            raise
    raise too_late(doing, seconds)


class Retries:
    """Tries calls again, each at most ``attempts`` times, after longer and longer pauses; while an
    AWS does not recover, ever fewer of them."""

    def __init__(self, attempts: int, clock: Clock, entropy: Entropy) -> None:
        self._attempts = attempts
        self._clock = clock
        self._entropy = entropy
        self._budget = _BUDGET

    async def run(
        self,
        once: Callable[[], Awaitable[R]],
        *,
        doing: str,
        seconds: float,
        repeatable: bool = True,
    ) -> R:
        """Return the first answer that is not AwsUnavailable; raise what the last attempt did, or
        AwsUnavailable when ``seconds`` are over, whatever is under way then.

        What is not ``repeatable`` may have taken effect unseen: it is tried again only where AWS
        said that it did not even begin.
        """
        return await within(seconds, doing, self._tries(once, repeatable=repeatable))

    async def _tries(self, once: Callable[[], Awaitable[R]], *, repeatable: bool) -> R:
        attempt = 1
        while True:
            try:
                answer = await once()
            except AwsUnavailable as error:
                spent = attempt >= self._attempts or self._budget < _COST
                if spent or not (repeatable or is_throttled(error)):
                    raise
            else:
                self._budget = min(_BUDGET, self._budget + (_COST if attempt > 1 else 1))
                return answer
            self._budget -= _COST
            longest = min(2.0 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
            await self._clock.sleep(self._entropy.uniform(0.0, longest))
            attempt += 1
