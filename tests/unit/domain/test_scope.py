"""Scope: what it contains, and how it refuses to be empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.domain.errors import InvalidInput
from valetkey.domain.scope import AccessLevel, Scope, normalize_folder, parse_levels

READ = frozenset({AccessLevel.READ})
SEGMENT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=12
).filter(lambda text: text not in {".", ".."})
FOLDER = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)


def test_levels_are_read_from_their_names() -> None:
    assert parse_levels(["read", "list"]) == {AccessLevel.READ, AccessLevel.LIST}


@pytest.mark.parametrize("names", [[], ["READ"], ["read", "admin"], ["*"], [""]])
def test_unknown_levels_and_none_at_all_are_refused(names: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_levels(names)
    assert caught.value.details["field"] == "access"


@given(FOLDER)
def test_a_normal_folder_stays_what_it_is(folder: str) -> None:
    normal = normalize_folder(folder)
    assert normal.endswith("/")
    assert normalize_folder(normal) == normal


@given(FOLDER, st.text(min_size=1, max_size=8))
def test_a_folder_contains_only_keys_that_start_with_it(folder: str, name: str) -> None:
    scope = Scope("bucket", (folder,), READ)
    assert scope.contains_key(f"{folder}/{name}")
    if not name.startswith("/"):
        assert not scope.contains_key(folder + name)


def test_a_folder_that_another_covers_is_dropped() -> None:
    scope = Scope("b", ("a/b", "a", "ab", "c/d"), READ)
    assert scope.prefixes == ("a/", "ab/", "c/d/")


def test_the_whole_bucket_covers_every_folder() -> None:
    assert Scope("b", ("", "a"), READ).prefixes == ("",)


@pytest.mark.parametrize(
    ("inner", "contained"),
    [
        (Scope("b", ("a/x",), READ), True),
        (Scope("b", ("a",), READ), True),
        (Scope("b", ("a", "ab"), READ), False),
        (Scope("b", ("",), READ), False),
        (Scope("other", ("a",), READ), False),
        (Scope("b", ("a",), frozenset({AccessLevel.WRITE})), False),
        (Scope("b", ("a",), frozenset(AccessLevel)), False),
    ],
)
def test_containment(inner: Scope, contained: bool) -> None:
    assert Scope("b", ("a",), READ | {AccessLevel.LIST}).contains(inner) is contained


def test_a_scope_without_a_bucket_can_not_be_built() -> None:
    with pytest.raises(InvalidInput):
        Scope("", ("a",), READ)
