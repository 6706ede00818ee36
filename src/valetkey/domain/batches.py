"""Many things, some at a time: what is asked, written or signed at once has a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batched(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Iterate over a sequence in slices of at most ``size``, in order."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
