"""Calling back over doubles: the rules that don't need AWS to enforce them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from support.memory import OWNER, Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    NotOffered,
)
from valetkey.domain.location import Location
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.scope import AccessLevel
from valetkey.services.revocation import RevocationResult
from valetkey.services.vending import Vended, VendRequest
from valetkey.testing import FakeRolePolicies

READ = frozenset({AccessLevel.READ})


@pytest.fixture
async def location(memory: Memory) -> Location:
    return await memory.location()


def policies(memory: Memory) -> FakeRolePolicies:
    found = memory.services.leases.policies
    assert isinstance(found, FakeRolePolicies)
    return found


def denied(memory: Memory) -> list[Mapping[str, Any]]:
    """What stands in the role's inline policy."""
    return [
        statement
        for document in policies(memory).documents.values()
        for statement in document["Statement"]
    ]


async def vend(memory: Memory, location: Location, folder: str = "") -> Vended:
    caller = await memory.caller()
    return await memory.services.vending.vend(caller, location.id, VendRequest((folder,), READ))


async def revoke(memory: Memory, kind: Kind, name: str, **how: Any) -> RevocationResult:
    caller, leases = await memory.caller(), memory.services.leases
    target = await leases.target(caller, kind, name)
    return await leases.revoke(caller, target, **{"reason": "stolen"} | how)


async def test_a_revoked_lease_is_denied_and_forgotten_by_the_cache(
    memory: Memory, location: Location
) -> None:
    before = await vend(memory, location)
    assert (await vend(memory, location)).lease_id == before.lease_id
    recall = await revoke(memory, Kind.LEASE, before.lease_id)
    assert recall.leases == 1
    (statement,) = denied(memory)
    (name,) = statement["Condition"]["StringLike"]["aws:userid"]
    assert name.endswith(before.lease_id)
    assert (await vend(memory, location)).lease_id != before.lease_id


async def test_the_deny_is_taken_out_when_its_sessions_have_ended(
    memory: Memory, location: Location
) -> None:
    lease = (await vend(memory, location)).lease_id
    await revoke(memory, Kind.LEASE, lease)
    memory.clock.advance(3700)
    await memory.services.leases.resume()
    assert denied(memory)  # five minutes more, for clocks that differ
    memory.clock.advance(300)
    await memory.services.leases.resume()
    assert denied(memory)  # seen to be over, and not yet believed
    memory.clock.advance(600)
    await memory.services.leases.resume()
    assert policies(memory).documents == {}
    (revocation,) = await memory.services.leases.revocations(await memory.caller(), memory.org_id)
    assert revocation.state is RevocationState.OVER


async def test_a_role_that_has_no_room_gets_the_shortest_and_widest_deny(
    memory: Memory, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = policies(memory)
    put = fake.put

    async def put_if_short(signer: AwsCredentials, role: RoleArn, name: str, document: str) -> None:
        if "aws:userid" in document:
            raise AwsRefused("Too long.", hint="Shorten it.", aws_code="LimitExceeded")
        await put(signer, role, name, document)

    monkeypatch.setattr(fake, "put", put_if_short)
    recall = await revoke(memory, Kind.LEASE, (await vend(memory, location)).lease_id)
    (revocation,) = recall.revocations
    assert (revocation.widened, revocation.state) == (True, RevocationState.ENFORCED)
    assert "StringLike" not in denied(memory)[0]["Condition"]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (AwsUnavailable("AWS is silent.", hint="Wait."), "tried again"),
        (AwsRefused("No.", hint="Ask.", aws_code="AccessDenied"), "put-role-policy"),
        (NotOffered("None here.", hint="None.", aws_code="InvalidAction"), "at its own end"),
    ],
)
async def test_what_aws_does_not_take_stays_pending_with_what_to_do(
    memory: Memory, location: Location, failure: AwsRefused | AwsUnavailable, words: str
) -> None:
    policies(memory).failure = failure
    lease = (await vend(memory, location)).lease_id
    (revocation,) = (await revoke(memory, Kind.LEASE, lease)).revocations
    assert revocation.state is RevocationState.PENDING
    assert words in revocation.problem
    policies(memory).failure = None
    await memory.services.leases.resume()
    assert len(denied(memory)) == 1


async def test_a_policy_that_stands_is_not_written_again(
    memory: Memory, location: Location
) -> None:
    await revoke(memory, Kind.LEASE, (await vend(memory, location)).lease_id)
    written = policies(memory).puts
    await memory.services.leases._enforcer.enforce(str(location_role(memory)))
    assert policies(memory).puts == written


def location_role(memory: Memory) -> str:
    (revocation,) = memory.storage._committed.revocations.rows.values()
    return revocation.role_arn


async def test_nothing_live_is_nothing_to_call_back(memory: Memory, location: Location) -> None:
    lease = (await vend(memory, location)).lease_id
    memory.clock.advance(4000)
    recall = await revoke(memory, Kind.LEASE, lease)
    assert (recall.leases, list(recall.revocations), denied(memory)) == (0, [], [])


@pytest.mark.parametrize("kind", [Kind.PRINCIPAL, Kind.LOCATION, Kind.INTEGRATION])
async def test_new_sessions_are_refused_until_that_is_lifted(
    memory: Memory, location: Location, kind: Kind
) -> None:
    names = {
        Kind.PRINCIPAL: OWNER,
        Kind.LOCATION: location.id,
        Kind.INTEGRATION: location.integration_id,
    }
    await vend(memory, location)
    await revoke(memory, kind, names[kind], refuse_new=True)
    with pytest.raises(Denied, match="stolen"):
        await vend(memory, location)
    caller, blocks = await memory.caller(), memory.services.blocks
    target = await memory.services.leases.target(caller, kind, names[kind])
    await blocks.unblock(caller, target)
    await vend(memory, location)
    with pytest.raises(NotFound):
        await blocks.unblock(caller, target)


async def test_a_lease_has_no_new_sessions_to_refuse(memory: Memory, location: Location) -> None:
    lease = (await vend(memory, location)).lease_id
    with pytest.raises(InvalidInput):
        await revoke(memory, Kind.LEASE, lease, refuse_new=True)


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 501])
async def test_a_revocation_without_a_plain_reason_is_refused(
    memory: Memory, location: Location, reason: str
) -> None:
    with pytest.raises(InvalidInput):
        await revoke(memory, Kind.LOCATION, location.id, reason=reason)


async def test_only_an_owner_revokes_and_others_see_their_own(
    memory: Memory, location: Location
) -> None:
    await vend(memory, location)
    grace = await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    leases = memory.services.leases
    assert list(await leases.find(grace, memory.org_id)) == []
    target = await leases.target(grace, Kind.LOCATION, location.id)
    with pytest.raises(Denied):
        await leases.revoke(grace, target, reason="for fun")
    with pytest.raises(Denied):
        await memory.services.blocks.of_org(grace, memory.org_id)


async def test_an_integration_that_is_off_vends_nothing_until_it_is_on(
    memory: Memory, location: Location
) -> None:
    owner, switches = await memory.caller(), memory.services.integrations
    await vend(memory, location)
    await switches.disable(owner, location.integration_id)
    with pytest.raises(Conflict, match="disabled"):
        await vend(memory, location)
    await memory.services.integrations.verify(owner, location.integration_id)
    with pytest.raises(Conflict, match="disabled"):
        await vend(memory, location)
    await switches.enable(owner, location.integration_id)
    await vend(memory, location)
    assert ("integration.disable", "allowed") in memory.actions()
    assert ("integration.enable", "allowed") in memory.actions()


async def test_a_round_of_the_worker_goes_on_with_what_is_pending(
    memory: Memory, location: Location
) -> None:
    policies(memory).failure = AwsUnavailable("AWS is silent.", hint="Wait.")
    await revoke(memory, Kind.LEASE, (await vend(memory, location)).lease_id)
    policies(memory).failure = None
    await memory.services.scheduler.round()
    assert len(denied(memory)) == 1
    assert memory.services.scheduler.problems == {}


async def test_a_duty_that_fails_does_not_keep_the_worker_from_the_next_round(
    memory: Memory,
) -> None:
    memory.storage.unavailable = True
    await memory.services.scheduler.round()
    assert "revocations" in memory.services.scheduler.problems
    memory.storage.unavailable = False
    await memory.services.scheduler.round()
    assert memory.services.scheduler.problems == {}
