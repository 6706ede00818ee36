"""The filter language: what it means, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    SortOrder,
    matches,
    parse_filter,
    parse_sort,
)
from valetkey.catalog.domain.dql.glob import (
    GlobMatcher,
    glob_matches,
    literal_prefix,
    normal_glob,
)
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
    Column.DESCRIPTION: "two cats",
    Column.DATASET: "65f0000000000000000000ff",
}
METADATA: dict[str, Any] = {
    "user": {
        "score": 0.5,
        "ok": True,
        "none": None,
        "tags": ["cat", "dog", 3],
        "name": "Zoë",
        "deep": {"n": 7},
        "a.b": {"c.d.e": 1},
        "big": 2**63 - 1,
    }
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
        {"description": "two cats"},
        {"description": "*cat*"},
        {"description": {"$match": "cat"}},
        {"description": {"$exists": True}},
        {"description": {"$ne": None}},
        {"datasetId": "65f0000000000000000000ff"},
        {"datasetId": {"$in": ["65f0000000000000000000ff"]}},
        # As Dataloop's documentation has them.
        {"filename": "*.jpg"},
        {"filename": "*cats*"},
        {"filename": "/train/**/cats/*"},
        {"filename": "/train/**/1.jpg"},
        {"dir": "/train/cats/"},
        {"dir": "/train/**"},
        {"dir": "/train/cats/**"},
        {"dir": ["/nothing/", "/train/*"]},
        {"name": "*.jpg"},
        {"name": "1*"},
        {"metadata.system.mimetype": "image*"},
        {"metadata.system.mimetype": "*jpeg"},
        {"metadata.system.mimetype": {"$in": ["video*", "*jp*"]}},
        {"createdAt": "2026-*"},
        {"createdAt": "2026-01-*"},
        {"createdAt": "2026-01-01*"},
        {"createdAt": "2026-01-01T00:*"},
        {"metadata.system.originalname": "1.jpg"},
        {"metadata.system.originalname": {"$match": ".jpg"}},
        {"metadata.system.size": "1234"},
        {"metadata.system.size": {"$gt": "0"}},
        {"metadata.system.size": {"$lt": "1234.5"}},
        {"metadata.user.tags": "cat"},
        {"metadata.user.tags": {"$in": ["bird", "dog"]}},
        {"metadata.user.tags": {"$ne": "bird"}},
        {"metadata.user.tags": {"$gt": 2}},
        {"metadata.user.tags": {"$match": "ca"}},
        {"metadata.user.a\\.b.c\\.d\\.e": 1},
        {"metadata.user.big": 2**63 - 1},
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
        {"metadata.user.tags.0": "cat"},
        {"metadata.user.deep": {"$match": "n"}},
        {"annotationsCount": False},
        {"$or": []},
        {"filename": "/train/cats/?.jpg"},
        {"filename": "/train/cats/[1].jpg"},
        {"filename": "/*.jpg"},
        {"dir": "/train/*/*"},
        {"dir": "/trai*n"},
        {"createdAt": "2025-*"},
        {"createdAt": "2026-02-*"},
        {"metadata.system.size": {"$gt": "1234"}},
        {"metadata.user.tags": {"$ne": "cat"}},
        {"metadata.user.tags": {"$nin": ["bird", "cat"]}},
        {"metadata.user.tags": ["bird"]},
        {"metadata.user.tags": {"$match": "at d"}},
        {"metadata.user.a.b": {"$exists": True}},
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
        {"metadata.user.x": 2**63},
        {"createdAt": "2026-0*"},
        {"createdAt": "*-01"},
        {"createdAt": "2026-02-30*"},
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


BY_ID = SortOrder(Column.ID)


@pytest.mark.parametrize(
    ("document", "orders"),
    [
        (None, (BY_ID,)),
        ({}, (BY_ID,)),
        (
            {"filename": "descending"},
            (SortOrder(Column.FILENAME, True), SortOrder(Column.ID, True)),
        ),
        ({"name": "ascending"}, (SortOrder(Column.NAME), BY_ID)),
        (
            {"dir": "ascending", "metadata.system.size": "descending"},
            (SortOrder(Column.DIR), SortOrder(Column.SIZE, True), SortOrder(Column.ID, True)),
        ),
        # What the SDK sends while it walks by id: ids are in the order in which items came.
        ({"createdAt": "descending", "id": "descending"}, (SortOrder(Column.ID, True),)),
        ({"createdAt": "ascending"}, (SortOrder(Column.CREATED_AT), BY_ID)),
        ({"updatedAt": "ascending", "id": "ascending"}, (SortOrder(Column.UPDATED_AT), BY_ID)),
    ],
)
def test_a_sort_ends_with_the_id_so_that_each_item_has_its_place(
    document: object, orders: tuple[SortOrder, ...]
) -> None:
    assert parse_sort(document) == orders


@pytest.mark.parametrize(
    "wrong",
    [{"id": 1}, {"metadata.user.x": "ascending"}, [], {"x": "ascending"}, {"creator": "ascending"}],
)
def test_what_cannot_be_sorted_by_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        parse_sort(wrong)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("/a/**", ["/a/", "/a/b", "/a/b/c"], ["/a", "/ab", "/b/a/"]),
        ("/a/*", ["/a/b", "/a/"], ["/a/b/c"]),
        ("/a/**/c", ["/a/c", "/a/b/c", "/a/b/b/c"], ["/a/bc", "/ac"]),
        ("/a/**/**/c", ["/a/c", "/a/b/c"], ["/a/bc"]),
        ("/a/**/*.jpg", ["/a/1.jpg", "/a/b/1.jpg", "/a/.jpg"], ["/a1.jpg", "/b/1.jpg"]),
        ("/**/a*/**/b*", ["/a/b", "/x/a1/y/b2", "/x/a1/b2"], ["/a1b", "/x/b/a"]),
        ("**/x", ["/x", "a/x"], ["x", "/xy"]),
        ("/?.jpg", ["/?.jpg"], ["/1.jpg", "//.jpg"]),
        ("*.(j)+", ["a.(j)+"], ["a.j", "a/b.(j)+"]),
        ("/[ab]\\*", ["/[ab]\\c"], ["/a\\c", "/a"]),
        ("", [""], ["a"]),
    ],
)
def test_globs_know_folders(pattern: str, yes: list[str], no: list[str]) -> None:
    normal = normal_glob(pattern, crossing=False)
    assert [glob_matches(normal, text) for text in yes] == [True] * len(yes)
    assert [glob_matches(normal, text) for text in no] == [False] * len(no)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [("*dog*", "/a/dog/b", True), ("*a/*/b", "a/b", False), ("*a/*/b", "a//b", True)],
)
def test_a_wildcard_that_crosses_stands_for_anything(pattern: str, text: str, fits: bool) -> None:
    assert glob_matches(normal_glob(pattern, crossing=True), text) is fits


wild = st.lists(st.sampled_from(["a", "b", "/", "*", "**", "/**/", "?", ".", "\n"]), max_size=9)
globs = wild.map("".join)
texts = st.text(alphabet="ab/.\n?", max_size=12)


def tried_out(pattern: str, text: str) -> bool:
    """What a pattern means, by a regular expression that tries out all that there is."""
    runs = re.sub(r"\*{2,}", "**", pattern)
    runs = re.sub(r"(/\*\*){2,}/", "/**/", runs)
    meaning = {"/**/": "/(?:.*/)?", "**": ".*", "*": "[^/]*"}
    found = re.findall(r"/\*\*/|\*\*|\*|[^*/]+|/", runs)
    regex = "".join(meaning.get(piece) or re.escape(piece) for piece in found)
    return re.fullmatch(regex, text, re.DOTALL) is not None


@given(pattern=globs, text=texts)
def test_a_glob_means_what_trying_everything_out_finds(pattern: str, text: str) -> None:
    normal = normal_glob(pattern, crossing=False)
    fits = glob_matches(normal, text)
    assert fits == tried_out(pattern, text)
    if fits:
        assert text.startswith(literal_prefix(normal))


class CountedBody:
    """A text that counts how often a letter of it is read."""

    def __init__(self, text: str) -> None:
        self.text, self.reads = text, 0

    def __iter__(self) -> Iterator[str]:
        for letter in self.text:
            self.reads += 1
            yield letter


@pytest.mark.parametrize("pattern", ["/**a*a*a*b" * 8, "*a" * 60 + "**a" * 60 + "b", "**a/" * 90])
@pytest.mark.parametrize("length", [10, 100, 1000])
def test_a_hostile_glob_reads_each_letter_once(pattern: str, length: int) -> None:
    text = CountedBody(("/" + "a" * 9) * (length // 10))
    assert not GlobMatcher(normal_glob(pattern, crossing=False)).matches(text)
    assert text.reads <= length


def test_a_filter_has_no_more_globs_than_a_database_should_match() -> None:
    for pattern, too_many in (("/a*", 101), ("/**/a*/b*", 17), ("/a*" + "b" * 400, 30)):
        with pytest.raises(TooLarge):
            parse_filter({"$or": [{"filename": pattern}] * too_many})
        parse_filter({"$or": [{"filename": pattern}] * 16})


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
