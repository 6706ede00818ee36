"""Long lists on a page: a menu of what can be chosen, a part of a table, and numbers and days as
forms have them. However much an organisation has, a page shows a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

from valetkey.console.http import HttpRequest
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import is_id

T = TypeVar("T")
#: More than so many are not chosen from a menu, but by their name.
MOST_OPTIONS: Final = 100
PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Menu:
    """What may be chosen, as pairs of an id and what people read. Where there are ``too_many`` a
    form asks for a name or an id instead."""

    options: Sequence[tuple[str, str]]
    total: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Menu:
        """Make a menu, which is cut beyond what is bearable."""
        found = list(pairs)
        return cls(found[:MOST_OPTIONS], len(found))

    @property
    def too_many(self) -> bool:
        return self.total > MOST_OPTIONS


def chosen(
    text: str,
    among: Iterable[T],
    named: Callable[[T], tuple[str, str]],
    *,
    what: str,
    field: str,
) -> T:
    """Return what a form chose by its id, or by a name that only one of them has.

    Raises InvalidInput.
    """
    wanted = text.strip()
    found = [each for each in among if wanted and wanted in named(each)]
    by_id = [each for each in found if is_id(wanted) and named(each)[0] == wanted]
    if len(by_id) == 1 or len(found) == 1:
        return (by_id or found)[0]
    raise InvalidInput(
        f"There are {len(found)} {what}s of that name." if found else f"Which {what}?",
        hint="Give its id." if found else "Give its name, or its id.",
        field=field,
    )


@dataclass(frozen=True, slots=True)
class ListPart(Generic[T]):
    """A part of a list: those of page ``page`` whose names hold ``q``, of ``total`` such."""

    items: Sequence[T]
    q: str
    page: int
    total: int

    @classmethod
    def of(cls, request: HttpRequest, found: Sequence[T], name: Callable[[T], str]) -> ListPart[T]:
        """Return the part that an address asks for; beyond the end it is the last one."""
        q = request.query_params.get("q", "")[:200].strip()
        fits = [each for each in found if q.lower() in name(each).lower()]
        last = max(0, len(fits) - 1) // PAGE
        page = min(number(request.query_params.get("page", "")), last)
        return cls(fits[page * PAGE : (page + 1) * PAGE], q, page, len(fits))

    @property
    def has_next(self) -> bool:
        return (self.page + 1) * PAGE < self.total

    @property
    def is_long(self) -> bool:
        """Tell whether there is anything to look for."""
        return bool(self.q) or self.total > PAGE

    def address(self, page: int) -> str:
        """Return another page's parameters."""
        pairs = {"q": self.q, "page": page}
        return urlencode({name: value for name, value in pairs.items() if value})


def number(text: str) -> int:
    """Return a plain number of at most six digits; 0 for whatever else a form holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0  # noqa: PLR2004


def day_of(moment: datetime | None) -> str:
    """Return the last day (UTC) of which all, or a part, lies before a moment, as a form has it."""
    if moment is None:
        return ""
    return (moment.astimezone(UTC) - timedelta(microseconds=1)).date().isoformat()


def end_of_day(text: str, field: str) -> datetime | None:
    """Read the end of a day (UTC) from a form; empty is none. Raises InvalidInput."""
    begun = start_of_day(text, field)
    return None if begun is None else begun + timedelta(days=1)


def start_of_day(text: str, field: str) -> datetime | None:
    """Read the begin of a day (UTC) from a form; empty is none. Raises InvalidInput."""
    if not text.strip():
        return None
    try:
        begun = datetime.combine(date.fromisoformat(text.strip()), time(), UTC)
        return begun if begun.year < date.max.year else _no_day(field)
    except ValueError:
        return _no_day(field)


def _no_day(field: str) -> datetime:
    raise InvalidInput("This is no day.", hint="Write it as 2027-03-31.", field=field)
