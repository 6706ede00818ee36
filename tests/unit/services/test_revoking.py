"""When a revocation was answered, no credential works that could have left before: in every order
of preparing, recording and handing out, and of holding, claiming, denying, proving, answering."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from support.memory import Memory, open_memory
from support.refused import works
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import AwsUnavailable, BeingRevoked, Denied
from valetkey.domain.location import Location, LocationChange
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.revocation import RevocationResult
from valetkey.services.vending import PresignRequest, Vended, VendRequest
from valetkey.testing import FakeRolePolicies

READ = VendRequest(("",), frozenset({AccessLevel.READ}))
EVE = "eve@example.com"
LONG = f"{'e' * 60}@example.com"
VENDING = ("issue", "record", "recorded")
REVOKING = ("begun", "held", "claimed", "denied")


@dataclass(frozen=True)
class RawResponse:
    """What a revocation came to, and which sessions there were by then."""

    result: RevocationResult
    made_before: frozenset[str]


class Steps:
    """Two at work, one step at a time, in an order that the test gives."""

    def __init__(self, memory: Memory) -> None:
        self._gates: dict[str, asyncio.Event] = {}
        self._memory = memory
        self._revoking: object = None
        self.active = False

    @property
    def is_revoking(self) -> bool:
        """Tell whether it is the revocation that runs."""
        return self.active and asyncio.current_task() is self._revoking

    async def revoke(self, kind: Kind, name: str) -> RawResponse:
        caller, leases = await self._memory.caller(), self._memory.services.leases
        target = await leases.target(caller, kind, name)
        self._revoking = asyncio.current_task()
        result = await leases.revoke(caller, target, reason="stolen")
        return RawResponse(result, frozenset(self._memory.sts.issued))

    async def at(self, step: str) -> None:
        """Wait until it is this step's turn."""
        if self.active and step in self._gates:
            await self._gates[step].wait()

    async def run(self, order: list[str], *work: Awaitable[object]) -> list[object]:
        self._gates = {step: asyncio.Event() for step in order}
        self.active = True
        tasks = [asyncio.ensure_future(each) for each in work]
        for step in order:
            await _settle()
            self._gates[step].set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        self.active = False
        return found


async def _settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


def stepped(memory: Memory) -> Steps:
    """Have vending and revoking stop before each of their steps."""
    steps, storage, sts = Steps(memory), memory.storage, memory.sts
    fake = policies(memory)
    record, begin, assume = storage.record, storage.begin, sts.assume_role
    put: Callable[..., Awaitable[None]] = fake.put
    begun = iter(("begun", "held"))

    async def recorded(entries: Any, leases: Any) -> None:
        await steps.at("record")
        await record(entries, leases)
        await steps.at("recorded")

    async def assumed(key: Any, order: Any) -> Any:
        if order.policy:  # not a probe
            await steps.at("issue")
        return await assume(key, order)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        # Recording has its own way in the double, and its own steps.
        if steps.is_revoking:
            await steps.at(next(begun, ""))
        async with begin() as work:
            yield work

    async def denied(*args: Any) -> None:
        await steps.at("claimed")
        await put(*args)
        await steps.at("denied")

    storage.record, sts.assume_role = recorded, assumed  # type: ignore[method-assign]
    storage.begin = opened  # type: ignore[method-assign]
    fake.put = denied  # type: ignore[method-assign, assignment]
    return steps


def orders() -> list[list[str]]:
    """Every order of the two that keeps each one's own."""
    total = len(VENDING) + len(REVOKING)
    found = []
    for places in combinations(range(total), len(VENDING)):
        vending, revoking = iter(VENDING), iter(REVOKING)
        found.append([next(vending) if n in places else next(revoking) for n in range(total)])
    return found


async def person(memory: Memory, email: str = EVE) -> Caller:
    plain = await memory.member(email, ProjectRole.DEVELOPER)
    return await with_token(memory, plain)


async def with_token(memory: Memory, caller: Caller) -> Caller:
    _, token = await memory.token(caller)
    return Caller(await memory.services.principals.of(token, source=""), "request-2")


async def revoke(memory: Memory, kind: Kind, name: str, **how: Any) -> RevocationResult:
    caller, leases = await memory.caller(), memory.services.leases
    target = await leases.target(caller, kind, name)
    return await leases.revoke(caller, target, **{"reason": "stolen"} | how)


async def vend(memory: Memory, caller: Caller, location: Location) -> Vended:
    return await memory.services.vending.vend(caller, location.id, READ)


def name_of(kind: Kind, caller: Caller, location: Location) -> str:
    return {
        Kind.PRINCIPAL: caller.principal.email,
        Kind.LOCATION: location.id,
        Kind.INTEGRATION: location.integration_id,
        Kind.TOKEN: caller.principal.token_id,
        Kind.SERVICE_ACCOUNT: caller.principal.user_id,
    }[kind]


KINDS = [kind for kind in Kind if kind is not Kind.LEASE]


@pytest.mark.parametrize("warm", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("widened", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_in_every_order_nothing_that_left_before_the_answer_works(
    kind: Kind, *, widened: bool, warm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if widened:
        monkeypatch.setattr("valetkey.testing.vending.MOST_NAMES", 0)
    for order in orders():
        memory = await open_memory()
        location, eve = await memory.location(), await person(memory)
        memory.sts.ahead = timedelta(seconds=2.5)
        left = [await vend(memory, eve, location)] if warm else []
        steps = stepped(memory)
        revoking = steps.revoke(kind, name_of(kind, eve, location))
        vended, answer = await steps.run(order, vend(memory, eve, location), revoking)
        assert isinstance(answer, RawResponse), (order, answer)
        assert all(each.state is RevocationState.ENFORCED for each in answer.result.revocations)
        if isinstance(vended, Vended):
            left.append(vended)
        else:
            # It may have waited for so long that there is no time to begin again: see rounds.
            assert isinstance(vended, BeingRevoked | AwsUnavailable), (order, vended)
        left.append(await vend(memory, eve, location))
        for each in left:
            made_before = each.credentials.access_key_id in answer.made_before
            assert works(memory, each.credentials) is not made_before, (order, each)


async def test_a_person_whose_first_sessions_are_being_made_gets_none(memory: Memory) -> None:
    location, eve = await memory.location(), await person(memory)
    memory.sts.gate = asyncio.Event()
    waiting = [asyncio.create_task(vend(memory, eve, location)) for _ in range(6)]
    await _settle()
    result = await revoke(memory, Kind.PRINCIPAL, EVE, refuse_new=True)
    assert result.leases == 0
    memory.sts.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in found} == {Denied}


@pytest.mark.parametrize("email", [EVE, LONG, f"{'e' * 26}@example.com"])
async def test_whatever_somebodys_name_is_all_their_sessions_are_refused_and_nobody_elses(
    memory: Memory, email: str
) -> None:
    location, owner = await memory.location(), await memory.caller()
    someone = await person(memory, email)
    alike = await person(memory, f"e{email}" if email == LONG else f"x{email}")
    mine = [await vend(memory, someone, location)]
    folder = VendRequest(("a",), READ.levels)
    mine.append(await memory.services.vending.vend(someone, location.id, folder))
    theirs = [await vend(memory, each, location) for each in (owner, alike)]
    result = await revoke(memory, Kind.PRINCIPAL, email)
    assert result.leases == 2
    assert not any(works(memory, each.credentials) for each in mine)
    assert all(works(memory, each.credentials) for each in theirs)


async def share(memory: Memory, location: Location, *, shared: bool) -> None:
    owner = await memory.caller()
    await memory.services.locations.update(
        owner, location.id, LocationChange(shared_sessions=shared)
    )


async def test_a_shared_session_is_revoked_with_each_of_those_who_were_vended_it(
    memory: Memory,
) -> None:
    location, owner = await memory.location(), await memory.caller()
    await share(memory, location, shared=True)
    eve, bob = await person(memory), await person(memory, "bob@example.com")
    mine = await vend(memory, eve, location)
    assert (await vend(memory, bob, location)).lease_id == mine.lease_id
    folder = VendRequest(("a",), READ.levels)
    apart = await memory.services.vending.vend(owner, location.id, folder)
    await share(memory, location, shared=False)
    result = await revoke(memory, Kind.PRINCIPAL, EVE)
    assert (result.leases, result.others) == (1, ["bob@example.com"])
    assert not works(memory, mine.credentials)
    assert works(memory, apart.credentials)
    assert works(memory, (await vend(memory, bob, location)).credentials)


async def test_a_shared_url_is_revoked_with_whom_it_was_presigned_for(memory: Memory) -> None:
    location = await memory.location()
    await share(memory, location, shared=True)
    eve = await person(memory)
    wanted = PresignRequest(["train/a"])
    await memory.services.presigning.presign(eve, location.id, wanted)
    assert (await revoke(memory, Kind.PRINCIPAL, EVE)).leases == 1


async def test_a_token_takes_its_own_sessions_along_and_no_other_tokens(memory: Memory) -> None:
    location, eve = await memory.location(), await person(memory)
    again = await with_token(memory, await memory.caller(EVE))
    one, other = await vend(memory, eve, location), await vend(memory, again, location)
    await revoke(memory, Kind.TOKEN, eve.principal.token_id)
    assert not works(memory, one.credentials)
    assert works(memory, other.credentials)


async def test_what_is_pending_is_shown_as_pending_and_its_leases_as_active(
    memory: Memory,
) -> None:
    location, owner = await memory.location(), await memory.caller()
    mine = await vend(memory, owner, location)
    policies(memory).failure = AwsUnavailable("AWS is silent.", hint="Wait.")
    result = await revoke(memory, Kind.LEASE, mine.lease_id)
    assert (result.leases, result.revocations[0].state) == (1, RevocationState.PENDING)
    leases = memory.services.leases
    assert [e.id for e in await leases.find(owner, memory.org_id, active=True)] == [mine.lease_id]
    again = await revoke(memory, Kind.LEASE, mine.lease_id)
    assert again.leases == 1
    policies(memory).failure = None
    await leases.resume()
    assert list(await leases.find(owner, memory.org_id, active=True)) == []
    assert not works(memory, mine.credentials)


def policies(memory: Memory) -> FakeRolePolicies:
    found = memory.services.leases.policies
    assert isinstance(found, FakeRolePolicies)
    return found


def _tampered(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "Statement": []}


@pytest.mark.parametrize("removed", [True, False])
async def test_a_deny_that_somebody_took_out_at_aws_is_noticed_and_put_back(
    memory: Memory, *, removed: bool
) -> None:
    location, owner = await memory.location(), await memory.caller()
    mine = await vend(memory, owner, location)
    await revoke(memory, Kind.LEASE, mine.lease_id)
    documents = policies(memory).documents
    ((name, document),) = documents.items()
    if removed:
        documents.clear()
    else:
        documents[name] = _tampered(document)
    assert works(memory, mine.credentials)
    memory.clock.advance(301)
    await memory.services.leases.resume()
    assert not works(memory, mine.credentials)
    assert ("revocation.drift", "failed") in memory.actions()
    (revocation,) = await memory.services.leases.revocations(owner, memory.org_id)
    assert revocation.state is RevocationState.ENFORCED


async def test_a_drift_that_can_not_be_mended_is_pending_and_says_so(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    mine = await vend(memory, owner, location)
    await revoke(memory, Kind.LEASE, mine.lease_id)
    fake = policies(memory)
    fake.documents.clear()
    put = fake.put

    async def refused(*_: Any) -> None:
        raise AwsUnavailable("AWS is silent.", hint="Wait.")

    fake.put = refused  # type: ignore[method-assign, assignment]
    memory.clock.advance(301)
    await memory.services.leases.resume()
    (revocation,) = await memory.services.leases.revocations(owner, memory.org_id)
    assert (revocation.state, "AWS is silent" in revocation.problem) == (
        RevocationState.PENDING,
        True,
    )
    fake.put = put  # type: ignore[method-assign]
    await memory.services.leases.resume()
    assert not works(memory, mine.credentials)


async def test_a_clock_that_is_far_ahead_for_a_while_takes_no_deny_away(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    mine = await vend(memory, owner, location)
    await revoke(memory, Kind.LEASE, mine.lease_id)
    memory.clock.jump(13 * 3600)
    for _ in range(3):
        await memory.services.leases.resume()
        memory.clock.advance(30)
    memory.clock.jump(-13 * 3600)
    for _ in range(3):
        await memory.services.leases.resume()
        memory.clock.advance(400)
    assert not works(memory, mine.credentials)
    (revocation,) = await memory.services.leases.revocations(owner, memory.org_id)
    assert revocation.state is RevocationState.ENFORCED


async def test_another_integration_on_the_role_hears_of_a_wide_deny(memory: Memory) -> None:
    first, second = await memory.location(), await memory.location("second")
    owner = await memory.caller()
    other = await vend(memory, owner, second)
    await revoke(memory, Kind.INTEGRATION, first.integration_id)
    assert not works(memory, other.credentials)
    again = await vend(memory, owner, second)
    assert works(memory, again.credentials)


async def test_the_leases_of_a_deleted_location_are_revoked_by_it(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    mine = await vend(memory, owner, location)
    await memory.services.locations.delete(owner, location.id)
    assert (await revoke(memory, Kind.LOCATION, location.id)).leases == 1
    assert not works(memory, mine.credentials)


async def test_any_integrations_key_on_the_role_may_tell_aws(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    await memory.location("second")
    mine = await vend(memory, owner, location)
    await memory.services.locations.delete(owner, location.id)
    await memory.services.integrations.delete(owner, location.integration_id)
    (revocation,) = (await revoke(memory, Kind.LEASE, mine.lease_id)).revocations
    assert revocation.state is RevocationState.ENFORCED
    assert revocation.proof.startswith("Proven") or "still reads" in revocation.proof
    assert not works(memory, mine.credentials)


async def test_two_revocations_of_a_role_at_once_are_both_enforced(memory: Memory) -> None:
    location, owner, eve = await memory.location(), await memory.caller(), await person(memory)
    mine, hers = await vend(memory, owner, location), await vend(memory, eve, location)
    both = await asyncio.gather(
        revoke(memory, Kind.LEASE, mine.lease_id), revoke(memory, Kind.LEASE, hers.lease_id)
    )
    assert [r.state for each in both for r in each.revocations] == [RevocationState.ENFORCED] * 2
    assert not works(memory, mine.credentials)
    assert not works(memory, hers.credentials)


async def test_a_second_revocation_says_why_it_is_pending(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    mine = await vend(memory, owner, location)
    async with memory.storage.read() as work:
        lease = await work.leases.get(mine.lease_id)
    assert lease is not None
    async with memory.storage.begin() as work:
        now = memory.clock.now()
        name = f"role:{lease.role_arn}"
        await work.work_leases.take(name, "another", now=now, until=now + timedelta(minutes=3))
    (revocation,) = (await revoke(memory, Kind.LEASE, mine.lease_id)).revocations
    assert revocation.state is RevocationState.PENDING
    assert "Another revocation of this role" in revocation.problem


async def test_while_a_revocation_is_carried_out_nothing_of_it_is_vended(memory: Memory) -> None:
    location, eve = await memory.location(), await person(memory)
    await vend(memory, eve, location)
    go, told, put = asyncio.Event(), asyncio.Event(), policies(memory).put

    async def slow(*args: Any) -> None:
        told.set()
        await go.wait()
        await put(*args)

    policies(memory).put = slow  # type: ignore[method-assign, assignment]
    revoking = asyncio.create_task(revoke(memory, Kind.PRINCIPAL, EVE))
    await told.wait()
    with pytest.raises(BeingRevoked):
        await vend(memory, eve, location)
    await vend(memory, await memory.caller(), location)
    go.set()
    await revoking
    await vend(memory, eve, location)


async def test_who_hangs_up_on_a_revocation_leaves_no_hold(memory: Memory) -> None:
    location, eve = await memory.location(), await person(memory)
    await vend(memory, eve, location)
    told = asyncio.Event()

    async def never(*_: Any) -> None:
        told.set()
        await asyncio.Event().wait()

    put = policies(memory).put
    policies(memory).put = never  # type: ignore[method-assign, assignment]
    revoking = asyncio.create_task(revoke(memory, Kind.PRINCIPAL, EVE))
    await told.wait()
    revoking.cancel()
    with suppress(asyncio.CancelledError):
        await revoking
    policies(memory).put = put  # type: ignore[method-assign]
    await vend(memory, eve, location)
