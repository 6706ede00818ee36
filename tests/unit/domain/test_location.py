"""Buckets, regions and the folder of a location."""

from datetime import UTC, datetime

import pytest

from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import Location, parse_bucket, parse_region

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["abc", "my-data.2026", "a" * 63, "1.2.3"])
def test_a_legal_bucket_name_is_taken(name: str) -> None:
    assert parse_bucket(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("s3://data", "address"),
        ("data/train", "address"),
        ("arn:aws:s3:::data", "address"),
        ("https://data.s3.amazonaws.com", "address"),
        ("ab", "length"),
        ("a" * 64, "length"),
        ("Data", "letters"),
        ("da_ta", "letters"),
        ("-data", "letters"),
        ("data\n", "letters"),
        ("", "length"),
        ("da..ta", "dots"),
        ("da.-ta", "dots"),
        ("xn--data", "AWS keeps"),
        ("data--x-s3", "AWS keeps"),
        ("192.168.1.1", "IP"),
    ],
)
def test_an_illegal_bucket_name_is_refused_with_the_rule(name: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_bucket(name)


@pytest.mark.parametrize("region", ["", "eu-central-1", "us-gov-west-1", "ap-southeast-5"])
def test_a_region_or_none_is_taken(region: str) -> None:
    assert parse_region(region) == region


@pytest.mark.parametrize(
    "region", ["Frankfurt", "eu_central_1", "eu-central-1a", "../x", "us-east"]
)
def test_what_is_not_a_region_is_refused(region: str) -> None:
    with pytest.raises(InvalidInput):
        parse_region(region)


def test_a_folder_below_the_locations_own_never_leads_outside() -> None:
    location = Location("d", "p", "i", "n", "bucket", "team/", "", "", "", False, "x@y", NOW, NOW)
    assert location.full_prefix("") == "team/"
    assert location.full_prefix("train") == "team/train/"
    with pytest.raises(InvalidInput):
        location.full_prefix("../other")
