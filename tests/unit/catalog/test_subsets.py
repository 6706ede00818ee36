"""Subsets get the shares that were asked for, however many items there are."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.desk import Desk, make_desk
from support.memory import Memory
from valetkey.catalog.dataloop.wire.subsets import SplitIn
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.selection import Selection
from valetkey.domain.errors import InvalidInput


@pytest.fixture
async def desk(memory: Memory) -> Desk:
    return await make_desk(memory)


def subset(metadata: object) -> str:
    assert isinstance(metadata, dict)
    (name,) = (name for name, given in metadata["system"]["tags"].items() if given)
    return str(name)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 300))
def test_each_subset_has_its_share_to_within_one_item(one: int, other: int, count: int) -> None:
    first, second = sorted((one, other))
    shares = {"train": first, "validation": second - first, "test": 100 - second}
    patch = SplitIn(shares=shares).patches()
    given_to = Counter(subset(patch().metadata) for _ in range(count))
    for name, share in shares.items():
        assert abs(given_to[name] - share * count / 100) <= 1


async def test_items_are_split_over_more_than_one_transaction(desk: Desk) -> None:
    for number in range(120):
        await desk.upload(f"/{number}.jpg")
    patches = SplitIn(shares={"train": 75, "test": 25}).patches()
    selection = Selection({"type": "file"})
    changing = desk.items.changing
    count = await changing.patch_matching(desk.developer, desk.dataset_id, selection, patches)
    where = {"type": "file", "metadata.system.tags.train": True}
    reading = desk.items.reading
    page = await reading.page(desk.developer, desk.dataset_id, PageRequest(where))
    assert (count, len(page.items)) == (120, 90)


def test_shares_that_are_not_everything_are_refused() -> None:
    with pytest.raises(InvalidInput):
        SplitIn(shares={"train": 50, "test": 40})
