"""Values in filters and in metadata: what both databases keep exactly; moments; numbers in text."""

from __future__ import annotations

import math
import re
from calendar import isleap, monthrange
from datetime import UTC, datetime, timedelta
from typing import Final

from valetkey.catalog.domain.dql.ast import Scalar
from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput, TooLarge

#: A text in a filter has no more letters.
MAX_TEXT: Final = 4096
#: A text in metadata has no more letters.
MAX_METADATA_TEXT: Final = 256 * 1024
#: Integers have 64 bits, as in both databases.
MAX_INTEGER: Final = 2**63 - 1
#: Beyond this a float that is a whole number is written as an integer, which loses nothing.
_EXACT: Final = 2**53
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The beginning of a moment, up to a part that is whole, and a wildcard.
_BEGINNING: Final = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2}))?)?)?)?)?[-T:.]?\*+"
)
#: A year has none.
_LOWEST: Final = [1, 1, 1, 0, 0, 0]
_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(\.\d{1,9})?")


def check_scalar(value: object, *, max_text: int = MAX_TEXT) -> Scalar:
    """Return a value that both databases keep exactly. Raises InvalidInput, TooLarge."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return check_text(value, max_text=max_text)
    if isinstance(value, int):
        if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise refused(f"{str(value)[:40]} has more than 64 bits.", "numbers below 2^63")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise refused(f"{value} is not a number of JSON.", "a finite number")
        whole = _EXACT <= abs(value) <= MAX_INTEGER - 1024
        return int(value) if whole else value
    raise refused(f"{shown(value)} is not a single value.", "text, a number, true, false, null")


def check_text(text: str, *, max_text: int = MAX_TEXT) -> str:
    """Return text that both databases keep. Raises InvalidInput, TooLarge."""
    if len(text) > max_text:
        raise TooLarge(f"A text has more than {counted(max_text, 'letter')}.", hint="Shorten it.")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise refused("A text has a NUL or a broken surrogate.", "well-formed Unicode")
    return text


def moment_ms(value: Scalar) -> int:
    """Read an ISO 8601 moment, UTC where it names no zone; returns milliseconds since 1970.

    Raises InvalidInput.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise refused(f"{shown(value)} is not a moment.", "ISO 8601: 2026-01-31T12:00:00.000Z")
    try:
        return _milliseconds(moment.replace(tzinfo=moment.tzinfo or UTC))
    except OverflowError:
        raise refused(f"{shown(value)} is out of range.", "a year from 1 to 9999") from None


def moments_beginning(pattern: str) -> tuple[int, int]:
    """Read a moment's beginning and a wildcard (``2024-03-*``): the milliseconds since 1970 of the
    first moment that is meant, and of the first one after. Raises InvalidInput."""
    found = _BEGINNING.fullmatch(pattern)
    if found is None:
        raise refused(
            f"{shown(pattern)} is not the beginning of a moment.",
            "whole parts and one wildcard: 2024-*, 2024-03-*, 2024-03-31T*",
        )
    given = [int(part) for part in found.groups() if part is not None]
    try:
        year, month, day, hour, minute, second = given + _LOWEST[len(given) :]
        first = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return _milliseconds(first), _milliseconds(first) + _length_ms(first, len(given))
    except (ValueError, OverflowError):
        raise refused(f"{shown(pattern)} is no date.", "a date that there is") from None


def _length_ms(first: datetime, parts: int) -> int:
    """Return how long a year, month, day, hour, minute or second is, from its first moment on."""
    days = {1: 365 + isleap(first.year), 2: monthrange(first.year, first.month)[1], 3: 1}
    units = {4: timedelta(hours=1), 5: timedelta(minutes=1), 6: timedelta(seconds=1)}
    length = units.get(parts) or timedelta(days=days[parts])
    return length // timedelta(milliseconds=1)


def _milliseconds(moment: datetime) -> int:
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000


def number_in(text: str) -> int | float | None:
    """Return the number that a text spells; None for other text."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    return float(text) if "." in text else int(text)


def shown(value: object) -> str:
    """Return a value as messages show it."""
    return ascii(value)[:80]


def refused(problem: str, wanted: str) -> InvalidInput:
    """Return the refusal of a filter."""
    return InvalidInput(problem, hint=f"Use {wanted}.", field="filter")
