"""What of a fix is to be pasted: its sentences apart from its documents and commands. Pure text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

_COMMANDS: Final = ("aws ", "valetkey ")
_DOCUMENTS: Final = ("{", "[")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a fix. What ``is_pasted`` is copied as it stands: one JSON document, or one
    command."""

    text: str
    is_pasted: bool


def pieces(fix: str) -> list[Piece]:
    """Split a fix. A document begins on a line of its own with ``{`` or ``[`` and ends where its
    JSON does; a command is one line."""
    found: list[Piece] = []
    said: list[str] = []
    rest = fix
    while rest:
        line, _, after = rest.partition("\n")
        pasted = line if line.startswith(_COMMANDS) else _document(rest)
        if not pasted:
            said.append(line)
            rest = after
            continue
        found += [*_sentences(said), Piece(pasted.strip(), is_pasted=True)]
        said, rest = [], rest[len(pasted) :].removeprefix("\n")
    return [*found, *_sentences(said)]


def _document(text: str) -> str:
    """Return the JSON document that a text begins with, or nothing."""
    if not text.startswith(_DOCUMENTS):
        return ""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    return text[:end]


def _sentences(lines: list[str]) -> list[Piece]:
    text = "\n".join(lines).strip()
    return [Piece(text, is_pasted=False)] if text else []
