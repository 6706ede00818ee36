"""Temporary credentials and their time to live."""

from datetime import UTC, datetime, timedelta

import pytest

from valetkey.domain.credentials import TemporaryCredentials, parse_ttl
from valetkey.domain.errors import InvalidInput
from valetkey.domain.secret import Secret

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [900, 3600, 43_200])
def test_a_time_to_live_within_aws_bounds_is_taken(seconds: int) -> None:
    assert parse_ttl(seconds) == timedelta(seconds=seconds)


@pytest.mark.parametrize("seconds", [-1, 0, 899, 43_201, 10**30])
def test_a_time_to_live_outside_them_is_refused_with_the_bounds(seconds: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_ttl(seconds)
    assert "900" in caught.value.hint
    assert "43200" in caught.value.hint


def test_what_remains_is_never_negative() -> None:
    credentials = TemporaryCredentials("ASIA", Secret("s"), Secret("t"), NOON)
    assert credentials.remaining(NOON - timedelta(minutes=5)) == timedelta(minutes=5)
    assert credentials.remaining(NOON + timedelta(minutes=5)) == timedelta()


def test_an_expiry_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        TemporaryCredentials("ASIA", Secret("s"), Secret("t"), datetime(2026, 1, 1))  # noqa: DTZ001
