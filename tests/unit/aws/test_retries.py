"""What is tried again, how often, and after how long."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from valetkey.aws.retries import Retries
from valetkey.domain.errors import AwsRefused, AwsUnavailable, ValetkeyError
from valetkey.testing.system import ManualClock, SeededEntropy


@dataclass
class Service:
    """Fails as often as told, then answers."""

    failures: int
    error: ValetkeyError = field(default_factory=lambda: AwsUnavailable("not now"))
    calls: int = 0

    async def ask(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return self.calls


class Longest(SeededEntropy):
    """Always the longest pause."""

    def uniform(self, low: float, high: float) -> float:
        return max(low, high)


def retries(clock: ManualClock | None = None, *, attempts: int = 3) -> Retries:
    return Retries(attempts, clock or ManualClock(), Longest())


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_what_passes_within_the_attempts_is_answered(failures: int) -> None:
    assert await retries().run(Service(failures).ask, doing="x", seconds=60) == failures + 1


async def test_the_last_failure_is_told() -> None:
    service = Service(9)
    with pytest.raises(AwsUnavailable) as told:
        await retries().run(service.ask, doing="x", seconds=60)
    assert told.value is service.error
    assert service.calls == 3


async def test_a_refusal_is_final() -> None:
    service = Service(9, AwsRefused("no"))
    with pytest.raises(AwsRefused):
        await retries().run(service.ask, doing="x", seconds=60)
    assert service.calls == 1


async def test_pauses_double_up_to_twenty_seconds() -> None:
    clock = ManualClock()
    with pytest.raises(AwsUnavailable):
        await retries(clock, attempts=8).run(Service(99).ask, doing="x", seconds=60)
    assert clock.monotonic() == 1 + 2 + 4 + 8 + 16 + 20 + 20


async def test_pauses_are_drawn() -> None:
    first, second = ManualClock(), ManualClock()
    for clock, seed in ((first, 1), (second, 2)):
        await Retries(3, clock, SeededEntropy(seed)).run(Service(2).ask, doing="x", seconds=60)
    assert first.monotonic() != second.monotonic()


async def test_while_nothing_recovers_calls_are_tried_once() -> None:
    tried = retries()
    calls = 0
    for _ in range(400):
        service = Service(9)
        with pytest.raises(AwsUnavailable):
            await tried.run(service.ask, doing="x", seconds=60)
        calls += service.calls
    assert calls == 400 + 100
    one = Service(9)
    with pytest.raises(AwsUnavailable):
        await tried.run(one.ask, doing="x", seconds=60)
    assert one.calls == 1


async def test_calls_that_work_earn_the_retries_back() -> None:
    tried = retries()
    for _ in range(50):
        with pytest.raises(AwsUnavailable):
            await tried.run(Service(9).ask, doing="x", seconds=60)
    for _ in range(5):
        await tried.run(Service(0).ask, doing="x", seconds=60)
    assert await tried.run(Service(1).ask, doing="x", seconds=60) == 2
