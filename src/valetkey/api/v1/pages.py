"""Parts of lists, and the cursors between them.

A cursor begins with a mark of the list that it is of: the operation, its address and its filters.
In another list the same place would skip entries, and nobody would notice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from valetkey.domain.errors import InvalidInput
from valetkey.wire.base import Page, Paging

E = TypeVar("E")
S = TypeVar("S")
Q = TypeVar("Q", bound=Paging)
#: In bytes, so that it is letters without padding.
_MARK_SIZE: Final = 6
_MARK_LETTERS: Final = 8


def mark_of(operation_id: str, path: Mapping[str, str], query: Paging) -> str:
    """Return the mark of a list's cursors: the same for parts of any size."""
    filters = msgspec.structs.replace(query, limit=Paging().limit, cursor=None)
    told = msgspec.json.encode((operation_id, path, filters))
    return _letters(hashlib.blake2b(told, digest_size=_MARK_SIZE).digest())


def within_list(query: Q, mark: str) -> Q:
    """Return a query with the place alone for a cursor. Raises InvalidInput for a cursor without
    this mark."""
    if query.cursor is None:
        return query
    if query.cursor[:_MARK_LETTERS] != mark:
        raise InvalidInput(
            "This is no cursor, or one of another list: of another address, or of other filters.",
            hint="Use `next` of the part before, as it came, with the same parameters.",
            field="cursor",
        )
    return msgspec.structs.replace(query, cursor=query.cursor[_MARK_LETTERS:])


def marked(part: Page[S], mark: str) -> Page[S]:
    """Return a part of a list whose cursor has the list's mark."""
    if part.next is None:
        return part
    return msgspec.structs.replace(part, next=mark + part.next)


def _letters(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def cursor(*place: str | int) -> str:
    """Return an opaque word for a place in a list."""
    return _letters(msgspec.json.encode(place))


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
