"""The filter language: what it means, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.catalog.domain.dql import (
    All,
    Column,
    Either,
    Glob,
    Not,
    Scalar,
    matches,
    parse_filter,
    parse_sort,
)
from valetkey.catalog.domain.dql.glob import atomic_regex, glob_matches, literal_prefix
from valetkey.domain.errors import InvalidInput, TooLarge

COLUMNS: dict[Column, Scalar] = {
    Column.ID: "65f000000000000000000001",
    Column.FILENAME: "/train/cats/1.jpg",
    Column.NAME: "1.jpg",
    Column.DIR: "/train/cats",
    Column.TYPE: "file",
    Column.CREATOR: "ada@example.com",
    Column.CREATED_AT: 1_767_225_600_000,  # 2026-01-01T00:00:00Z
    Column.UPDATED_AT: 1_767_225_600_000,
    Column.SIZE: 1234,
    Column.MIMETYPE: "image/jpeg",
    Column.ETAG: "abc",
}
METADATA: dict[str, Any] = {
    "user": {"score": 0.5, "ok": True, "none": None, "tags": ["a"], "name": "Zoë", "deep": {"n": 7}}
}


def fits(document: object) -> bool:
    return matches(parse_filter(document), COLUMNS, METADATA)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"$and": [{"hidden": False}, {"type": "file"}]},
        {"filename": "/train/cats/1.jpg"},
        {"filename": "/train/**"},
        {"filename": ["/nothing", "/train/*/*.jpg"]},
        {"filename": {"$eq": "/train/**/1.jpg"}},
        {"dir": "/train/cats"},
        {"dir": {"$in": ["/x", "/train/*"]}},
        {"name": {"$match": ".jp"}},
        {"id": {"$gt": "65f000000000000000000000"}},
        {"createdAt": {"$gte": "2026-01-01T00:00:00.000Z", "$lt": "2026-01-01T00:00:00.001Z"}},
        {"metadata.system.size": {"$gt": 1000, "$lte": 1234}},
        {"metadata.system.mimetype": "image/*"},
        {"metadata.user.score": 0.5},
        {"metadata.user.ok": True},
        {"metadata.user.none": None},
        {"metadata.user.missing": None},
        {"metadata.user.none": {"$exists": True}},
        {"metadata.user.missing": {"$exists": False}},
        {"metadata.user.missing": {"$ne": 3}},
        {"metadata.user.missing": {"$nin": [1, 2]}},
        {"metadata.user.deep.n": {"$in": [6, 7.0]}},
        {"metadata.user.name": {"$match": "oë"}},
        {"$or": [{"type": "dir"}, {"annotated": False}]},
        {"annotationsCount": 0},
    ],
)
def test_these_filters_find_the_item(document: object) -> None:
    assert fits(document)


@pytest.mark.parametrize(
    "document",
    [
        {"hidden": True},
        {"filename": "/train/*"},
        {"filename": "/train/cats/1.jp"},
        {"metadata.user.ok": 1},
        {"metadata.user.score": "0.5"},
        {"metadata.user.name": {"$gt": 3}},
        {"metadata.user.tags.0": "a"},
        {"metadata.user.deep": {"$match": "n"}},
        {"annotationsCount": False},
        {"$or": []},
    ],
)
def test_these_filters_do_not(document: object) -> None:
    assert not fits(document)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {"$and": {}},
        {"$where": "1=1"},
        {"filename": {}},
        {"filename": {"$regex": ".*"}},
        {"filename": {"$in": "a"}},
        {"filename": {"$exists": "yes"}},
        {"filename": {"$match": 3}},
        {"filename": {"$eq": {"a": 1}}},
        {"filename": "\x00"},
        {"filename": "\ud800"},
        {"nothing": 1},
        {"metadata": 1},
        {'metadata.user."x': 1},
        {"metadata.user..x": 1},
        {"metadata.user.x": {"$gt": None}},
        {"metadata.user.x": {"$gt": True}},
        {"metadata.user.x": 2**53 + 1},
        {"metadata.user.x": float("nan")},
        {"createdAt": "yesterday"},
        {"createdAt": {"$gt": 3}},
        {"hidden": {"$gt": 1}},
    ],
)
def test_what_has_no_meaning_is_refused_with_a_reason(document: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_filter(document)
    assert refused.value.hint


def test_a_filter_too_big_for_a_database_is_refused() -> None:
    deep: dict[str, Any] = {"type": "file"}
    for _ in range(30):
        deep = {"$and": [deep]}
    for document in (deep, {"$or": [{"id": "x"}] * 300}, {"id": ["x"] * 6000}, {"id": "x" * 5000}):
        with pytest.raises(TooLarge):
            parse_filter(document)


def test_not_equal_is_the_opposite_of_equal_even_for_missing_values() -> None:
    node = parse_filter({"metadata.user.x": {"$ne": 1}})
    assert isinstance(node, Not)
    assert parse_filter({"filename": {"$ne": "/a/*"}}) == Not(Glob(Column.FILENAME, "/a/*"))


def test_constant_fields_are_answered_at_once() -> None:
    assert parse_filter({"hidden": False}) == All(())
    assert parse_filter({"hidden": [True]}) == Either(())


def test_sorting_is_by_few_fields() -> None:
    assert parse_sort({}) == (Column.ID, False)
    assert parse_sort({"filename": "descending"}) == (Column.FILENAME, True)
    wrong: Any
    for wrong in ({"id": 1}, {"metadata.user.x": "ascending"}, [], {"id": "ascending", "name": 1}):
        with pytest.raises(InvalidInput):
            parse_sort(wrong)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("/a/**", ["/a/", "/a/b", "/a/b/c"], ["/a", "/ab", "/b/a/"]),
        ("/a/*", ["/a/b", "/a/"], ["/a/b/c"]),
        ("/a/**/c", ["/a/c", "/a/b/c", "/a/b/b/c"], ["/a/bc", "/ac"]),
        ("**/x", ["/x", "a/x"], ["x", "/xy"]),
        ("/?.jpg", ["/1.jpg"], ["/.jpg", "//.jpg", "/10.jpg"]),
        ("*.(j)+", ["a.(j)+"], ["a.j"]),
        ("/what?", ["/what?"], ["/what"]),
        ("", [""], ["a"]),
    ],
)
def test_globs_know_folders(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [glob_matches(pattern, text) for text in yes] == [True] * len(yes)
    assert [glob_matches(pattern, text) for text in no] == [False] * len(no)


globs = st.lists(st.sampled_from(["a", "b", "/", "*", "**", "?", ".", "\n"]), max_size=9).map(
    "".join
)
texts = st.text(alphabet="ab/.\n", max_size=12)


@given(pattern=globs, text=texts)
def test_the_fast_glob_means_what_the_plain_one_means(pattern: str, text: str) -> None:
    expected = glob_matches(pattern, text)
    assert (atomic_regex(pattern).fullmatch(text) is not None) == expected
    if expected:
        assert text.startswith(literal_prefix(pattern))


def test_a_hostile_glob_does_not_run_away() -> None:
    pattern = "*a" * 60 + "**a" * 60 + "b"
    assert atomic_regex(pattern).fullmatch("a" * 1024) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$and", "$or", "$gt", "$in", "filename", "metadata.user.x", "$ne"])
            | st.text(max_size=4),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(document=json_values)
def test_any_json_is_a_filter_or_is_refused(document: object) -> None:
    try:
        node = parse_filter(document)
    except InvalidInput:
        return
    assert matches(node, COLUMNS, METADATA) in (True, False)
