"""The session cache: one call at a time, fresh enough, forgetful on command."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from valetkey.domain.errors import AwsRefused, AwsUnavailable, ValetkeyError
from valetkey.services.vending.session_cache import FAILURE_SECONDS, SessionCache
from valetkey.testing.system import ManualClock

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Session:
    number: int
    expires_at: datetime


class Issuer:
    def __init__(self, clock: ManualClock, life: timedelta = HOUR) -> None:
        self.clock, self.life = clock, life
        self.calls = 0
        self.failure: ValetkeyError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Session:
        self.calls += 1
        number = self.calls
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Session(number, self.clock.now() + self.life)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def issue(clock: ManualClock) -> Issuer:
    return Issuer(clock)


@pytest.fixture
def cache(clock: ManualClock) -> SessionCache[Session]:
    return SessionCache(clock, capacity=3)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_herd_issues_once(cache: SessionCache[Session], issue: Issuer) -> None:
    answers = await asyncio.gather(*(cache.get("k", ["i"], issue) for _ in range(10_000)))
    assert issue.calls == 1
    assert {answer.number for answer in answers} == {1}


async def test_a_caller_who_leaves_does_not_end_the_others_issue(
    cache: SessionCache[Session], issue: Issuer
) -> None:
    issue.gate.clear()
    first, second = (asyncio.create_task(cache.get("k", [], issue)) for _ in range(2))
    await settle()
    first.cancel()
    issue.gate.set()
    assert (await second).number == 1


@pytest.mark.parametrize(
    ("life", "least"),
    [
        (timedelta(minutes=4), timedelta(minutes=2)),
        (timedelta(minutes=15), timedelta(minutes=10)),
        (timedelta(minutes=22), timedelta(minutes=17)),
        (timedelta(minutes=25), timedelta(minutes=20)),
        (timedelta(minutes=30), timedelta(minutes=20)),
        (HOUR, timedelta(minutes=20)),
        (timedelta(hours=12), timedelta(minutes=20)),
    ],
)
async def test_what_is_handed_out_has_enough_left(
    cache: SessionCache[Session], clock: ManualClock, life: timedelta, least: timedelta
) -> None:
    issue = Issuer(clock, life)
    for _ in range(200):
        value = await cache.get("k", [], issue)
        assert value.expires_at - clock.now() >= least
        clock.advance(life.total_seconds() / 37)
        await settle()


async def test_an_ageing_value_is_served_at_once_and_replaced_behind(
    cache: SessionCache[Session], clock: ManualClock, issue: Issuer
) -> None:
    await cache.get("k", [], issue)
    clock.advance(35 * 60)
    issue.gate.clear()
    assert (await cache.get("k", [], issue)).number == 1
    issue.gate.set()
    await settle()
    assert (await cache.get("k", [], issue)).number == 2


async def test_a_failure_is_remembered_for_seconds_and_then_tried_again(
    cache: SessionCache[Session], clock: ManualClock, issue: Issuer
) -> None:
    issue.failure = AwsRefused("no", aws_code="AccessDenied")
    for _ in range(3):
        with pytest.raises(AwsRefused) as caught:
            await cache.get("k", [], issue)
        assert caught.value.details["aws_code"] == "AccessDenied"
    assert issue.calls == 1
    clock.advance(FAILURE_SECONDS)
    issue.failure = None
    assert (await cache.get("k", [], issue)).number == 2


async def test_what_is_still_valid_is_served_while_sts_is_away_and_sts_is_not_hammered(
    cache: SessionCache[Session], clock: ManualClock, issue: Issuer
) -> None:
    await cache.get("k", [], issue)
    clock.advance(50 * 60)
    issue.failure = AwsUnavailable("away")
    for _ in range(10):
        assert (await cache.get("k", [], issue)).number == 1
    assert issue.calls == 2
    clock.advance(10 * 60)
    with pytest.raises(AwsUnavailable):
        await cache.get("k", [], issue)


async def test_a_refusal_ends_the_serving_of_what_is_due_for_replacement(
    cache: SessionCache[Session], clock: ManualClock, issue: Issuer
) -> None:
    await cache.get("k", [], issue)
    clock.advance(50 * 60)
    issue.failure = AwsRefused("no")
    for _ in range(3):
        with pytest.raises(AwsRefused):
            await cache.get("k", [], issue)
    assert issue.calls == 2


async def test_a_forgotten_value_is_issued_again_and_others_are_kept(
    cache: SessionCache[Session], issue: Issuer
) -> None:
    await cache.get("a", ["one"], issue)
    await cache.get("b", ["two"], issue)
    cache.forget({"one", "none"})
    assert (await cache.get("b", ["two"], issue)).number == 2
    assert (await cache.get("a", ["one"], issue)).number == 3


async def test_a_session_under_way_when_forgotten_is_not_kept(
    cache: SessionCache[Session], issue: Issuer
) -> None:
    issue.gate.clear()
    before = asyncio.create_task(cache.get("k", ["one"], issue))
    await settle()
    cache.forget({"one"})
    issue.gate.set()
    assert (await before).number == 1
    assert (await cache.get("k", ["one"], issue)).number == 2


async def test_the_least_lately_used_goes_first_when_it_is_full(
    cache: SessionCache[Session], issue: Issuer
) -> None:
    for key in ["a", "b", "c", "a", "d"]:
        await cache.get(key, [], issue)
    assert len(cache) == 3
    assert (await cache.get("a", [], issue)).number == 1
    assert (await cache.get("b", [], issue)).number == 5


async def test_what_has_ended_is_not_kept_however_much_room_there_is(clock: ManualClock) -> None:
    issue = Issuer(clock)
    cache: SessionCache[Session] = SessionCache(clock, capacity=1000)
    for hour in range(20):
        for scope in range(10):
            await cache.get(f"{hour}/{scope}", ["i"], issue)
        assert len(cache) == 10
        clock.advance(HOUR.total_seconds())


async def test_what_failed_is_not_remembered_longer_than_it_counts(clock: ManualClock) -> None:
    issue = Issuer(clock)
    issue.failure = AwsUnavailable("away")
    cache: SessionCache[Session] = SessionCache(clock, capacity=1000)
    for scope in range(20):
        with pytest.raises(AwsUnavailable):
            await cache.get(scope, ["i"], issue)
        assert len(cache._failures) == 1
        clock.advance(FAILURE_SECONDS)


async def test_a_peek_shows_only_what_needs_no_thought(
    cache: SessionCache[Session], clock: ManualClock, issue: Issuer
) -> None:
    assert cache.peek("k") is None
    await cache.get("k", [], issue)
    assert cache.peek("k") == Session(1, clock.now() + HOUR)
    clock.advance(35 * 60)
    assert cache.peek("k") is None


async def test_all_is_forgotten_when_nothing_may_be_believed(
    cache: SessionCache[Session], issue: Issuer
) -> None:
    await cache.get("k", [], issue)
    cache.clear()
    assert (await cache.get("k", [], issue)).number == 2


async def test_nothing_is_kept_while_changes_are_not_heard(
    clock: ManualClock, issue: Issuer
) -> None:
    hearing = False
    cache = SessionCache[Session](clock, capacity=3, may_keep=lambda: hearing)
    await cache.get("k", [], issue)
    assert (await cache.get("k", [], issue)).number == 2
    hearing = True
    await cache.get("k", [], issue)
    assert (await cache.get("k", [], issue)).number == 3
