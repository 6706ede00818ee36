"""24-hex-digit identifiers that sort in the order in which they were made.

48 bits of milliseconds, then 48 bits that start at random in each millisecond and count up within
it (the monotonic scheme of ULID). The form is that of a BSON ObjectId, as Dataloop's SDK expects.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from valetkey.domain.ports import Clock, Entropy

_ID: Final = re.compile(r"[0-9a-f]{24}")
_TAIL_BYTES: Final = 6
_TAIL_SPACE: Final = 1 << (8 * _TAIL_BYTES)


def is_id(text: str) -> bool:
    """Tell whether ``text`` has an identifier's form (lower-case hex, 24 digits)."""
    return _ID.fullmatch(text) is not None


def first_id(moment: datetime) -> str:
    """Return what no identifier that was made at a moment or later is below."""
    return f"{_ms(moment):012x}".ljust(24, "0")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class IdFactory:
    """Makes identifiers; strictly increasing within one factory, even if the clock steps back."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._moment = 0
        self._tail = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        return next(self.take(1))

    def take(self, count: int) -> Iterator[str]:
        """Make ``count`` consecutive identifiers at once (for bulk inserts)."""
        moment, first = self._reserve(count)
        start = f"{moment:012x}"
        return (f"{start}{tail:012x}" for tail in range(first, first + count))

    def _reserve(self, count: int) -> tuple[int, int]:
        """Take so many numbers of one millisecond; return it and the first."""
        moment = _ms(self._clock.now())
        with self._lock:
            if moment > self._moment:
                self._moment, self._tail = moment, self._chance()
            elif self._tail + count > _TAIL_SPACE:
                self._moment, self._tail = self._moment + 1, self._chance()
            # Within a millisecond it is counted: chance is asked for once in each.
            first = self._tail
            self._tail = first + count
            return self._moment, first

    def _chance(self) -> int:
        # The top bit of the tail starts clear, so that a millisecond has room to count up.
        return int.from_bytes(self._entropy.token_bytes(_TAIL_BYTES), "big") >> 1
