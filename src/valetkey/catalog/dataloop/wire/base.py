"""What all shapes share: camelCase; what is not known on the way in is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class In(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A body that comes in; unknown fields are refused: a misspelt one must not ask for less, or
    for more, than was meant."""


class Tolerant(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A body that Dataloop's SDK sends; what it sends beyond these fields is let be."""


class Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A body that goes out."""


class ListPage(Out, Generic[T], frozen=True):
    """Part of a list; ``next`` is what to give as ``after`` for the rest, or null."""

    items: list[T]
    next: str | int | None = None


def moment(value: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the millisecond, as JavaScript writes it."""
    text = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment_or_none(value: datetime | None) -> str | None:
    """Return a time as :func:`moment` does, or None."""
    return moment(value) if value is not None else None
