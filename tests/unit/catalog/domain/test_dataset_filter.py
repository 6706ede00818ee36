"""Filters of datasets: what they mean, and what has no meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dataset_filter import fits
from valetkey.domain.errors import InvalidInput

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CATS = Dataset("a" * 24, "p" * 24, "d" * 24, "cats", "ada@example.com", NOW, NOW)


@pytest.mark.parametrize(
    ("where", "fitting"),
    [
        ({}, True),
        ({"name": "cats"}, True),
        ({"name": "dogs"}, False),
        ({"name": ["dogs", "cats"]}, True),
        ({"name": {"$ne": "cats"}}, False),
        ({"name": {"$in": ["cats"]}}, True),
        ({"name": {"$nin": ["cats"]}}, False),
        ({"name": {"$match": "at"}}, True),
        ({"$and": [{"name": "cats"}, {"creator": "ada@example.com"}]}, True),
        ({"$and": [{"name": "cats"}, {"creator": "grace@example.com"}]}, False),
        ({"$or": [{"name": "dogs"}, {"location": "d" * 24}]}, True),
        ({"$or": []}, False),
        ({"readonly": False}, True),
        ({"id": {"$eq": "a" * 24, "$ne": "b" * 24}}, True),
    ],
)
def test_a_filter_fits_what_it_says(where: dict[str, Any], fitting: bool) -> None:
    assert fits(CATS, where) is fitting


@pytest.mark.parametrize(
    "where",
    [
        {"color": "black"},
        {"name": {"$where": "1"}},
        {"name": {"$in": "cats"}},
        {"$and": {"name": "cats"}},
        {"$and": ["cats"]},
        {"$or": [{"name": "cats"}, {"color": 1}]},
        {"$not": [{"name": "cats"}]},
    ],
)
def test_what_has_no_meaning_is_refused_even_beside_what_has(where: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        fits(CATS, where)


def test_a_filter_is_not_deeper_than_people_write() -> None:
    where: dict[str, Any] = {"name": "cats"}
    for _ in range(12):
        where = {"$and": [where]}
    with pytest.raises(InvalidInput, match="deeper"):
        fits(CATS, where)


@pytest.mark.parametrize(
    ("where", "fitting"),
    [
        ({"metadata.user.team": "vision"}, True),
        ({"metadata.user.team": {"$ne": "vision"}}, False),
        ({"metadata.system.x": {"$exists": True}}, False),
        ({"name": "cat*"}, True),
        ({"name": {"$in": ["dog*", "*s"]}}, True),
        ({"createdAt": {"$gt": "2026-01-01T00:00:00.000Z"}}, True),
        ({"createdAt": {"$lt": "2026-01-01"}}, False),
        ({"annotated": False}, True),
    ],
)
def test_datasets_are_found_by_metadata_patterns_and_moments(
    where: dict[str, object], fitting: bool
) -> None:
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    metadata = {"user": {"team": "vision"}}
    made = Dataset("1" * 24, "2" * 24, "3" * 24, "cats", "ada", moment, moment, metadata)
    assert fits(made, where) is fitting
