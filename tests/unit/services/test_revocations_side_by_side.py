"""Revocations wait for nothing but AWS: not for one another's proof, and not for rotations."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from support.memory import KEY, OWNER, ROLE, Memory
from support.refused import works
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.location import Location, NewLocation
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.domain.rotation import Rotation, Stage
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.vending import VendRequest
from valetkey.testing import FakeRolePolicies

READ = VendRequest(("",), frozenset({AccessLevel.READ}))
EVE = "eve@example.com"


def policies(memory: Memory) -> FakeRolePolicies:
    found = memory.services.leases.policies
    assert isinstance(found, FakeRolePolicies)
    return found


async def on_a_role_of_its_own(memory: Memory, name: str) -> Location:
    services, owner = memory.services, await memory.caller()
    key, secret = KEY
    integration = await services.integrations.create(
        owner, memory.org_id, name=name, key=key, secret=secret, role_arn=f"{ROLE}-{name}"
    )
    new = NewLocation(name=name, bucket="acme", integration_id=integration.id, folder=name)
    return await services.locations.create(owner, memory.project.id, new)


async def revoke_eve(memory: Memory, owner: Caller) -> Any:
    leases = memory.services.leases
    target = await leases.target(owner, Kind.PRINCIPAL, EVE)
    return await leases.revoke(owner, target, reason="stolen")


async def test_each_role_is_denied_at_once_and_no_deny_waits_for_anothers_proof(
    memory: Memory,
) -> None:
    owner, eve = await memory.caller(), await memory.member(EVE, ProjectRole.DEVELOPER)
    places = [await on_a_role_of_its_own(memory, name) for name in ("one", "two", "three")]
    vended = [await memory.services.vending.vend(eve, place.id, READ) for place in places]
    denied_at, proven_at = [], []
    put, begun = policies(memory).put, memory.clock.monotonic()

    async def told(*args: Any) -> None:
        denied_at.append(memory.clock.monotonic() - begun)
        await put(*args)

    policies(memory).put = told  # type: ignore[method-assign, assignment]
    result = await revoke_eve(memory, owner)
    proven_at.append(memory.clock.monotonic() - begun)
    assert result.leases == 3
    assert not any(works(memory, each.credentials) for each in vended)
    # The double's store goes on reading, so that each proof takes all the time that it may.
    assert len(denied_at) == 3
    assert max(denied_at) < min(proven_at) / 3


async def test_a_rotation_that_hangs_delays_no_revocation(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    vended = await memory.services.vending.vend(eve, location.id, READ)
    policies(memory).failure = AwsUnavailable("AWS is silent.", hint="Wait.")
    (pending,) = (await revoke_eve(memory, owner)).revocations
    assert pending.state is RevocationState.PENDING
    policies(memory).failure = None
    hanging = asyncio.Event()

    async def never(*_: object) -> Any:
        hanging.set()
        await asyncio.Event().wait()

    memory.parts.access_keys.list_keys = never  # type: ignore[method-assign, assignment]
    now = memory.clock.now()
    rotation = Rotation(
        id="b" * 24,
        org_id=memory.org_id,
        integration_id=location.integration_id,
        user_arn="arn:aws:iam::000000000000:user/valetkey",
        stage=Stage.INTENDED,
        actor=OWNER,
        old_key_id=KEY[0],
        known=(KEY[0],),
        removable=(),
        by_administrator=False,
        grace=timedelta(days=1),
        started_at=now,
        stage_at=now,
    )
    async with memory.storage.begin() as work:
        await work.rotations.add(rotation)
    round_ = asyncio.create_task(memory.services.scheduler.round())
    async with asyncio.timeout(10):
        await hanging.wait()
        while works(memory, vended.credentials):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0)
    assert not round_.done()
    round_.cancel()
    await asyncio.gather(round_, return_exceptions=True)
