"""Identifiers: 24 hex digits, sortable in the order in which they were made."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.domain.ids import IdFactory, first_id, is_id


class SteppedClock:
    """A clock that shows the given times one after the other, then stays."""

    def __init__(self, *offsets: float) -> None:
        self._offsets = list(offsets)

    def now(self) -> datetime:
        offset = self._offsets.pop(0) if len(self._offsets) > 1 else self._offsets[0]
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=offset)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class ConstantEntropy:
    """Randomness that always answers with the same byte."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def token_bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0xFF])
def test_an_identifier_has_24_hex_digits(byte: int) -> None:
    made = IdFactory(SteppedClock(0), ConstantEntropy(byte))()
    assert is_id(made)
    assert len(made) == 24


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.integers(0, 255))
def test_identifiers_increase_even_if_the_clock_steps_back(offsets: list[float], byte: int) -> None:
    factory = IdFactory(SteppedClock(*offsets), ConstantEntropy(byte))
    made = [factory() for _ in offsets]
    assert made == sorted(set(made))


def test_a_block_of_identifiers_is_consecutive_and_before_the_next() -> None:
    factory = IdFactory(SteppedClock(0), ConstantEntropy(0xFF))
    block = list(factory.take(1000))
    assert block == sorted(set(block))
    assert factory() > block[-1]


@pytest.mark.parametrize(
    "text", ["", "g" * 24, "A" * 24, "0" * 23, "0" * 25, "0" * 24 + "\n", "\u0660" * 24]
)
def test_anything_else_is_not_an_identifier(text: str) -> None:
    assert not is_id(text)


def test_the_first_id_of_a_moment_parts_what_was_made_before_from_what_was_made_since() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    made = IdFactory(SteppedClock(-0.001, 0), ConstantEntropy(0))
    first = first_id(moment)
    assert is_id(first)
    assert made() < first <= made()
