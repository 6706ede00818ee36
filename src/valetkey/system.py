"""The real clock and the real randomness; tests bring their own."""

from __future__ import annotations

import asyncio
import os
import random
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemEntropy:
    """Implements ports.Entropy with the operating system's generator."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def token_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
