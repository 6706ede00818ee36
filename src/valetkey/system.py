"""The real clock and randomness, for which tests bring their own; and the process itself."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

#: The collector runs when so many more objects were made than let go. Python's own 700 is what a
#: few requests under way have, or a part of a listing's page, all of which go without it.
_COLLECTOR: Final = (10_000, 10, 10)


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


def quieten_collector() -> None:
    """Let the collector of cycles look at what requests and syncs make, not at what the process is
    made of: it took a third of a sync's own time. Call it once everything is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR)


def step_back(nice: int) -> None:
    """Make this thread so much nicer to all others: it takes the processor when nobody else wants
    it. On Linux alone: elsewhere it would be the whole process."""
    if nice and sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            os.nice(nice)
