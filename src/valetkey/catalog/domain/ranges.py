"""Cutting a key space into ranges, knowing only which key comes next after a given text.

A bucket can't be asked how many keys lie between two, nor for its last key; it can be asked for
the first key after any text. That is enough to halve a range at a place where keys really are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple

#: The letters of one script lie close together: ASCII, or a block of 256 code points.
_ASCII_END: Final = 0x7F
_BLOCK: Final = 0x100
_LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_TRIES: Final = 48
#: Ranges that are halved side by side: four thousand, one after another, would take a quarter of an
#: hour.
_AT_ONCE: Final = 16


class KeyRange(NamedTuple):
    """Keys above ``after`` and up to ``upto``, inclusive; None is without end."""

    after: str
    upto: str | None


#: The first key after a text, or None at the end.
Next = Callable[[str], Awaitable[str | None]]


async def split(whole: KeyRange, parts: int, next_key: Next) -> list[KeyRange]:
    """Cut a range into about ``parts`` ranges, in order and without gaps.

    Ranges are halved breadth first, each in the middle of the text between its first key and its
    end, where a probe finds keys on both sides, some side by side. Few keys give fewer ranges.
    """
    waiting = deque([whole])
    done: list[KeyRange] = []
    while waiting and len(waiting) + len(done) < parts:
        some = min(len(waiting), parts - len(waiting) - len(done), _AT_ONCE)
        candidates = [waiting.popleft() for _ in range(some)]
        cuts = [_middle(candidate, next_key) for candidate in candidates]
        for candidate, cut in zip(candidates, await _all(cuts), strict=True):
            if cut is None:
                done.append(candidate)
            else:
                waiting.append(KeyRange(candidate.after, cut))
                waiting.append(KeyRange(cut, candidate.upto))
    return sorted([*waiting, *done], key=lambda part: part.after)


async def _all(probes: Iterable[Coroutine[Any, Any, str | None]]) -> list[str | None]:
    """Wait for all, so that none goes on where one fails."""
    found = await asyncio.gather(*probes, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if not isinstance(each, BaseException)]


async def _middle(part: KeyRange, next_key: Next) -> str | None:
    """Return a text with keys on both sides of it within the range, or None."""
    first = await next_key(part.after)
    if first is None or _beyond(first, part.upto):
        return None
    end = part.upto
    for _ in range(_TRIES):
        middle = between(first, end)
        if middle is None:
            return None
        found = await next_key(middle)
        if found is not None and not _beyond(found, part.upto):
            return middle
        end = middle
    return None


def _beyond(key: str, upto: str | None) -> bool:
    return upto is not None and key > upto


def between(low: str, high: str | None) -> str | None:
    """Return a text from ``low`` on and below ``high``, near the middle; None if there is none.

    It may be ``low`` itself when nothing shorter lies between: what is cut there is still split.
    """
    top = high if high is not None else _block_end(low)
    common = 0
    while common < min(len(low), len(top)) and low[common] == top[common]:
        common += 1
    floor = ord(low[common]) if common < len(low) else 0
    ceiling = ord(top[common]) if common < len(top) else 0
    if ceiling - floor > 1:
        return low[:common] + _letter((floor + ceiling) // 2)
    # Neighbouring letters: the middle lies deeper, above the rest of the lower one.
    rest = low[common + 1 :]
    deeper = between(rest, None)
    candidate = low[: common + 1] + deeper if deeper is not None else low
    return candidate if low <= candidate < top else None


def _block_end(low: str) -> str:
    """Return an end to look below first, where none is known."""
    code = ord(low[0]) if low else 0
    return _letter(_ASCII_END if code < _ASCII_END else min((code | _BLOCK - 1) + 1, _LAST))


def _letter(code: int) -> str:
    return chr(_SURROGATES.start - 1 if code in _SURROGATES else code)
