"""Yes, no, or unknown (Kleene's logic)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Truth(Enum):
    """Whether something holds, as far as it can be known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("a Truth has three values: compare it")

    @property
    def inverse(self) -> Truth:
        """The truth of the contrary."""
        return {Truth.YES: Truth.NO, Truth.NO: Truth.YES}.get(self, Truth.UNKNOWN)


def truth(holds: bool) -> Truth:
    """Return what is known for certain."""
    return Truth.YES if holds else Truth.NO


def all_of(parts: Iterable[Truth]) -> Truth:
    """Return whether all hold."""
    found = set(parts)
    if Truth.NO in found:
        return Truth.NO
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.YES


def any_of(parts: Iterable[Truth]) -> Truth:
    """Return whether one of them holds."""
    return all_of(part.inverse for part in parts).inverse
