"""A token carries less: what the limits let through lies within them, and within the request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.entities import make_location
from valetkey.domain.decisions import Allow, Deny
from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import Location
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.token_limits import UNLIMITED, TokenLimits, read_limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOCATION = make_location(
    id="e" * 24,
    project_id="c" * 24,
    integration_id="d" * 24,
    name="tiles",
    bucket="acme-tiles",
    prefix="raw/",
    region="",
    allow_external_delete=True,
)
HOUR = timedelta(hours=1)
FOLDERS = st.lists(st.sampled_from(["a/", "b/"]), max_size=3).map("".join)
LEVELS = st.sets(st.sampled_from(AccessLevel), min_size=1).map(frozenset)


def scope(*folders: str, levels: frozenset[AccessLevel] | None = None, bare: bool = False) -> Scope:
    full = tuple(LOCATION.prefix + folder for folder in folders)
    return Scope(LOCATION.bucket, full, levels or frozenset({AccessLevel.READ}), bare=bare)


@given(
    asked=st.lists(FOLDERS, min_size=1, max_size=3),
    own=st.lists(FOLDERS, min_size=1, max_size=3),
    levels=LEVELS,
    own_levels=LEVELS,
    ttl=st.integers(900, 43_200),
    longest=st.integers(900, 43_200),
    bare=st.booleans(),
)
def test_what_a_token_lets_through_lies_within_its_limits(
    asked: list[str],
    own: list[str],
    levels: frozenset[AccessLevel],
    own_levels: frozenset[AccessLevel],
    ttl: int,
    longest: int,
    bare: bool,
) -> None:
    limits = TokenLimits(
        locations=frozenset({LOCATION.id}),
        prefixes=tuple(own),
        levels=own_levels,
        max_ttl=timedelta(seconds=longest),
    )
    wanted = scope(*asked, levels=levels, bare=bare)
    whole = scope(*own, levels=own_levels)
    decision = limits.decide([LOCATION], wanted, timedelta(seconds=ttl))
    inside = whole.contains(wanted) and ttl <= longest
    assert isinstance(decision, Allow) is inside
    other = replace(LOCATION, id="0" * 24)
    assert isinstance(limits.decide([other], wanted, timedelta(seconds=ttl)), Deny)


@given(
    asked=st.lists(FOLDERS, min_size=1, max_size=3), own=st.lists(FOLDERS, min_size=1, max_size=3)
)
def test_narrowing_keeps_what_both_open_and_nothing_else(asked: list[str], own: list[str]) -> None:
    limits = TokenLimits(prefixes=tuple(own))
    left = limits.narrow([LOCATION], tuple(asked))
    for key in ("x", "a/x", "b/x", "a/a/x", "a/b/x", "b/a/x", "b/b/x", "a/a/a/x"):
        both = key.startswith(tuple(asked)) and key.startswith(tuple(own))
        allowed = isinstance(limits.decide([LOCATION], scope(*left), HOUR), Allow)
        assert both is (allowed and key.startswith(left))


PARENT = replace(LOCATION, id="1" * 24, prefix="raw/")
CHILD = replace(LOCATION, id="2" * 24, prefix="raw/a/", parent_id=PARENT.id)
GRANDCHILD = replace(LOCATION, id="3" * 24, prefix="raw/a/b/", parent_id=CHILD.id)
CHAINS = ([PARENT], [CHILD, PARENT], [GRANDCHILD, CHILD, PARENT])
KEYS = ("raw/x", "raw/a/x", "raw/b/x", "raw/a/b/x", "raw/a/b/a/x", "raw/a/a/x", "raw/a/b/b/x")


@given(
    chain=st.sampled_from(CHAINS),
    named=st.sets(st.sampled_from([PARENT, CHILD, GRANDCHILD]), min_size=1),
    own=st.none() | st.lists(FOLDERS, min_size=1, max_size=2),
    asked=FOLDERS,
)
def test_a_parent_that_is_named_means_what_lies_within_it_and_never_more(
    chain: list[Location], named: set[Location], own: list[str] | None, asked: str
) -> None:
    limits = TokenLimits(
        locations=frozenset(each.id for each in named), prefixes=None if own is None else tuple(own)
    )
    meant = [each.prefix + folder for each in named if each in chain for folder in own or [""]]
    wanted = Scope(LOCATION.bucket, (chain[0].prefix + asked,), frozenset({AccessLevel.READ}))
    decision = limits.decide(chain, wanted, HOUR)
    inside = any(wanted.prefixes[0].startswith(each) for each in meant)
    assert isinstance(decision, Allow) is inside
    left = limits.narrow(chain, (asked,))
    opened = Scope(LOCATION.bucket, tuple(chain[0].prefix + each for each in left), wanted.levels)
    if isinstance(limits.decide(chain, opened, HOUR), Allow):
        for key in KEYS:
            both = key.startswith(tuple(meant)) and key.startswith(wanted.prefixes)
            assert key.startswith(opened.prefixes) is both


def test_a_child_that_is_named_does_not_mean_its_parent() -> None:
    limits = TokenLimits(locations=frozenset({CHILD.id}))
    whole = Scope(LOCATION.bucket, ("raw/",), frozenset({AccessLevel.READ}))
    assert isinstance(limits.decide([PARENT], whole, HOUR), Deny)


def test_no_limit_is_no_limit_and_an_empty_one_opens_nothing() -> None:
    everything = scope("", levels=frozenset(AccessLevel))
    assert isinstance(UNLIMITED.decide([LOCATION], everything, timedelta(hours=12)), Allow)
    for nothing in (
        TokenLimits(locations=frozenset()),
        TokenLimits(prefixes=()),
        TokenLimits(levels=frozenset()),
        TokenLimits(networks=()),
    ):
        refused = isinstance(nothing.decide([LOCATION], scope("a"), HOUR), Deny)
        assert refused or not nothing.allows_source("192.0.2.1")


@pytest.mark.parametrize(
    ("source", "inside"),
    [
        ("192.0.2.77", True),
        ("::ffff:192.0.2.77", True),
        ("2001:db8::1", True),
        ("192.0.3.1", False),
        ("2001:db9::1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_a_token_is_used_from_its_networks_only(source: str, inside: bool) -> None:
    limits = read_limits(networks=["192.0.2.0/24", "2001:db8::/32"])
    assert limits.allows_source(source) is inside
    assert UNLIMITED.allows_source(source)


@pytest.mark.parametrize(
    "asked",
    [
        {"locations": []},
        {"locations": ["a"] * 101},
        {"prefixes": ["a"]},
        {"locations": ["a"], "prefixes": ["../a"]},
        {"networks": ["192.0.2.1/24"]},
        {"networks": ["office"]},
        {"max_ttl": 1},
    ],
)
def test_limits_that_say_nothing_clear_are_refused(asked: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput):
        read_limits(**asked)  # type: ignore[arg-type]  # one dictionary for fields of many types
