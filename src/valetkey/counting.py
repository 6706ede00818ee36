"""How many there are, in words: one entry, two entries."""

from __future__ import annotations


def counted(count: float, one: str) -> str:
    """Return a number with what is counted: ``1 entry``, ``2,000 entries``, ``0.5 seconds``."""
    number = f"{count:,}" if isinstance(count, int) else f"{count:g}"
    return f"{number} {one if number == '1' else _many(one)}"


def _many(one: str) -> str:
    """Return the plural of a word that has a regular one."""
    if one.endswith("y") and one[-2] not in "aeiou":
        return f"{one[:-1]}ies"
    return f"{one}es" if one.endswith(("x", "s", "ch", "sh")) else f"{one}s"
