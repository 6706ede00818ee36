"""A store whose listings are legal and strange, or not legal at all: page by page, by a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.ports import BucketPlace
from valetkey.domain.ports.objects import Listed, ListedPage, to_ms
from valetkey.testing import FakeObjectStore

#: No listing of a few keys is asked for so many pages.
_NEVER = 20_000


class Order(StrEnum):
    """In which order a store lists."""

    KEYS = "by the keys' bytes"
    LETTERS = "by letters, whatever their case"
    WORDS = "by letters, as if there were no tildes"
    BACKWARDS = "from the last key to the first"


class Fault(StrEnum):
    """What a page says that no page may."""

    NO_TOKEN = "more is to come, and not where"
    SAME_TOKEN = "the same token for ever"
    TWO_TOKENS = "two tokens in turn, for ever"
    ROUND = "its keys one after the other, and then from the first on, for ever"
    EMPTY = "nothing, for ever, with new tokens"
    ELSEWHERE = "a key that does not begin with the prefix"
    AWAY = "503"


@dataclass(frozen=True)
class Plan:
    """How a store cuts its pages: ``sizes`` in turn, each at most what is asked for; ``repeats``
    tells which pages (counted from 0) come twice. ``seeks``: it heeds ``start-after``. At the page
    ``fault_at``, counted over all listings, it begins with the fault, if there is one."""

    sizes: list[int] = field(default_factory=lambda: [1000])
    order: Order = Order.KEYS
    repeats: frozenset[int] = frozenset()
    seeks: bool = True
    fault: Fault | None = None
    fault_at: int = 0


@dataclass
class StrangeListings(FakeObjectStore):
    """Lists as its plan says; everything else is as in any store."""

    plan: Plan = field(default_factory=Plan)
    pages: int = 0

    async def list_page(
        self,
        credentials: AwsCredentials,  # noqa: ARG002  # as the port has it
        place: BucketPlace,
        *,
        prefix: str,
        after: str = "",
        token: str = "",
        limit: int = 1000,
    ) -> ListedPage:
        number, self.pages = self.pages, self.pages + 1
        listed_ms = to_ms(self.clock.now())
        keys = self._in_order(place, prefix)
        start, page = map(int, token.split(".")) if token else (self._first(keys, after), 0)
        if self.plan.fault is not None and number >= self.plan.fault_at:
            return self._wrong(self.plan.fault, place, keys, number, listed_ms)
        size = min(limit, self.plan.sizes[page % len(self.plan.sizes)])
        shown = keys[start : start + size]
        end = start if page in self.plan.repeats else start + len(shown)
        objects = [self._listed(place, key) for key in shown]
        last = end >= len(keys)
        return ListedPage(objects, last, listed_ms, "" if last else f"{end}.{page + 1}")

    def _in_order(self, place: BucketPlace, prefix: str) -> list[str]:
        keys = [key for key in self._bucket(place) if key.startswith(prefix)]
        by: Any = self._rank
        return sorted(keys, key=by, reverse=self.plan.order is Order.BACKWARDS)

    def _rank(self, key: str) -> tuple[str, str]:
        if self.plan.order is Order.WORDS:
            return key.replace("~", ""), key
        return key.lower() if self.plan.order is Order.LETTERS else "", key

    def _first(self, keys: list[str], after: str) -> int:
        if not after or not self.plan.seeks:
            return 0
        if self.plan.order is Order.BACKWARDS:
            return sum(key >= after for key in keys)
        return sum(self._rank(key) <= self._rank(after) for key in keys)

    def _wrong(
        self, fault: Fault, place: BucketPlace, keys: list[str], number: int, listed_ms: int
    ) -> ListedPage:
        assert number < _NEVER, "it is asked for ever"
        if fault is Fault.AWAY:
            raise AwsUnavailable("The store answered 503.", hint="Try again.")
        if fault is Fault.ELSEWHERE:
            return ListedPage([Listed("elsewhere/a", 1, "e", listed_ms)], True, listed_ms)
        if fault is Fault.ROUND:
            return self._round(place, keys, number, listed_ms)
        tokens = {
            Fault.NO_TOKEN: "",
            Fault.SAME_TOKEN: "0.0",
            Fault.TWO_TOKENS: f"0.{number % 2}",
            Fault.EMPTY: f"0.{number}",
        }
        return ListedPage([], False, listed_ms, tokens[fault])

    def _round(
        self, place: BucketPlace, keys: list[str], number: int, listed_ms: int
    ) -> ListedPage:
        shown = [self._listed(place, keys[number % len(keys)])] if keys else []
        return ListedPage(shown, False, listed_ms, f"0.{number % max(len(keys), 1)}")


def legal_plans() -> st.SearchStrategy[Plan]:
    """Any way of cutting a listing into pages that gets to its end."""
    sizes = st.lists(st.integers(0, 4), min_size=1, max_size=6).filter(any)
    return st.builds(
        Plan,
        sizes=sizes,
        order=st.sampled_from(Order),
        repeats=st.frozensets(st.integers(0, 5), max_size=3),
        seeks=st.booleans(),
    )


def illegal_plans() -> st.SearchStrategy[Plan]:
    """Listings that go wrong from some page on."""
    return st.builds(
        Plan,
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
        fault=st.sampled_from(Fault),
        fault_at=st.integers(0, 8),
    )
