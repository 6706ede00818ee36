"""The credential cache: one mint at a time, fresh enough, forgetful on command."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from valetkey.domain.errors import AwsRefused, AwsUnavailable, ValetkeyError
from valetkey.services.credential_cache import FAILURE_SECONDS, CredentialCache
from valetkey.testing.system import ManualClock

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Minted:
    number: int
    expires_at: datetime


class Mint:
    def __init__(self, clock: ManualClock, life: timedelta = HOUR) -> None:
        self.clock, self.life = clock, life
        self.calls = 0
        self.failure: ValetkeyError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Minted:
        self.calls += 1
        number = self.calls
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Minted(number, self.clock.now() + self.life)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def mint(clock: ManualClock) -> Mint:
    return Mint(clock)


@pytest.fixture
def cache(clock: ManualClock) -> CredentialCache[Minted]:
    return CredentialCache(clock, capacity=3)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_herd_mints_once(cache: CredentialCache[Minted], mint: Mint) -> None:
    answers = await asyncio.gather(*(cache.get("k", ["i"], mint) for _ in range(10_000)))
    assert mint.calls == 1
    assert {answer.number for answer in answers} == {1}


async def test_a_caller_who_leaves_does_not_end_the_others_mint(
    cache: CredentialCache[Minted], mint: Mint
) -> None:
    mint.gate.clear()
    first, second = (asyncio.create_task(cache.get("k", [], mint)) for _ in range(2))
    await settle()
    first.cancel()
    mint.gate.set()
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
    cache: CredentialCache[Minted], clock: ManualClock, life: timedelta, least: timedelta
) -> None:
    mint = Mint(clock, life)
    for _ in range(200):
        value = await cache.get("k", [], mint)
        assert value.expires_at - clock.now() >= least
        clock.advance(life.total_seconds() / 37)
        await settle()


async def test_an_ageing_value_is_served_at_once_and_replaced_behind(
    cache: CredentialCache[Minted], clock: ManualClock, mint: Mint
) -> None:
    await cache.get("k", [], mint)
    clock.advance(35 * 60)
    mint.gate.clear()
    assert (await cache.get("k", [], mint)).number == 1
    mint.gate.set()
    await settle()
    assert (await cache.get("k", [], mint)).number == 2


async def test_a_failure_is_remembered_for_seconds_and_then_tried_again(
    cache: CredentialCache[Minted], clock: ManualClock, mint: Mint
) -> None:
    mint.failure = AwsRefused("no", aws_code="AccessDenied")
    for _ in range(3):
        with pytest.raises(AwsRefused) as caught:
            await cache.get("k", [], mint)
        assert caught.value.details["aws_code"] == "AccessDenied"
    assert mint.calls == 1
    clock.advance(FAILURE_SECONDS)
    mint.failure = None
    assert (await cache.get("k", [], mint)).number == 2


async def test_what_is_still_valid_is_served_while_sts_is_away_and_sts_is_not_hammered(
    cache: CredentialCache[Minted], clock: ManualClock, mint: Mint
) -> None:
    await cache.get("k", [], mint)
    clock.advance(50 * 60)
    mint.failure = AwsUnavailable("away")
    for _ in range(10):
        assert (await cache.get("k", [], mint)).number == 1
    assert mint.calls == 2
    clock.advance(10 * 60)
    with pytest.raises(AwsUnavailable):
        await cache.get("k", [], mint)


async def test_a_refusal_ends_the_serving_of_what_is_due_for_replacement(
    cache: CredentialCache[Minted], clock: ManualClock, mint: Mint
) -> None:
    await cache.get("k", [], mint)
    clock.advance(50 * 60)
    mint.failure = AwsRefused("no")
    for _ in range(3):
        with pytest.raises(AwsRefused):
            await cache.get("k", [], mint)
    assert mint.calls == 2


async def test_a_forgotten_value_is_minted_again_and_others_are_kept(
    cache: CredentialCache[Minted], mint: Mint
) -> None:
    await cache.get("a", ["one"], mint)
    await cache.get("b", ["two"], mint)
    cache.forget({"one", "none"})
    assert (await cache.get("b", ["two"], mint)).number == 2
    assert (await cache.get("a", ["one"], mint)).number == 3


async def test_a_mint_under_way_when_forgotten_is_not_kept(
    cache: CredentialCache[Minted], mint: Mint
) -> None:
    mint.gate.clear()
    before = asyncio.create_task(cache.get("k", ["one"], mint))
    await settle()
    cache.forget({"one"})
    mint.gate.set()
    assert (await before).number == 1
    assert (await cache.get("k", ["one"], mint)).number == 2


async def test_the_least_lately_used_goes_first_when_it_is_full(
    cache: CredentialCache[Minted], mint: Mint
) -> None:
    for key in ["a", "b", "c", "a", "d"]:
        await cache.get(key, [], mint)
    assert len(cache) == 3
    assert (await cache.get("a", [], mint)).number == 1
    assert (await cache.get("b", [], mint)).number == 5


async def test_a_peek_shows_only_what_needs_no_thought(
    cache: CredentialCache[Minted], clock: ManualClock, mint: Mint
) -> None:
    assert cache.peek("k") is None
    await cache.get("k", [], mint)
    assert cache.peek("k") == Minted(1, clock.now() + HOUR)
    clock.advance(35 * 60)
    assert cache.peek("k") is None


async def test_all_is_forgotten_when_nothing_may_be_believed(
    cache: CredentialCache[Minted], mint: Mint
) -> None:
    await cache.get("k", [], mint)
    cache.clear()
    assert (await cache.get("k", [], mint)).number == 2


async def test_nothing_is_kept_while_changes_are_not_heard(clock: ManualClock, mint: Mint) -> None:
    hearing = False
    cache = CredentialCache[Minted](clock, capacity=3, may_keep=lambda: hearing)
    await cache.get("k", [], mint)
    assert (await cache.get("k", [], mint)).number == 2
    hearing = True
    await cache.get("k", [], mint)
    assert (await cache.get("k", [], mint)).number == 3
