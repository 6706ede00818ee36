"""24-hex-digit identifiers that sort in the order in which they were made.

48 bits of milliseconds, then 48 bits that start at random in each millisecond and count up within
it (the monotonic scheme of ULID). The form is that of a BSON ObjectId, as Dataloop's SDK expects.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Final

from valetkey.domain.ports import Clock, Entropy

_ID: Final = re.compile(r"[0-9a-f]{24}")
_TAIL_BYTES: Final = 6
_TAIL_SPACE: Final = 1 << (8 * _TAIL_BYTES)


def is_id(text: str) -> bool:
    """Tell whether ``text`` has an identifier's form (lower-case hex, 24 digits)."""
    return _ID.fullmatch(text) is not None


class IdFactory:
    """Makes identifiers; strictly increasing within one factory, even if the clock steps back."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        return next(self.take(1))

    def take(self, count: int) -> Iterator[str]:
        """Make ``count`` consecutive identifiers at once (for bulk inserts)."""
        with self._lock:
            first = max(self._fresh(), self._last + 1)
            self._last = first + count - 1
        return (f"{number:024x}" for number in range(first, first + count))

    def _fresh(self) -> int:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        # The top bit of the tail starts clear, so that a millisecond has room to count up.
        tail = int.from_bytes(self._entropy.token_bytes(_TAIL_BYTES), "big") >> 1
        return milliseconds * _TAIL_SPACE + tail
