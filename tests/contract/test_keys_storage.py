"""Rotations, leases of work, revocations, blocks and envelopes on every storage."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.entities import make_integration
from valetkey.domain.errors import Conflict
from valetkey.domain.people import Organization
from valetkey.domain.ports import Storage
from valetkey.domain.revocation import Block, Kind, Revocation, RevocationState
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.rotation import Rotation, Schedule, Stage, StepTaken
from valetkey.domain.sealing import SealedSecret

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ORG, INTEGRATION = "a" * 24, "d" * 24
ROLE = "arn:aws:iam::123456789012:role/valetkey"
SEALED = SealedSecret("local:1", b"wrapped", b"nonce", b"text")


def _rotation(number: int = 1, **changes: Any) -> Rotation:
    plain = Rotation(
        id=f"{number:024x}",
        org_id=ORG,
        integration_id=INTEGRATION,
        user_arn="arn:aws:iam::123456789012:user/valetkey",
        stage=Stage.INTENDED,
        actor="ada@example.com",
        old_key_id="AKIAOLD",
        known=("AKIAOLD", "AKIAOTHER"),
        removable=("AKIAOTHER",),
        by_administrator=False,
        grace=timedelta(hours=24),
        started_at=NOW,
        stage_at=NOW,
        steps=(StepTaken(Stage.INTENDED, NOW, "ü"),),
    )
    return replace(plain, **changes)


def _revocation(number: int, **changes: Any) -> Revocation:
    plain = Revocation(
        id=f"{number:024x}",
        org_id=ORG,
        integration_id=INTEGRATION,
        role_arn=ROLE,
        kind=Kind.LEASE,
        target="e" * 24,
        sessions=("*:ada-1", "*:ada-2"),
        before=NOW,
        until=NOW + timedelta(hours=1),
        state=RevocationState.PENDING,
        reason="stolen",
        actor="ada@example.com",
        created_at=NOW,
    )
    return replace(plain, **changes)


async def _fill(storage: Storage) -> None:
    integration = make_integration(
        at=NOW,
        id=INTEGRATION,
        org_id=ORG,
        name="aws",
        access_key_id="AKIAOLD",
        role_arn=RoleArn.parse(ROLE),
    )
    async with storage.begin() as work:
        await work.organizations.add(Organization(ORG, "Acme", NOW))
        await work.integrations.add(integration, SEALED)


async def test_a_rotation_comes_back_as_it_was_stored(storage: Storage) -> None:
    rotation = _rotation()
    async with storage.begin() as work:
        await work.rotations.add(rotation)
    switched = rotation.at(Stage.SWITCHED, NOW + SECOND, new_key_id="AKIANEW")
    async with storage.begin() as work:
        await work.rotations.save(switched)
    async with storage.read() as work:
        assert await work.rotations.get(rotation.id) == switched
        assert await work.rotations.latest(INTEGRATION) == switched
        assert list(await work.rotations.unfinished()) == [switched]


async def test_an_integration_has_one_rotation_at_a_time(storage: Storage) -> None:
    async with storage.begin() as work:
        await work.rotations.add(_rotation(1))
    with pytest.raises(Conflict, match="under way"):
        async with storage.begin() as work:
            await work.rotations.add(_rotation(2))
    async with storage.begin() as work:
        await work.rotations.save(_rotation(1).at(Stage.DONE, NOW))
        await work.rotations.add(_rotation(2))
    async with storage.read() as work:
        found = await work.rotations.of_integration(INTEGRATION)
    assert [rotation.stage for rotation in found] == [Stage.DONE, Stage.INTENDED]


async def test_a_new_keys_secret_is_kept_and_forgotten(storage: Storage) -> None:
    async with storage.begin() as work:
        await work.rotations.add(_rotation())
        assert await work.rotations.sealed_secret(_rotation().id) is None
        await work.rotations.keep_secret(_rotation().id, SEALED)
    async with storage.begin() as work:
        # Saving a stage does not touch the secret.
        await work.rotations.save(_rotation().at(Stage.SEALED, NOW))
        assert await work.rotations.sealed_secret(_rotation().id) == SEALED
        await work.rotations.keep_secret(_rotation().id, None)
    async with storage.read() as work:
        assert await work.rotations.sealed_secret(_rotation().id) is None


async def test_a_schedule_is_due_at_its_time_and_can_be_dropped(storage: Storage) -> None:
    await _fill(storage)
    schedule = Schedule(INTEGRATION, timedelta(days=30), timedelta(hours=24), NOW, "ada")
    async with storage.begin() as work:
        await work.rotations.put_schedule(replace(schedule, actor="bob"))
        await work.rotations.put_schedule(schedule)
        assert await work.rotations.schedule_of(INTEGRATION) == schedule
        assert list(await work.rotations.due_schedules(NOW - SECOND)) == []
        assert list(await work.rotations.due_schedules(NOW)) == [schedule]
        assert await work.rotations.drop_schedule(INTEGRATION)
        assert not await work.rotations.drop_schedule(INTEGRATION)


async def _take(storage: Storage, owner: str, at: datetime = NOW) -> bool:
    async with storage.begin() as work:
        return await work.work_leases.take("job", owner, now=at, until=at + 60 * SECOND)


async def test_a_lease_of_work_is_one_owners_until_it_ends(storage: Storage) -> None:
    assert await _take(storage, "one")
    assert not await _take(storage, "two", NOW + 59 * SECOND)
    assert await _take(storage, "one", NOW + 59 * SECOND)
    assert not await _take(storage, "two", NOW + 60 * SECOND)
    assert await _take(storage, "two", NOW + 119 * SECOND)
    assert not await _take(storage, "one", NOW + 120 * SECOND)


async def test_a_lease_from_before_a_clock_was_set_back_holds_nothing(storage: Storage) -> None:
    assert await _take(storage, "killed", NOW + 3600 * SECOND)
    assert await _take(storage, "one", NOW)
    assert not await _take(storage, "two", NOW + 59 * SECOND)


async def test_a_lease_that_is_given_back_is_free_and_only_its_owner_gives_it(
    storage: Storage,
) -> None:
    await _take(storage, "one")
    async with storage.begin() as work:
        await work.work_leases.give_back("job", "two")
    assert not await _take(storage, "two")
    async with storage.begin() as work:
        await work.work_leases.give_back("job", "one")
    assert await _take(storage, "two")


async def test_of_many_that_take_a_lease_at_once_one_has_it(storage: Storage) -> None:
    taken = await asyncio.gather(*(_take(storage, f"owner {n}") for n in range(6)))
    assert sum(taken) == 1


async def test_revocations_of_a_role_are_those_that_are_not_over(storage: Storage) -> None:
    over = _revocation(1, state=RevocationState.OVER)
    pending, elsewhere = _revocation(2), _revocation(3, role_arn=ROLE + "2")
    async with storage.begin() as work:
        for each in (over, pending, elsewhere):
            await work.revocations.add(each)
    async with storage.begin() as work:
        assert list(await work.revocations.of_role(ROLE)) == [pending]
        assert list(await work.revocations.unfinished()) == [pending, elsewhere]
        assert list(await work.revocations.of_org(ORG)) == [elsewhere, pending, over]
        enforced = replace(pending, state=RevocationState.ENFORCED, proof="seen", widened=True)
        await work.revocations.save(enforced)
        assert await work.revocations.get(pending.id) == enforced


async def test_a_block_is_there_once_and_can_be_lifted(storage: Storage) -> None:
    await _fill(storage)
    block = Block("1" * 24, ORG, Kind.PRINCIPAL, "ada@example.com", "left", "owner", NOW)
    async with storage.begin() as work:
        await work.blocks.add(block)
        await work.blocks.add(replace(block, id="2" * 24, reason="left again"))
        (found,) = await work.blocks.of_org(ORG)
        assert found.reason == "left again"
        assert await work.blocks.remove(ORG, Kind.PRINCIPAL, "ada@example.com")
        assert not await work.blocks.remove(ORG, Kind.PRINCIPAL, "ada@example.com")
        assert list(await work.blocks.of_org(ORG)) == []


async def test_envelopes_are_counted_by_key_and_replaced_unless_they_have_changed(
    storage: Storage,
) -> None:
    await _fill(storage)
    async with storage.begin() as work:
        assert await work.sealed.usage() == {"local:1": 1}
        (row,) = await work.sealed.wrapped_by(["local:1", "local:0"], limit=5)
        moved = replace(SEALED, kek_id="local:2", wrapped_key=b"again")
        assert await work.sealed.rewrap(row, moved)
        assert not await work.sealed.rewrap(row, SEALED)
        assert await work.sealed.usage() == {"local:2": 1}
        assert await work.integrations.sealed_secret(INTEGRATION) == moved
        assert row.context.record_id == INTEGRATION
