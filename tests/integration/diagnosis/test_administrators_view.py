"""With an administrator's credentials: which layer refuses, by which statement, and the repair."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.broken_setups import ALL, Broken
from support.diagnosing import World
from support.own_aws import OwnAws
from valetkey.domain.verification import Outcome
from valetkey.services.diagnosis import Diagnosis

NewWorld = Callable[[], World]
SEEN = [row for row in ALL if row.layer]
#: What no call fixes: somebody wanted it so, or it is not at AWS but in what Valetkey was told.
BY_HAND = {
    "the key was deleted",
    "the key is mistyped",
    "the user was deleted",
    "another policy of the user denies",
    "a group of the user denies",
    "the user's boundary leaves it out",
    "the external id is not demanded",
    "the role was deleted",
    "the role is written otherwise",
    "the role's boundary leaves S3 out",
    "the role's boundary lets nothing be written",
    "every session was revoked",
    "the role is denied the folder",
    "the bucket policy denies writing",
    "the bucket policy denies deleting",
}
#: From which address Valetkey comes is not known on the administrator's machine, and a bucket that
#: refuses everybody can't be looked at: that is said, and nothing is called wrong.
UNKNOWN = {
    "the bucket policy denies everything",
    "the inline policy holds elsewhere only",
    "the trust policy holds elsewhere only",
}


async def test_nothing_is_found_wrong_with_the_good_one(
    new_world: NewWorld, diagnosis: Diagnosis
) -> None:
    found = await diagnosis.look(new_world().subject)
    assert {check.outcome for check in found.report.checks} == {Outcome.PASSED}
    assert found.calls == ()


@pytest.mark.parametrize("row", SEEN, ids=[row.name for row in SEEN])
async def test_the_layer_that_refuses_is_named_and_mended_where_nobody_wanted_it_so(
    new_world: NewWorld, own: OwnAws, diagnosis: Diagnosis, row: Broken
) -> None:
    world = new_world()
    row.change(world)
    found = await diagnosis.look(world.subject)
    doubtful = {Outcome.FAILED, Outcome.UNKNOWN}
    first = next(check for check in found.report.checks if check.outcome in doubtful)
    assert first.layer == row.layer, first
    assert (first.outcome is Outcome.UNKNOWN) == (row.name in UNKNOWN)
    assert first.cause
    assert first.fix
    if row.name in UNKNOWN:
        return
    assert bool(found.by_hand) == (row.name in BY_HAND)
    if found.by_hand:
        return
    after = await diagnosis.repair(world.subject, found)
    assert after.report.passed, after.report.first_failure
    assert after.calls == ()
    report = await world.verify(own)
    assert report.passed, report.first_failure


async def test_public_access_is_blocked_by_the_repair(
    new_world: NewWorld, diagnosis: Diagnosis
) -> None:
    world = new_world()
    world.s3.delete_public_access_block(Bucket=world.setup.bucket)
    found = await diagnosis.look(world.subject)
    assert [finding.check.name for finding in found.findings if finding.wrong] == ["public-access"]
    await diagnosis.repair(world.subject, found)
    block = world.s3.get_public_access_block(Bucket=world.setup.bucket)
    assert all(block["PublicAccessBlockConfiguration"].values())


async def test_the_repair_keeps_whom_the_role_trusted_before(
    new_world: NewWorld, diagnosis: Diagnosis
) -> None:
    world = new_world()
    world.trust({"Service": "ec2.amazonaws.com"})
    await diagnosis.repair(world.subject, await diagnosis.look(world.subject))
    role = world.iam.get_role(RoleName=world.setup.role)["Role"]
    trusted = [one["Principal"] for one in role["AssumeRolePolicyDocument"]["Statement"]]
    assert trusted == [{"Service": "ec2.amazonaws.com"}, {"AWS": world.user_arn}]
