"""Globs over paths: their one form, matching them, and what an index can use of them.

``**`` stands for anything, ``*`` for anything but ``/``, and ``/**/`` may be a single ``/``; every
other letter is itself. :class:`GlobMatcher` reads each letter of a text once, whatever the pattern
is: it keeps the set of all places in the pattern where it may be, as the bits of an integer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final

_PIECE: Final = re.compile(r"/\*\*/|\*+|[^*/]+|/")
_STARS: Final = re.compile(r"\*+")
_FOLDERS_TWICE: Final = re.compile(r"(?:/\*\*){2,}/")
_FOLDERS_AND_MORE: Final = re.compile(r"/\*\*/(?=\*)")
_TOO_MANY_STARS: Final = re.compile(r"\*{4,}")
_SPECIAL: Final = re.compile(r"([^\w/])", re.ASCII)
#: What a matcher remembers of its moves is forgotten beyond so many.
_MOST_MOVES: Final = 10_000


class Wild(Enum):
    """What stands for other letters: ``ANY`` for all, ``SEGMENT`` for all but ``/``, ``FOLDERS``
    for a ``/``, or for one, anything, and another one."""

    ANY = "**"
    SEGMENT = "*"
    FOLDERS = "/**/"


def is_glob(text: str) -> bool:
    """Tell whether text has a wildcard. ``?``, ``[`` and a backslash are none."""
    return "*" in text


def normal_glob(text: str, *, crossing: bool) -> str:
    """Return a pattern in the form that everything else here expects: ``***`` is what ``**`` is,
    but never part of a ``/**/``. With ``crossing`` each wildcard stands for ``/`` too."""

    def stars(run: re.Match[str]) -> str:
        alone = "***" if crossing else "*"
        return alone if len(run.group()) == 1 else "**"

    pattern = _FOLDERS_TWICE.sub("/**/", _STARS.sub(stars, text))
    # With another wildcard behind it, '/**/' is a '/' and anything.
    return _TOO_MANY_STARS.sub("***", _FOLDERS_AND_MORE.sub("/***", pattern))


def literal_prefix(pattern: str) -> str:
    """Return the part before the first wildcard, which every match starts with."""
    return pattern.partition("*")[0]


def pieces(pattern: str) -> tuple[str | Wild, ...]:
    """Return a pattern's literal texts and wildcards, in order."""
    wild = {each.value: each for each in Wild} | {"***": Wild.ANY}
    return tuple(wild.get(piece, piece) for piece in _PIECE.findall(pattern))


class GlobMatcher:
    """Matches texts with one pattern, in time that is linear in the text.

    Bit ``n`` says that the first ``n`` literal letters are read. A letter moves each bit up where
    it is the next literal one, and leaves it where a wildcard stands that goes on with it.
    """

    def __init__(self, pattern: str) -> None:
        self._letters: dict[str, int] = {}
        self._any = self._segment = self._after_slash = 0
        place = 1
        for piece in pieces(pattern):
            if piece is Wild.ANY:
                self._any |= place
            elif piece is Wild.SEGMENT:
                self._segment |= place
            else:
                for letter in "/" if piece is Wild.FOLDERS else str(piece):
                    self._letters[letter] = self._letters.get(letter, 0) | place
                    place <<= 1
                if piece is Wild.FOLDERS:
                    # It goes on with anything, and what follows comes after a '/' only.
                    self._any |= place
                    self._after_slash |= place
        self._end = place
        self._moves: dict[tuple[int, str], int] = {}

    def matches(self, text: Iterable[str]) -> bool:
        """Tell whether the pattern describes all of a text. Each letter is read once."""
        # The lowest bit says whether the last letter was a '/'.
        state, moves = 1 << 1, self._moves
        for letter in text:
            found = moves.get((state, letter))
            state = self._move(state, letter) if found is None else found
            if state < 2:  # noqa: PLR2004  # no place is left
                return False
        return bool(self._ready(state) & self._end)

    def _move(self, state: int, letter: str) -> int:
        slash = letter == "/"
        stay = self._any if slash else self._any | self._segment
        moved = (self._ready(state) & self._letters.get(letter, 0)) << 1
        following = (moved | (state >> 1) & stay) << 1 | slash
        if len(self._moves) >= _MOST_MOVES:
            self._moves.clear()
        self._moves[state, letter] = following
        return following

    def _ready(self, state: int) -> int:
        return state >> 1 if state & 1 else state >> 1 & ~self._after_slash


# 9 µs without, for each item that a filter is held against.
@lru_cache(maxsize=256)
def matcher(pattern: str) -> GlobMatcher:
    """Return the matcher of a pattern."""
    return GlobMatcher(pattern)


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern describes the whole text."""
    return matcher(pattern).matches(text)


def posix_regex(pattern: str) -> str:
    """Return the glob as a POSIX (PostgreSQL) regular expression, anchored."""
    wild = {Wild.FOLDERS: "/(?:.*/)?", Wild.ANY: ".*", Wild.SEGMENT: "[^/]*"}
    parts = [
        wild[piece] if isinstance(piece, Wild) else _SPECIAL.sub(_escaped, piece)
        for piece in pieces(pattern)
    ]
    return f"^(?:{''.join(parts)})$"


def _escaped(found: re.Match[str]) -> str:
    letter = found.group(1)
    return f"\\{letter}" if letter.isascii() else letter
