"""After a rotation's switch an endpoint of AWS may not know the new key yet: the old one serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.memory import KEY, Memory
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.location import Location
from valetkey.domain.rotation import DEFAULT_GRACE, Rotation, Stage
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.services.integrations import secret_context
from valetkey.services.vending import VendRequest

WANT = VendRequest(("",), frozenset({AccessLevel.READ}))
NEW_KEY = "AKIAANOTHERKEYOFTHEM"


async def switched(memory: Memory, location: Location, stage: Stage = Stage.SWITCHED) -> None:
    """Put a rotation at a stage, with the old key's secret kept as at the switch."""
    now = memory.clock.now()
    old, _ = KEY
    rotation = Rotation(
        id="9" * 24,
        org_id=memory.org_id,
        integration_id=location.integration_id,
        user_arn="arn:aws:iam::000000000000:user/valetkey",
        stage=stage,
        actor="ada@example.com",
        old_key_id=old,
        known=(old,),
        removable=(),
        by_administrator=False,
        grace=DEFAULT_GRACE,
        started_at=now,
        stage_at=now,
        new_key_id=NEW_KEY,
    )
    async with memory.storage.begin() as work:
        integration = await work.integrations.get(location.integration_id)
        assert integration is not None
        before = await work.integrations.sealed_secret(integration.id)
        new = await memory.sealer.seal(Secret("the new secret"), secret_context(integration))
        await work.integrations.save(replace(integration, access_key_id=NEW_KEY))
        await work.integrations.replace_secret(integration.id, new)
        await work.rotations.add(rotation)
        if stage is Stage.SWITCHED:
            await work.rotations.keep_secret(rotation.id, before)


async def test_a_key_that_aws_does_not_know_yet_falls_back_once_to_the_old_one(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    await switched(memory, location)
    memory.sts.unknown = {NEW_KEY}
    vended = await memory.services.vending.vend(caller, location.id, WANT)
    assert vended.credentials.access_key_id
    assert [key.id for key in memory.sts.keys[-2:]] == [NEW_KEY, KEY[0]]
    assert memory.sts.keys[-1].secret.reveal() == KEY[1].reveal()


async def test_where_the_old_one_is_not_known_either_the_refusal_is_of_the_new_one(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    await switched(memory, location)
    memory.sts.unknown, before = {NEW_KEY, KEY[0]}, len(memory.sts.keys)
    with pytest.raises(AwsRefused) as refusal:
        await memory.services.vending.vend(caller, location.id, WANT)
    assert refusal.value.details["aws_code"] == "InvalidClientTokenId"
    assert [key.id for key in memory.sts.keys[before:]] == [NEW_KEY, KEY[0]]


async def test_where_aws_is_slow_to_refuse_the_new_one_nobody_waits_for_another_call(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    location, caller = await memory.location(), await memory.caller()
    await switched(memory, location)
    memory.sts.unknown, before, assume = {NEW_KEY}, len(memory.sts.keys), memory.sts.assume_role

    async def slow(*given: Any) -> TemporaryCredentials:
        memory.clock.advance(9)
        return await assume(*given)

    monkeypatch.setattr(memory.sts, "assume_role", slow)
    with pytest.raises(AwsUnavailable, match="slow to say so"):
        await memory.services.vending.vend(caller, location.id, WANT)
    assert [key.id for key in memory.sts.keys[before:]] == [NEW_KEY]


@pytest.mark.parametrize("stage", [Stage.DEACTIVATED, Stage.DONE])
async def test_an_old_key_that_is_going_is_not_used(memory: Memory, stage: Stage) -> None:
    location, caller = await memory.location(), await memory.caller()
    await switched(memory, location, stage)
    memory.sts.unknown, before = {NEW_KEY}, len(memory.sts.keys)
    with pytest.raises(AwsRefused):
        await memory.services.vending.vend(caller, location.id, WANT)
    assert [key.id for key in memory.sts.keys[before:]] == [NEW_KEY]


async def test_any_other_refusal_is_no_reason_to_fall_back(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    await switched(memory, location)
    memory.sts.failure, before = AwsRefused("no", aws_code="AccessDenied"), len(memory.sts.keys)
    with pytest.raises(AwsRefused):
        await memory.services.vending.vend(caller, location.id, WANT)
    assert [key.id for key in memory.sts.keys[before:]] == [NEW_KEY]
