"""Time and chance, injected, so that tests decide both."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, injected."""

    def now(self) -> datetime:
        """Return the present moment: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never step back, for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. A test's clock moves on instead."""
        ...


class Entropy(Protocol):
    """Randomness, injected."""

    def token_bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high], for jitter; not for secrets."""
        ...
