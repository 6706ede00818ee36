"""Guessing passwords: what a flood may try, and what it may not take from others."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from support.memory import OWNER, PASSWORD, Memory, open_memory
from valetkey.domain.errors import StorageUnavailable, TooManyRequests, Unauthenticated
from valetkey.domain.ports import UnitOfWork
from valetkey.domain.secret import Secret
from valetkey.domain.sign_in import FREE_TRIES
from valetkey.identity.accounts import Accounts
from valetkey.identity.fair_queue import (
    AT_ONCE,
    KEPT_FOR_KNOWN,
    OF_ONE_SOURCE,
    WAITING,
    FairQueue,
)
from valetkey.identity.throttle import Throttle
from valetkey.testing import ManualClock, UnsafePasswords

WRONG = Secret("not the password at all")
HERE, THERE, ELSEWHERE = "192.0.2.1", "198.51.100.2", "203.0.113.3"


class SlowPasswords(UnsafePasswords):
    """Counts what it looks at, and takes as long as the test says."""

    def __init__(self) -> None:
        self.looked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def matches(self, password: Secret, password_hash: str | None) -> bool:
        self.looked += 1
        await self.gate.wait()
        return await super().matches(password, password_hash)


@pytest.fixture
async def slow() -> SlowPasswords:
    return SlowPasswords()


@pytest.fixture
async def memory(slow: SlowPasswords) -> Memory:
    return await open_memory(passwords=slow)


async def attempt(accounts: Accounts, password: Secret = WRONG, source: str = HERE) -> str:
    try:
        await accounts.login(OWNER, password, source=source)
    except (Unauthenticated, TooManyRequests) as error:
        return type(error).__name__
    return "in"


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_of_200_wrong_passwords_in_parallel_at_most_5_are_tried(
    memory: Memory, slow: SlowPasswords
) -> None:
    accounts = memory.services.accounts
    flood = [attempt(accounts) for _ in range(200)]
    outcomes = await asyncio.gather(*flood, attempt(accounts, PASSWORD))
    assert slow.looked <= FREE_TRIES
    assert outcomes.count("Unauthenticated") <= FREE_TRIES
    assert outcomes.count("in") == 0
    assert outcomes.count("TooManyRequests") >= 196


async def test_a_flooder_of_an_account_does_not_lock_it_for_others(memory: Memory) -> None:
    accounts = memory.services.accounts
    for _ in range(100):
        await asyncio.gather(*(attempt(accounts) for _ in range(20)))
        memory.clock.advance(60)
    assert await attempt(accounts, PASSWORD, ELSEWHERE) == "in"


async def test_a_flooder_in_an_office_does_not_lock_out_those_who_work_there(
    memory: Memory,
) -> None:
    accounts = memory.services.accounts
    assert await attempt(accounts, PASSWORD, HERE) == "in"
    for number in range(200):
        with pytest.raises((Unauthenticated, TooManyRequests)):
            await accounts.login(f"u{number}@example.com", WRONG, source=HERE)
    with pytest.raises(TooManyRequests):
        await accounts.login("somebody-new@example.com", WRONG, source=HERE)
    assert await attempt(accounts, PASSWORD, HERE) == "in"


async def test_where_somebody_has_signed_in_from_the_wait_after_wrong_tries_is_short(
    memory: Memory,
) -> None:
    accounts = memory.services.accounts
    assert await attempt(accounts, PASSWORD, HERE) == "in"
    for _ in range(200):
        await attempt(accounts, WRONG, HERE)
        memory.clock.advance(10)
    memory.clock.advance(30)
    assert await attempt(accounts, PASSWORD, HERE) == "in"


async def test_a_botnet_gets_few_guesses_at_an_account_and_does_not_lock_its_owner_out(
    memory: Memory, slow: SlowPasswords
) -> None:
    accounts = memory.services.accounts
    assert await attempt(accounts, PASSWORD, HERE) == "in"
    slow.looked = 0
    for number in range(300):
        await attempt(accounts, WRONG, f"2001:db8:0:{number:x}::1")
    assert slow.looked <= 20
    assert await attempt(accounts, PASSWORD, HERE) == "in"


async def test_one_customer_of_ipv6_is_one_source(memory: Memory, slow: SlowPasswords) -> None:
    accounts = memory.services.accounts
    for number in range(50):
        await attempt(accounts, WRONG, f"2001:db8::{number:x}")
    assert slow.looked <= FREE_TRIES


async def test_a_success_forgets_the_tries_of_its_own_source_only(memory: Memory) -> None:
    accounts = memory.services.accounts
    for source in (HERE, THERE):
        for _ in range(FREE_TRIES):
            await attempt(accounts, WRONG, source)
    memory.clock.advance(3)
    assert await attempt(accounts, PASSWORD, HERE) == "in"
    assert await attempt(accounts, WRONG, THERE) == "Unauthenticated"  # the sixth: free again
    assert await attempt(accounts, PASSWORD, THERE) == "TooManyRequests"
    assert await attempt(accounts, WRONG, HERE) == "Unauthenticated"
    assert await attempt(accounts, PASSWORD, HERE) == "in"


async def test_whoever_hangs_up_leaves_the_queue_and_nobody_pays_for_it(
    memory: Memory, slow: SlowPasswords
) -> None:
    accounts = memory.services.accounts
    slow.gate.clear()
    flood = [
        asyncio.create_task(attempt(accounts, WRONG, f"198.51.100.{number}"))
        for number in range(AT_ONCE + WAITING)
    ]
    await settle()
    assert slow.looked == AT_ONCE
    for task in flood:
        task.cancel()
    await settle()
    honest = asyncio.create_task(attempt(accounts, PASSWORD, ELSEWHERE))
    await settle()
    slow.gate.set()
    assert await honest == "in"
    assert slow.looked == AT_ONCE + 1
    # What was never looked at is not counted.
    assert await attempt(accounts, WRONG, "198.51.100.9") == "Unauthenticated"


async def test_every_sign_in_is_on_record_with_whose_account_was_tried(memory: Memory) -> None:
    accounts = memory.services.accounts
    await accounts.login(OWNER, PASSWORD, source=HERE, request_id="r-1")
    with pytest.raises(Unauthenticated):
        await accounts.login(OWNER, WRONG, source=THERE, request_id="r-2")
    with pytest.raises(Unauthenticated):
        await accounts.login("nobody@example.com", WRONG, source=THERE)
    records = [r.event for r in memory.storage._committed.audit.records]
    good, bad, unknown = [event for event in records if event.action == "user.sign_in"][-3:]
    assert (good.actor, good.outcome, good.org_id) == (OWNER, "allowed", memory.org_id)
    assert (good.source, good.request_id) == (HERE, "r-1")
    assert (bad.actor, bad.outcome, bad.org_id) == ("", "denied", memory.org_id)
    assert (bad.details["email"], bad.source, bad.request_id) == (OWNER, THERE, "r-2")
    assert (unknown.subject, unknown.org_id) == ("user:unknown", "")
    assert "nobody@example.com" not in repr(unknown)


# --- the queue by itself --------------------------------------------------------------------------


class Work:
    """Hashes that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let = asyncio.Event()

    def of(self, source: str) -> Callable[[], Awaitable[str]]:
        async def work() -> str:
            self.begun.append(source)
            await self.let.wait()
            return source

        return work


async def test_one_source_has_a_share_of_the_queue_only() -> None:
    queue, work = FairQueue(ManualClock()), Work()

    async def ask(source: str, *, known: bool = False) -> str:
        return await queue.run(source, work.of(source), known=known)

    flood = [asyncio.create_task(ask("flooder")) for _ in range(400)]
    await settle()
    refused = [task for task in flood if task.done()]
    assert len(refused) == 400 - AT_ONCE - OF_ONE_SOURCE
    assert all(isinstance(task.exception(), TooManyRequests) for task in refused)
    honest = asyncio.create_task(ask("honest"))
    await settle()
    work.let.set()
    assert await honest == "honest"
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_full_queue_makes_room_for_a_source_that_has_less_and_for_who_is_known() -> None:
    queue, work = FairQueue(ManualClock()), Work()

    async def ask(source: str, *, known: bool = False) -> str:
        return await queue.run(source, work.of(source), known=known)

    flood = [asyncio.create_task(ask(f"f{number % 3}")) for number in range(AT_ONCE + WAITING)]
    await settle()
    honest = asyncio.create_task(ask("honest"))
    await settle()
    evicted = [task for task in flood if task.done()]
    assert [type(task.exception()) for task in evicted] == [TooManyRequests]
    known = [asyncio.create_task(ask(f"k{number}", known=True)) for number in range(KEPT_FOR_KNOWN)]
    await settle()
    assert not any(task.done() for task in (honest, *known))
    work.let.set()
    assert await honest == "honest"
    assert await asyncio.gather(*known) == [f"k{number}" for number in range(KEPT_FOR_KNOWN)]
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_place_comes_free_however_its_holder_went() -> None:
    queue, work = FairQueue(ManualClock()), Work()
    for round_ in range(20):
        tasks = [
            asyncio.create_task(queue.run(f"s{number}", work.of("x")))
            for number in range(AT_ONCE + 5)
        ]
        await settle()
        for number, task in enumerate(tasks):
            if (number + round_) % 2:
                task.cancel()
        work.let.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        work.let = asyncio.Event()
        work.let.set()
    assert queue._running == 0
    assert not queue._waiting


def test_the_throttle_remembers_a_bounded_number_of_names() -> None:
    throttle = Throttle(ManualClock())
    for number in range(11_000):
        throttle.begin(f"u{number}", f"s{number}", known=False).tried = True
    assert len(throttle._tries) <= 10_000
    assert len(throttle._buckets) <= 20_000


async def test_who_comes_for_the_first_time_is_next_however_many_a_flood_has_sent() -> None:
    queue, work = FairQueue(ManualClock()), Work()
    work.let.set()
    sources = [f"f{number}" for number in range(AT_ONCE + WAITING)]
    for source in sources:  # each has had a hash
        await queue.run(source, work.of(source))
    work.let.clear()
    work.begun.clear()
    flood = [asyncio.create_task(queue.run(source, work.of(source))) for source in sources]
    await settle()
    honest = asyncio.create_task(queue.run("honest", work.of("honest")))
    await settle()
    assert sum(task.done() for task in flood) == 1  # it made room
    work.let.set()
    assert await honest == "honest"
    assert work.begun.index("honest") == AT_ONCE
    await asyncio.gather(*flood, return_exceptions=True)


async def test_sources_that_had_some_turns_leave_the_last_slot_free() -> None:
    queue, work = FairQueue(ManualClock()), Work()
    work.let.set()
    for _ in range(3):
        await queue.run("flooder", work.of("flooder"))
    work.let.clear()
    work.begun.clear()
    flood = [asyncio.create_task(queue.run("flooder", work.of("flooder"))) for _ in range(3)]
    await settle()
    assert work.begun == ["flooder"] * (AT_ONCE - 1)
    honest = asyncio.create_task(queue.run("honest", work.of("honest")))
    await settle()
    assert work.begun[-1] == "honest"
    work.let.set()
    await asyncio.gather(honest, *flood)


async def test_who_makes_room_may_be_on_the_way_out_already() -> None:
    queue, work = FairQueue(ManualClock()), Work()
    flood = [
        asyncio.create_task(queue.run(f"f{number % 4}", work.of("f")))
        for number in range(AT_ONCE + WAITING)
    ]
    await settle()
    for task in flood[AT_ONCE:]:
        task.cancel()  # they hear of it in the loop's next round
    honest = asyncio.create_task(queue.run("honest", work.of("honest")))
    await settle()
    work.let.set()
    assert await honest == "honest"
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_flood_of_sign_ins_leaves_the_database_to_others(memory: Memory) -> None:
    storage, most, now = memory.storage, 0, 0
    read = storage.read

    @asynccontextmanager
    async def slowly() -> AsyncIterator[UnitOfWork]:
        nonlocal most, now
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        async with read() as work:
            yield work
        now -= 1

    storage.read = slowly  # type: ignore[method-assign,assignment]
    accounts = memory.services.accounts
    flood = [attempt(accounts, source=f"198.18.{number % 20}.1") for number in range(200)]
    await asyncio.gather(*flood)
    assert 0 < most <= 4


async def test_what_fails_for_somebody_who_left_is_no_unhandled_error() -> None:
    queue, let = FairQueue(ManualClock()), asyncio.Event()
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))

    async def fail() -> None:
        await let.wait()
        raise StorageUnavailable("away")

    asked = asyncio.create_task(queue.run("somebody", fail))
    await settle()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    let.set()
    await settle()
    del asked
    gc.collect()
    assert unhandled == []
