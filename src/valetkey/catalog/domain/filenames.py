r"""Keys of any kind as file names that no client resolves to somewhere else, and back.

A client joins a name to a folder of its own. A key with a segment that is empty, that is ``.`` or
``..``, or that a file system takes for one of these or for a drive, would leave that folder. Such a
segment is written with ``%XX``, as in URLs, and each other segment is left as it is:

=================  ====================
key                shown as
=================  ====================
``/lead.txt``      ``/%2F/lead.txt``
``a//b.txt``       ``/a/%2F/b.txt``
``a/../b.txt``     ``/a/%2E%2E/b.txt``
``a\..\b.txt``       ``/a%5C..%5Cb.txt``
``C:x.txt``        ``/C%3Ax.txt``
``a/%2E%2E/b``     ``/a/%252E%252E/b``
``50%.txt``        ``/50%.txt``
=================  ====================

An empty segment is ``%2F``. A segment that looks like one that was escaped has its ``%`` escaped
(the last but one row), so that two keys never share a name: see docs/adr/0013-filenames.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_EMPTY: Final = "%2F"
#: Dots and spaces alone: Windows drops them at a name's end, so that ``.. `` is ``..`` there.
_NOWHERE: Final = re.compile("[. ]*")
_DRIVE: Final = re.compile(".:", re.DOTALL)
_CODES: Final = {"%": "%25", ".": "%2E", " ": "%20", "\\": "%5C", ":": "%3A"}
_ESCAPED: Final = re.compile("|".join(_CODES.values()))
_LETTERS: Final = {code: letter for letter, code in _CODES.items()}
#: What any path that is shown otherwise has in it, once it stands between slashes.
_HINTS: Final = ("//", "/.", "/ ", "\\", ":", "%2", "%3A", "%5C")


def escape(path: str) -> str:
    """Return a key, or a part of it between slashes, as it is shown. A last ``/`` stays one."""
    if not _hinted(path):
        return path
    body, slash = _folder(path)
    return "/".join(map(_escape, body.split("/"))) + slash


def unescape(name: str) -> str:
    """Return the key that a name without its leading ``/`` stands for."""
    if "%" not in name:
        return name
    body, slash = _folder(name)
    return "/".join(map(_unescape, body.split("/"))) + slash


def count_dangerous(paths: Sequence[str]) -> int:
    """Return how many keys a client would resolve to somewhere else."""
    if not _hinted("/".join(paths)):
        return 0
    return sum(_hinted(path) and any(map(_is_dangerous, path.split("/"))) for path in paths)


def _hinted(path: str) -> bool:
    text = f"/{path}/"
    return any(hint in text for hint in _HINTS)


def _folder(path: str) -> tuple[str, str]:
    return (path[:-1], "/") if path.endswith("/") and path != "/" else (path, "")


def _is_dangerous(segment: str) -> bool:
    parts = segment.split("\\")
    return any(map(_NOWHERE.fullmatch, parts)) or _DRIVE.match(segment) is not None


def _escape(segment: str) -> str:
    if not segment:
        return _EMPTY
    if _is_dangerous(segment):
        if _NOWHERE.fullmatch(segment):
            return "".join(_CODES[letter] for letter in segment)
        plain = segment.replace("%", "%25").replace("\\", "%5C")
        return plain.replace(":", "%3A") if _DRIVE.match(segment) else plain
    return segment.replace("%", "%25") if _unescape(segment) != segment else segment


def _unescape(segment: str) -> str:
    if segment == _EMPTY:
        return ""
    candidate = _ESCAPED.sub(lambda code: _LETTERS[code.group()], segment)
    if candidate != segment and _escape(candidate) == segment:
        return candidate
    return segment
