"""A filter means the same in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.databases import make_tables
from support.dataset_rows import NOW, add_dataset, furnish
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset, Item, check_metadata
from valetkey.catalog.domain.dql import matches, parse_filter, parse_sort
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.domain.errors import InvalidInput

#: Every field with every value: a minute, so that `make quick` leaves it to `make test`.
pytestmark = pytest.mark.slow

PATHS = [
    "a.jpg",
    "a/b.jpg",
    "a/B.jpg",
    "a/b/c.jpg",
    "a/b/",
    "a//b",
    "/lead",
    "ab/c.PNG",
    "e/",
    "%_[x]'\";--",
    "\u00e9/\u00fc.jpg",
    "\U0001f600/\uffee",
    "x*y?z",
    "line\nbreak",
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -7,
    2**53,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    1e18,
    1.5,
    -0.25,
    1e300,
    0.1,
    1 / 3,
    "",
    "1",
    "true",
    "null",
    "a",
    "B",
    "\u00e9",
    "\U0001f600",
    "'; DROP TABLE items; --",
    "100%",
    "a\\b",
]
KEYS = ["a", "b", "c.d", "0", "\u00e9", "a b", "$x", "[0]", "'", "#", "*"]


def documents() -> list[dict[str, Any]]:
    """Metadata of all kinds: each value under a key, nested, in lists, and none at all."""
    plain = [{"user": {KEYS[n % len(KEYS)]: value}} for n, value in enumerate(VALUES)]
    nested = [{"user": {"a": {"0": value, "b": [value]}}} for value in VALUES[::3]]
    listed = [{"user": {"b": [value, "a", [1]]}} for value in VALUES[::2]]
    return [{}, {"user": {}}, {"user": {"a": []}}, {"system": {"a": "x"}}, *plain, *nested, *listed]


def make_items(dataset: Dataset) -> list[Item]:
    found = []
    for number, metadata in enumerate(documents()):
        path = PATHS[number % len(PATHS)]
        head, slash, tail = (path[:-1], "/", "") if path.endswith("/") else (path, "", "")
        unique = f"{head}{number if number >= len(PATHS) else ''}{slash}{tail}"
        moment = NOW + timedelta(milliseconds=number * 37)
        found.append(
            Item(
                id=f"{number + 1:024x}",
                dataset_id=dataset.id,
                path=unique,
                size=number * 1000,
                etag=f"etag-{number}",
                mimetype=["image/jpeg", "text/plain", ""][number % 3],
                creator=["ada@example.com", "Bob@example.com"][number % 2],
                modified_at=moment,
                created_at=moment,
                updated_at=moment,
                metadata=check_metadata(metadata),
                description=["", "a cat", "100%", "A\u00e9*"][number % 4],
            )
        )
    return found


#: What leads to the index of metadata, in words that JSON writes in one way and in others.
METADATA: list[dict[str, Any]] = [
    {"metadata.user.a": "a"},
    {"metadata.user.b": ["a", "B"]},
    {"metadata.user.b": "a\\b"},
    {"metadata.user.a": {"$gte": 0}},
    {"metadata.user.b": {"$match": "a"}},
    {"$or": [{"metadata.user.a": "a"}, {"metadata.user.b": True}]},
]
#: What that index lacks, alone and beside what it has.
COLUMNS: list[dict[str, Any]] = [
    {"metadata.system.mimetype": "image/jpeg"},
    {"metadata.system.size": {"$gt": 20_000}},
    {"metadata.system.mimetype": {"$ne": "image/jpeg"}},
    {"creator": "ada@example.com", "type": "file", "description": {"$match": "a"}},
    {"$or": [{"metadata.system.mimetype": "text/plain"}, {"metadata.user.b": "a"}]},
    {"$or": [{"filename": "*jpg"}, {"creator": "Bob@example.com"}]},
    {"type": "file", "metadata.user.b": {"$ne": "a"}, "metadata.system.size": {"$lt": 60_000}},
]
FIELDS = [
    "id",
    "filename",
    "name",
    "dir",
    "type",
    "creator",
    "createdAt",
    "metadata.system.size",
    "metadata.system.mimetype",
    "metadata.system.originalname",
    "description",
    "datasetId",
    *(f"metadata.user.{key}" for key in KEYS),
    "metadata.user.c\\.d",
    "metadata.user",
    "metadata.user.a.0",
    "metadata.user.a.b",
    "metadata.system.a",
    "metadata.nowhere.b",
]
TEXTS = [
    *("/a/b.jpg", "/a", "/", "/a/b", "dir", "file", "b.jpg", "b", "/a//b", "//lead", "/e"),
    *("image/jpeg", "ada@example.com", "000000000000000000000005", "", "/\u00e9/\u00fc.jpg"),
]
GLOBS = [
    *("/a/*", "/a/**", "/**/b.jpg", "*", "**", "/a/?.jpg", "*.jpg", "/?/**", "image/*", "/a*"),
    *("/x\\*y*", "/%_[x]*", "/**", "/\U0001f600/*", "/line*", "/a/**/c.jpg", "//*", "/a//*", "?"),
    *(
        "*jpg*",
        "*b*",
        "/**/b*",
        "/**/a/**/c*",
        "/**/*b*",
        "/a/",
        "/a/**/",
        "/*/",
        "*a/*/b*",
        "/*b/*",
    ),
    *("/**/a/**/b/**/c.jpg", "image*", "*jpeg", "*e*"),
]
MOMENTS = [
    "2026-01-*",
    "2026-01-02T03:04*",
    "2026-01-02T03:04:05.678Z",
    "2026-01-02T03:04:05.900Z",
    "1970-01-01",
    "9999-12-31",
]

values = st.sampled_from([*VALUES, *TEXTS, *GLOBS, *MOMENTS]) | st.text(max_size=4)
operators = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), values),
    st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(values, max_size=4)),
    st.tuples(st.just("$exists"), st.booleans()),
    st.tuples(st.just("$match"), values.filter(lambda value: isinstance(value, str))),
).map(lambda pair: {pair[0]: pair[1]})
conditions = st.tuples(st.sampled_from(FIELDS), values | operators).map(
    lambda pair: {pair[0]: pair[1]}
)
filters = st.recursive(
    conditions,
    lambda inner: st.tuples(st.sampled_from(["$and", "$or"]), st.lists(inner, max_size=3)).map(
        lambda pair: {pair[0]: pair[1]}
    ),
    max_leaves=5,
)


@pytest.fixture
async def filled(database_url: str) -> AsyncIterator[tuple[SqlCatalogStorage, Dataset, list[Item]]]:
    """Each kind of database, with items of all kinds."""
    await make_tables(database_url)
    storage = SqlCatalogStorage.at(database_url)
    await furnish(storage)
    dataset = await add_dataset(storage)
    items = make_items(dataset)
    async with storage.begin() as work:
        for item in items:
            await work.items.put(dataset, item, touched_ms=1)
    yield storage, dataset, items
    await storage.close()


async def check(
    storage: SqlCatalogStorage, dataset: Dataset, items: list[Item], where: Any
) -> None:
    """Compare the database's answer with the meaning in memory; refusals are fine."""
    try:
        node = parse_filter(where)
    except InvalidInput:
        return
    expected = [item.path for item in items if matches(node, item.columns(), item.metadata)]
    async with storage.read() as work:
        page = await work.items.page(dataset, ItemQuery(node))
        assert [item.path for item in page] == expected, where


async def test_generated_filters_mean_what_they_mean_in_memory(
    filled: tuple[SqlCatalogStorage, Dataset, list[Item]],
) -> None:
    storage, dataset, items = filled
    loop, seen = asyncio.get_running_loop(), []

    @settings(
        max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(where=filters)
    def collect(where: Any) -> None:
        seen.append(asyncio.run_coroutine_threadsafe(check(storage, dataset, items, where), loop))
        seen[-1].result(30)

    await asyncio.to_thread(collect)
    assert len(seen) > 100


@pytest.mark.parametrize("field", FIELDS)
async def test_each_field_is_compared_with_each_value_by_its_type(
    filled: tuple[SqlCatalogStorage, Dataset, list[Item]], field: str
) -> None:
    storage, dataset, items = filled
    for value in [*VALUES, *TEXTS, *GLOBS, *MOMENTS]:
        await check(storage, dataset, items, {field: value})
        await check(storage, dataset, items, {field: {"$ne": value}})
        await check(storage, dataset, items, {field: {"$gte": value}})
        if isinstance(value, str):
            await check(storage, dataset, items, {field: {"$match": value}})


async def test_what_a_filter_fits_is_counted(
    filled: tuple[SqlCatalogStorage, Dataset, list[Item]],
) -> None:
    storage, dataset, items = filled
    async with storage.read() as work:
        for where in ({}, {"type": "file"}, {"filename": "*jpg"}, {"metadata.user.a": "a"}):
            node = parse_filter(where)
            fitting = [item for item in items if matches(node, item.columns(), item.metadata)]
            assert await work.items.count(dataset, node) == len(fitting)


@pytest.mark.parametrize("order", ["id", "createdAt", "filename", "metadata.system.size"])
async def test_metadata_are_asked_for_beside_what_items_are(
    filled: tuple[SqlCatalogStorage, Dataset, list[Item]], order: str
) -> None:
    """SQLite finds the one in an index, and looks the other up."""
    storage, dataset, items = filled
    for own in METADATA:
        for other in COLUMNS:
            node = parse_filter({"$and": [own, other]})
            fitting = [item for item in items if matches(node, item.columns(), item.metadata)]
            query = ItemQuery(node, parse_sort({order: "descending"}))
            async with storage.read() as work:
                page = await work.items.page(dataset, query)
                assert {item.path for item in page} == {item.path for item in fitting}, node
                assert await work.items.count(dataset, node) == len(fitting)
                if order == "createdAt":
                    assert [item.path for item in page] == [item.path for item in fitting[::-1]]


async def test_globs_choose_their_way_by_what_they_begin_with_and_find_the_same(
    filled: tuple[SqlCatalogStorage, Dataset, list[Item]],
) -> None:
    storage, dataset, items = filled
    for pattern in GLOBS:
        for field in ("filename", "dir"):
            await check(storage, dataset, items, {"$and": [{field: pattern}, {"type": "file"}]})
            await check(storage, dataset, items, {"$or": [{field: pattern}, {"type": "dir"}]})
