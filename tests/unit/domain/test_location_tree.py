"""A child opens nothing that its parent does not open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.entities import make_location
from valetkey.domain.access import Allow, Deny
from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import MAX_DEPTH, Location
from valetkey.domain.location_tree import Extent, check_child, decide_extent, narrowest
from valetkey.domain.scope import AccessLevel, Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIST, READ, WRITE = AccessLevel.LIST, AccessLevel.READ, AccessLevel.WRITE
ROOT = make_location(
    id="a" * 24,
    project_id="p" * 24,
    integration_id="i" * 24,
    name="root",
    bucket="acme",
    prefix="train/",
)
CHILD = replace(ROOT, id="b" * 24, name="child", prefix="train/a/", parent_id=ROOT.id)
folders = st.lists(st.sampled_from(["a", "ab", "b"]), max_size=3).map(
    lambda parts: "".join(f"{part}/" for part in parts)
)
levels = st.frozensets(st.sampled_from(list(AccessLevel)), min_size=1)
ends = st.none() | st.integers(-2, 4).map(lambda days: NOW + timedelta(days=days))


@st.composite
def locations(draw: st.DrawFn) -> Location:
    return replace(
        ROOT, prefix=draw(folders), access=draw(levels), ends_at=draw(ends), parent_id=None
    )


@given(st.lists(locations(), min_size=1, max_size=4), folders, levels)
def test_what_a_chain_allows_each_of_its_locations_allows(
    chain: list[Location], folder: str, wanted: frozenset[AccessLevel]
) -> None:
    scope = Scope("acme", (folder,), wanted)
    decision = decide_extent(chain, scope, NOW)
    alone = [decide_extent([each], scope, NOW) for each in chain]
    assert isinstance(decision, Allow) == all(isinstance(each, Allow) for each in alone)
    if isinstance(decision, Allow):
        untils = [each.until for each in alone if isinstance(each, Allow) and each.until]
        assert decision.until == min(untils, default=None)


@given(locations(), st.lists(locations(), min_size=1, max_size=3), folders, levels)
def test_a_child_that_may_be_made_opens_nothing_that_its_parents_do_not(
    child: Location, parents: list[Location], folder: str, wanted: frozenset[AccessLevel]
) -> None:
    try:
        check_child(child, parents)
    except InvalidInput:
        return
    scope = Scope("acme", (folder,), wanted)
    extent = Extent.of(parents)
    if isinstance(decide_extent([child], scope, NOW), Allow):
        assert scope.levels <= extent.access
        assert all(prefix.startswith(extent.prefix) for prefix in scope.prefixes)


@pytest.mark.parametrize(
    "wider",
    [
        {"prefix": "train-b/"},
        {"prefix": ""},
        {"bucket": "other"},
        {"access": frozenset({LIST, READ, WRITE})},
        {"ends_at": NOW + timedelta(days=2)},
        {"ends_at": None},
    ],
)
def test_a_child_that_goes_beyond_its_parent_is_refused(wider: dict[str, object]) -> None:
    parent = replace(ROOT, access=frozenset({LIST, READ}), ends_at=NOW + timedelta(days=1))
    within = replace(CHILD, access=frozenset({LIST}), ends_at=NOW + timedelta(days=1))
    check_child(within, [parent])
    with pytest.raises(InvalidInput):
        check_child(replace(within, **wider), [parent])  # type: ignore[arg-type]


def test_locations_do_not_lie_in_one_another_without_end() -> None:
    check_child(CHILD, [ROOT] * (MAX_DEPTH - 1))
    with pytest.raises(InvalidInput):
        check_child(CHILD, [ROOT] * MAX_DEPTH)


def test_an_end_is_over_at_its_very_moment() -> None:
    scope = Scope("acme", ("train/",), frozenset({READ}))
    ended = replace(ROOT, ends_at=NOW)
    assert isinstance(decide_extent([ended], scope, NOW), Deny)
    assert isinstance(decide_extent([ended], scope, NOW - timedelta(seconds=1)), Allow)


def test_the_narrowest_location_that_holds_a_place_is_its_parent() -> None:
    assert narrowest([ROOT, CHILD], "acme", "train/a/b/") == CHILD
    assert narrowest([ROOT, CHILD], "acme", "train/ab/") == ROOT
    assert narrowest([ROOT, CHILD], "acme", "tra/") is None
    assert narrowest([ROOT, CHILD], "other", "train/a/") is None
    assert narrowest([ROOT, CHILD], "acme", "train/a/", "j" * 24) is None
