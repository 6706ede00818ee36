"""What may pass is tried again: as botocore's standard mode does, with the clock injected.

Source: botocore's ``retries/standard.py`` and ``retries/quota.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.ports.time import Clock, Entropy

R = TypeVar("R")

_LONGEST_PAUSE_SECONDS: Final = 20.0
#: All calls together may try again for so long; then each has one attempt, until some work.
_BUDGET: Final = 500
_COST: Final = 5


class Retries:
    """Tries calls again, each at most ``attempts`` times, after longer and longer pauses; while an
    AWS does not recover, ever fewer of them."""

    def __init__(self, attempts: int, clock: Clock, entropy: Entropy) -> None:
        self._attempts = attempts
        self._clock = clock
        self._entropy = entropy
        self._budget = _BUDGET

    async def run(self, once: Callable[[], Awaitable[R]]) -> R:
        """Return the first answer that is not AwsUnavailable. Raises what the last attempt did."""
        attempt = 1
        while True:
            try:
                answer = await once()
            except AwsUnavailable:
                if attempt >= self._attempts or self._budget < _COST:
                    raise
            else:
                self._budget = min(_BUDGET, self._budget + (_COST if attempt > 1 else 1))
                return answer
            self._budget -= _COST
            longest = min(2.0 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
            await self._clock.sleep(self._entropy.uniform(0.0, longest))
            attempt += 1
