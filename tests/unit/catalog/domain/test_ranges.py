"""Cutting a key space by probing."""

from __future__ import annotations

import bisect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.catalog.domain.ranges import KeyRange, Next, between, split

WHOLE = KeyRange("", None)


def probing(keys: list[str]) -> Next:
    ordered = sorted(keys)

    async def next_key(after: str) -> str | None:
        place = bisect.bisect_right(ordered, after)
        return ordered[place] if place < len(ordered) else None

    return next_key


def sizes(keys: list[str], parts: list[KeyRange]) -> list[int]:
    return [
        sum(part.after < key and (part.upto is None or key <= part.upto) for key in keys)
        for part in parts
    ]


SPACES = {
    "flat": [f"img-{number:06}.jpg" for number in range(5000)],
    "deep": [f"data/v1/{a}/{b}/{c}/x.bin" for a in "pqr" for b in range(40) for c in range(40)],
    "hashed": [f"{number * 2654435761 % 2**32:08x}" for number in range(5000)],
    "beyond ASCII": [f"фото/{number:04}.jpg" for number in range(3000)],
    "lopsided": ["a", *(f"zz/{number:05}" for number in range(4000))],
}


@pytest.mark.parametrize("name", SPACES)
async def test_every_key_is_in_one_range_and_no_range_has_nearly_all(name: str) -> None:
    keys = SPACES[name]
    parts = await split(WHOLE, 16, probing(keys))
    counts = sizes(keys, parts)
    assert sum(counts) == len(keys)
    assert len(parts) == 16
    assert max(counts) < len(keys) * 0.5


async def test_few_keys_give_few_ranges() -> None:
    assert await split(WHOLE, 8, probing([])) == [WHOLE]
    assert await split(WHOLE, 8, probing(["only"])) == [WHOLE]
    assert len(await split(WHOLE, 8, probing(["a", "b"]))) == 2


@given(keys=st.lists(st.text(max_size=6), unique=True, max_size=30), parts=st.integers(1, 8))
async def test_ranges_have_neither_gaps_nor_overlaps(keys: list[str], parts: int) -> None:
    keys = [key for key in keys if key and key.isprintable()]
    cut = await split(WHOLE, parts, probing(keys))
    assert cut[0].after == ""
    assert cut[-1].upto is None
    assert [part.upto for part in cut[:-1]] == [part.after for part in cut[1:]]
    assert sum(sizes(keys, cut)) == len(keys)


@given(low=st.text(max_size=6), high=st.none() | st.text(max_size=6))
def test_the_middle_lies_between(low: str, high: str | None) -> None:
    middle = between(low, high)
    if middle is not None:
        assert low <= middle
        assert high is None or middle < high or high <= low
