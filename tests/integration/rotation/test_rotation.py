"""What a rotation does, on the embedded AWS."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.rotating import ORG, Case, Wire, WiredAws, make_user
from valetkey.domain.access import OrgRole, Principal
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, Conflict, Denied, Locked
from valetkey.domain.rotation import DEFAULT_GRACE, DRAIN, PATIENCE, Rotation, Stage
from valetkey.domain.secret import Secret
from valetkey.embedded.faults import Fault, FaultKind
from valetkey.services.audit import Caller
from valetkey.services.integrations import secret_context
from valetkey.services.rotation import Rotations
from valetkey.services.work import WorkLocks

DAY = DEFAULT_GRACE.total_seconds()


class HesitantAws(WiredAws):
    """An AWS to which a new key is unknown for the first so many times; an endless number of
    times if it never gets to know it."""

    def __init__(self, case: Case, refusals: int) -> None:
        super().__init__(case.ground.sts, case.ground.keys, Wire(), Wire())
        self.known = {case.first_key.id}
        self.refusals = refusals

    async def caller_identity(self, key: Any, *, partition: str = "aws") -> Any:
        if key.id not in self.known and self.refusals:
            self.refusals -= 1
            raise AwsRefused("Unknown key.", hint="Wait.", aws_code="InvalidClientTokenId")
        return await super().caller_identity(key, partition=partition)


def second_key(case: Case) -> AccessKey:
    """Make a key of the same user that Valetkey knows nothing of."""
    made = case.ground.iam.create_access_key(UserName=case.user)["AccessKey"]
    return AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))


async def rotate(case: Case, process: Rotations | None = None, **how: Any) -> Rotation:
    """Start, and take all steps that need no waiting."""
    used = process or case.process()
    rotation = await used.start(case.caller, case.integration_id, **how)
    return await used.advance(rotation.id)


async def after(case: Case, rotation: Rotation, seconds: float) -> Rotation:
    case.clock.advance(seconds)
    return await case.process().advance(rotation.id)


async def test_the_old_key_drains_then_is_inactive_for_its_grace_then_is_gone(case: Case) -> None:
    rotation = await rotate(case)
    old, new = case.first_key.id, rotation.new_key_id
    assert (rotation.stage, case.at_aws()) == (Stage.SWITCHED, {old: True, new: True})
    assert (await case.held()).id == new
    async with case.storage.read() as work:
        integration = await work.integrations.get(case.integration_id)
    assert integration is not None
    assert integration.key_since == rotation.stage_at
    rotation = await after(case, rotation, DRAIN.total_seconds())
    assert (rotation.stage, case.at_aws()) == (Stage.DEACTIVATED, {old: False, new: True})
    rotation = await after(case, rotation, DAY - 1)
    assert case.at_aws() == {old: False, new: True}
    rotation = await after(case, rotation, 1)
    assert (rotation.stage, case.at_aws()) == (Stage.DONE, {new: True})


async def test_a_new_key_is_used_once_aws_has_accepted_it_several_times_in_a_row(
    case: Case,
) -> None:
    rotation = await rotate(case, case.process_over(HesitantAws(case, refusals=7)))
    assert rotation.stage is Stage.SWITCHED
    assert await case.opens_the_role()


async def test_a_new_key_that_aws_never_accepts_is_taken_back_and_the_old_one_stays(
    case: Case,
) -> None:
    rotation = await rotate(case, case.process_over(HesitantAws(case, refusals=10**6)))
    assert rotation.stage is Stage.ROLLED_BACK
    assert "never accepted" in rotation.problem
    assert case.at_aws() == {case.first_key.id: True}
    assert (await case.held()).id == case.first_key.id
    assert rotation.steps[-1].at - rotation.started_at >= PATIENCE


async def test_a_new_key_that_does_not_open_the_role_is_taken_back(case: Case) -> None:
    case.ground.iam.delete_user_policy(UserName=case.user, PolicyName="assume")
    rotation = await rotate(case)
    assert rotation.stage is Stage.ROLLED_BACK
    assert case.at_aws() == {case.first_key.id: True}


async def test_asked_again_it_goes_on_with_the_rotation_under_way(case: Case) -> None:
    first = await rotate(case)
    again = await rotate(case)
    assert (again.id, len(case.at_aws())) == (first.id, 2)


async def test_two_processes_that_go_on_at_once_make_one_key(case: Case) -> None:
    rotation = await case.process().start(case.caller, case.integration_id)
    outcomes = await asyncio.gather(
        *(case.process().advance(rotation.id) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Locked) for outcome in outcomes) == 3
    assert len(case.at_aws()) == 2


async def test_two_processes_that_start_at_once_store_one_rotation(case: Case) -> None:
    outcomes = await asyncio.gather(
        *(case.process().start(case.caller, case.integration_id) for _ in range(4)),
        return_exceptions=True,
    )
    started = {outcome.id for outcome in outcomes if isinstance(outcome, Rotation)}
    refused = [outcome for outcome in outcomes if not isinstance(outcome, Rotation)]
    assert len(started) == 1
    assert all(isinstance(outcome, Conflict) for outcome in refused)


async def test_no_request_fails_while_the_key_is_replaced(case: Case) -> None:
    ended = asyncio.Event()

    async def vend() -> set[str]:
        used = set()
        while not ended.is_set():
            assert await case.opens_the_role()
            used.add((await case.held()).id)
        return used

    async def replace_key() -> str:
        rotation = await rotate(case)
        ended.set()
        return rotation.new_key_id

    used, new = await asyncio.gather(vend(), replace_key())
    assert used <= {case.first_key.id, new}
    rotation = await rotate(case)
    for wait in (DRAIN.total_seconds(), DAY):
        rotation = await after(case, rotation, wait)
        assert await case.opens_the_role()


async def enter(case: Case, key: AccessKey) -> None:
    """Give the integration another key, as a person does."""
    async with case.storage.begin() as work:
        found = await work.integrations.get(case.integration_id)
        assert found is not None
        sealed = await case.sealer.seal(key.secret, secret_context(found))
        await work.integrations.save(replace(found, access_key_id=key.id))
        await work.integrations.replace_secret(found.id, sealed)


async def earlier_secret(case: Case, rotation: Rotation) -> str:
    """What is kept of the old key for vending to fall back to."""
    async with case.storage.read() as work:
        sealed = await work.rotations.sealed_secret(rotation.id)
        integration = await work.integrations.get(case.integration_id)
    if sealed is None or integration is None:
        return ""
    return (await case.sealer.open(sealed, secret_context(integration))).reveal()


@pytest.mark.parametrize("ends", ["by itself", "cancelled", "overtaken"])
async def test_the_old_keys_secret_is_kept_from_the_switch_until_it_goes(
    case: Case, ends: str
) -> None:
    rotation = await rotate(case)
    assert rotation.stage is Stage.SWITCHED
    assert await earlier_secret(case, rotation) == case.first_key.secret.reveal()
    if ends == "cancelled":
        await case.process().cancel(case.caller, case.integration_id)
    else:
        if ends == "overtaken":
            await enter(case, make_user(case.ground.iam)[2])
        await after(case, rotation, DRAIN.total_seconds())
    assert await earlier_secret(case, rotation) == ""


async def test_a_strangers_key_is_reported_and_left_alone(case: Case) -> None:
    unknown_key = second_key(case)
    with pytest.raises(Conflict, match=unknown_key.id) as refusal:
        await rotate(case)
    assert f"--delete-unknown-key {unknown_key.id}" in refusal.value.hint
    assert case.at_aws() == {case.first_key.id: True, unknown_key.id: True}


async def test_a_stranger_that_a_person_names_makes_room(case: Case) -> None:
    unknown_key = second_key(case)
    rotation = await rotate(case, delete_unknown_key=unknown_key.id)
    assert case.at_aws() == {case.first_key.id: True, rotation.new_key_id: True}


async def test_an_old_key_that_somebody_activated_again_is_not_deleted_unasked(case: Case) -> None:
    rotation = await after(case, await rotate(case), DRAIN.total_seconds())
    old = case.first_key.id
    case.ground.iam.update_access_key(UserName=case.user, AccessKeyId=old, Status="Active")
    with pytest.raises(Conflict, match="activated the old key"):
        await after(case, rotation, DAY)
    assert case.at_aws()[old]
    await case.process().start(case.caller, case.integration_id, delete_unknown_key=old)
    rotation = await case.process().advance(rotation.id)
    assert (rotation.stage, old in case.at_aws()) == (Stage.DONE, False)


async def test_who_names_a_key_waits_for_the_process_that_is_at_the_rotation(case: Case) -> None:
    rotation = await rotate(case)
    unknown_key, process, begun = "AKIASTRANGER", case.process(), case.clock.monotonic()
    async with WorkLocks(case.storage, case.clock, case.new_id).hold(f"rotation:{rotation.id}"):
        naming = asyncio.create_task(
            process.start(case.caller, case.integration_id, delete_unknown_key=unknown_key)
        )
        for _ in range(9000):
            if case.clock.monotonic() - begun >= 1:  # the clock of the one that waits
                break
            await asyncio.sleep(0.01)
        assert not naming.done()
    assert unknown_key in (await naming).removable


async def test_a_key_entered_by_hand_meanwhile_wins_and_the_new_one_removes_itself(
    case: Case,
) -> None:
    class Meanwhile(WiredAws):
        async def assume_role(self, key: Any, order: Any) -> Any:
            if key.id != case.first_key.id and not self.entered:
                self.entered = True
                await enter(case, other)
            return await super().assume_role(key, order)

        entered = False

    _, _, other = make_user(case.ground.iam)
    aws = Meanwhile(case.ground.sts, case.ground.keys, Wire(), Wire())
    rotation = await rotate(case, case.process_over(aws))
    assert rotation.stage is Stage.ROLLED_BACK
    assert case.at_aws() == {case.first_key.id: True}
    assert (await case.held()).id == other.id


async def test_a_user_that_may_not_rotate_its_key_is_told_who_may(case: Case) -> None:
    case.ground.iam.delete_user_policy(UserName=case.user, PolicyName="rotation")
    with pytest.raises(AwsRefused, match="may not replace the keys") as refusal:
        await rotate(case)
    assert "setup aws apply" in refusal.value.hint
    assert "--aws-profile" in refusal.value.hint


async def test_an_administrators_credentials_do_it_in_one_go_and_are_not_kept(case: Case) -> None:
    case.ground.iam.delete_user_policy(UserName=case.user, PolicyName="rotation")
    process, admin = case.process(), case.ground.aws.administrator
    rotation = await process.start(
        case.caller, case.integration_id, grace=timedelta(), administrator=admin
    )
    rotation = await process.advance(rotation.id, admin, to_the_end=True)
    assert rotation.stage is Stage.DONE
    assert case.at_aws() == {(await case.held()).id: True}
    database = Path(str(case.storage._engine.url.database))
    for file in database.parent.glob(f"{database.name}*"):
        assert admin.secret.reveal().encode() not in file.read_bytes()


async def test_a_rotation_begun_by_an_administrator_waits_for_one(case: Case) -> None:
    admin = case.ground.aws.administrator
    rotation = await case.process().start(case.caller, case.integration_id, administrator=admin)
    assert await case.process().resume() == []
    with pytest.raises(Conflict, match="administrator"):
        await case.process().advance(rotation.id)
    assert (await case.process().advance(rotation.id, admin)).stage is Stage.SWITCHED


async def test_only_an_owner_rotates(case: Case) -> None:
    roles = {ORG: OrgRole.MEMBER}
    member = Caller(Principal("c" * 24, "grace@example.com", org_roles=roles))
    with pytest.raises(Denied):
        await case.process().start(member, case.integration_id)


async def test_each_stage_is_audited_with_the_keys_and_without_a_secret(case: Case) -> None:
    rotation = await rotate(case)
    events = [record.event async for record in case.audit.read()]
    stages = [e.details["stage"] for e in events if e.action == "integration.rotate"]
    assert stages == ["intended", "created", "sealed", "proven", "switched"]
    assert (await case.held()).secret.reveal() not in str(events)
    assert rotation.new_key_id in str(events)


async def test_a_schedule_starts_a_rotation_when_its_turn_has_come(case: Case) -> None:
    process = case.process()
    schedule = await process.schedule(case.caller, case.integration_id, timedelta(days=30))
    assert schedule is not None
    assert await process.start_due() == []
    case.clock.advance((schedule.next_at - case.clock.now()).total_seconds())
    (rotation,) = await process.start_due()
    assert rotation.stage is Stage.SWITCHED
    status = await process.status(case.caller, case.integration_id)
    assert status.schedule is not None
    assert status.schedule.next_at > case.clock.now() + timedelta(days=29)


async def test_a_turn_that_fails_is_audited_and_the_next_one_stays(case: Case) -> None:
    process = case.process()
    await process.schedule(case.caller, case.integration_id, timedelta(days=1))
    second_key(case)
    case.clock.advance(2 * DAY)
    assert await process.start_due() == []
    failed = [
        record.event
        async for record in case.audit.read()
        if record.event.action == "integration.rotate" and record.event.outcome == "failed"
    ]
    assert "did not make" in failed[0].reason
    status = await process.status(case.caller, case.integration_id)
    assert status.schedule is not None
    assert status.schedule.next_at > case.clock.now()


async def test_a_schedule_ends_when_it_is_told_to(case: Case) -> None:
    process = case.process()
    await process.schedule(case.caller, case.integration_id, timedelta(days=1))
    await process.schedule(case.caller, case.integration_id, None)
    case.clock.advance(5 * DAY)
    assert await process.start_due() == []
    assert case.at_aws() == {case.first_key.id: True}


async def test_where_a_store_does_not_say_whose_a_key_is_rotation_says_what_to_do(
    case: Case,
) -> None:
    case.ground.aws.faults.order(
        Fault(
            FaultKind.ERROR,
            action="GetCallerIdentity",
            times=9,
            code="MethodNotAllowed",
            status=405,
        )
    )
    with pytest.raises(Conflict, match="does not say whose a key is") as refused:
        await case.process().start(case.caller, case.integration_id)
    assert "integrations update" in refused.value.hint
