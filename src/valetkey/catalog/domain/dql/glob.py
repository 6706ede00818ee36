"""Globs over paths: matching, and what an index can use of them.

Two regular expressions are offered, of one meaning. The ``atomic`` one (Python 3.11) never
backtracks over more than one wildcard, so that a hostile pattern takes at most time quadratic in
the text's length; PostgreSQL's engine needs no such care.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_PIECE: Final = re.compile(r"/\*\*/|\*\*+|\*|\?|[^*?/]+|/")
_SPECIAL: Final = re.compile(r"([^\w/])", re.ASCII)


def is_glob(text: str) -> bool:
    """Tell whether text has a wildcard."""
    return "*" in text or "?" in text


def literal_prefix(pattern: str) -> str:
    """Return the part before the first wildcard, which every match starts with."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def glob_matches(pattern: str, text: str) -> bool:
    """Tell whether a glob describes the whole text. The reference: each state is tried once."""
    pieces = [*_PIECE.findall(pattern)]
    places = {0}
    for piece in pieces:
        places = {end for place in places for end in _ends(piece, text, place)}
        if not places:
            return False
    return len(text) in places


def _ends(piece: str, text: str, start: int) -> Iterator[int]:
    """Yield where a piece may end that starts here."""
    if piece == "/**/":
        if text.startswith("/", start):
            yield start + 1
            yield from (at + 1 for at in range(start + 1, len(text)) if text[at] == "/")
    elif piece.startswith("**"):
        yield from range(start, len(text) + 1)
    elif piece == "*":
        slash = text.find("/", start)
        yield from range(start, (len(text) if slash < 0 else slash) + 1)
    elif piece == "?":
        if start < len(text) and text[start] != "/":
            yield start + 1
    elif text.startswith(piece, start):
        yield start + len(piece)


def posix_regex(pattern: str) -> str:
    """Return the glob as a POSIX (PostgreSQL) regular expression, anchored."""
    parts = []
    for piece in _PIECE.findall(pattern):
        if piece == "/**/":
            parts.append("/(?:.*/)?")
        elif piece.startswith("**"):
            parts.append(".*")
        elif piece == "*":
            parts.append("[^/]*")
        elif piece == "?":
            parts.append("[^/]")
        else:
            parts.append(_SPECIAL.sub(_escaped, piece))
    return f"^(?:{''.join(parts)})$"


def _escaped(found: re.Match[str]) -> str:
    letter = found.group(1)
    return f"\\{letter}" if letter.isascii() else letter


@lru_cache(maxsize=256)
def atomic_regex(pattern: str) -> re.Pattern[str]:
    """Return the glob compiled for ``fullmatch``, safe against hostile patterns.

    Between two ``**`` the earliest match is as good as any later one, and so it is between two
    ``*``: each such piece is an atomic group. Only the last piece, which must reach the end, is
    tried from several places.
    """
    chunks: list[tuple[str, list[str]]] = [("", [])]
    for piece in _PIECE.findall(pattern):
        if piece == "/**/":
            chunks[-1][1].append("/")
            chunks.append(("(?:.*?/)??", []))
        elif piece.startswith("**"):
            chunks.append((".*?", []))
        else:
            chunks[-1][1].append(piece)
    *middle, (gap, last) = chunks
    text = "".join(f"(?>{between}{_chunk(pieces, ends=False)})" for between, pieces in middle)
    return re.compile(text + gap + _chunk(last, ends=True), re.DOTALL)


def _chunk(pieces: list[str], *, ends: bool) -> str:
    runs = [""]
    for piece in pieces:
        if piece == "*":
            runs.append("")
        else:
            runs[-1] += "[^/]" if piece == "?" else re.escape(piece)
    first, *rest = runs
    if not rest:
        return first
    *inner, last = rest
    text = first + "".join(f"(?>[^/]*?{run})" for run in inner)
    return text + (f"[^/]*{last}" if ends else f"(?>[^/]*?{last})")
