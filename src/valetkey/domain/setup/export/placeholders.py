"""A desired state with places left open, so that one plan is written out for several tools."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from valetkey.domain.setup.spec import Desired, SetupSpec

# Control characters can't occur in any name or folder. JSON text has them in their escaped form,
# which ordinary text may hold as ordinary letters: the two are told apart by who calls.
_OPEN: Final = re.compile(r"\x01([a-z]+)\x02")
_OPEN_IN_JSON: Final = re.compile(r"(?<!\\)\\u0001([a-z]+)\\u0002")


def opened(spec: SetupSpec) -> Desired:
    """Return the desired state with a mark in each open place."""
    desired = spec.resolve(account=_mark("account"), partition=_mark("partition"))
    return replace(
        desired,
        bucket=_mark("bucket"),
        user=_mark("user"),
        role=_mark("role"),
        policy=_mark("policy"),
    )


def _mark(name: str) -> str:
    return f"\x01{name}\x02"


def fill(
    text: str, place: Callable[[str], str], rest: Callable[[str], str], *, is_json: bool = False
) -> str:
    """Write ``text`` for a tool: ``place`` renders an open place, ``rest`` what is between.
    ``is_json`` says that the text is JSON already."""
    parts = (_OPEN_IN_JSON if is_json else _OPEN).split(text)
    return "".join(
        place(part) if index % 2 else rest(part) for index, part in enumerate(parts) if part
    )


def has_places(text: str) -> bool:
    """Tell whether a text has open places."""
    return _OPEN.search(text) is not None


def only_place(text: str) -> str:
    """Return the name of the open place that is all of ``text``, or an empty string."""
    found = _OPEN.fullmatch(text)
    return found.group(1) if found else ""
