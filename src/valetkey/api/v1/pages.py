"""Parts of lists, and the cursors between them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from valetkey.domain.errors import InvalidInput
from valetkey.wire.base import Page, Paging

E = TypeVar("E")
S = TypeVar("S")


def cursor(*place: str | int) -> str:
    """Return an opaque word for a place in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str | None, kinds: type[Any]) -> Any:
    """Return the place that a cursor stands for, of a tuple type; None for no cursor.

    Raises InvalidInput.
    """
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=kinds)
    except (UnicodeEncodeError, ValueError, binascii.Error, msgspec.MsgspecError):
        raise InvalidInput(
            "This is no cursor of this list.",
            hint="Use `next` of the part before, as it came.",
            field="cursor",
        ) from None


def part(
    entries: Iterable[E],
    query: Paging,
    place: Callable[[E], tuple[str, str]],
    shape: Callable[[E], S],
) -> Page[S]:
    """Return a part of a list that is there as a whole. ``place`` orders it, and ends in an id."""
    after = read_cursor(query.cursor, tuple[str, str])
    ordered = sorted(entries, key=place)
    left = [entry for entry in ordered if after is None or place(entry) > after]
    return page_of(left[: query.limit], shape, cursor_of(left, query.limit, place))


def cursor_of(
    entries: Sequence[E], limit: int, place: Callable[[E], tuple[str | int, ...]]
) -> str | None:
    """Return the cursor behind the first ``limit`` entries; None where there are no more."""
    return cursor(*place(entries[limit - 1])) if len(entries) > limit else None


def page_of(entries: Iterable[E], shape: Callable[[E], S], following: str | None) -> Page[S]:
    """Return a part of a list."""
    return Page(items=[shape(entry) for entry in entries], next=following)
