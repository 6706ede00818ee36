"""Spans of time and moments, as every command takes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from valetkey.sdk.errors import InvalidRequest

_SPAN: Final = re.compile(r"(?:\d{1,9}[smhdw])+|\d{1,9}", re.ASCII)
_PART: Final = re.compile(r"(\d+)([smhdw]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
#: A hundred years: beyond it there is no moment to reckon with.
_MOST: Final = 100 * 366 * 86_400


def parse_span(text: str, option: str) -> int:
    """Return how many seconds a span is: ``15m``, ``1h30m``, ``30d``, ``2w``; a bare number is
    seconds. Raises InvalidRequest."""
    bare = text.strip().lower()
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(bare))
    if _SPAN.fullmatch(bare) is None or seconds > _MOST:
        raise InvalidRequest(
            f"{option} {text[:40]!r} is no length of time.", hint="Write 15m, 1h30m or 30d."
        )
    return seconds


def parse_optional_span(text: str, option: str) -> int | None:
    """Read a span that may be left out, as :func:`parse_span` does."""
    return parse_span(text, option) if text else None


def parse_moment(text: str, option: str, now: datetime | None = None) -> datetime:
    """Return a moment: ``2026-03-01``, ``2026-03-01T12:00:00Z``, or a span from now on. Raises
    InvalidRequest."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return (now or datetime.now(UTC)) + timedelta(seconds=parse_span(text, option))
    except InvalidRequest:
        raise InvalidRequest(
            f"{option} {text[:40]!r} is no moment.",
            hint="Write 2026-03-01T12:00:00Z, or 30d for 30 days from now.",
        ) from None
