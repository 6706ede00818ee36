"""destroy: what was made goes, what was there stays, and a broken run is run again."""

from __future__ import annotations

from typing import Any

import pytest

from support.aws import REGION
from support.setup_aws import Bench, make_spec, snapshot
from valetkey.domain.errors import AwsRefused, Conflict
from valetkey.domain.setup import RemovalAction, policies
from valetkey.embedded import EmbeddedAws, Fault, FaultKind

SPEC = make_spec(revocation=True)
EMPTY: dict[str, dict[str, Any]] = {"users": {}, "roles": {}, "policies": {}, "buckets": {}}


async def destroy(here: Bench, **how: Any) -> tuple[str, ...]:
    teardown = await here.teardown.plan(SPEC, **how)
    return await here.teardown.destroy(teardown)


async def test_all_that_apply_made_is_gone(here: Bench) -> None:
    await here.setup.apply(SPEC)
    await destroy(here)
    assert snapshot(here) == EMPTY
    assert not here.secret_file.exists()


async def test_planning_a_teardown_changes_nothing(here: Bench) -> None:
    await here.setup.apply(SPEC)
    before = snapshot(here)
    here.api.calls.clear()
    teardown = await here.teardown.plan(SPEC)
    assert [item.action for item in teardown.removals] == [RemovalAction.REMOVE] * 4
    assert here.api.writes == []
    assert snapshot(here) == before


async def test_destroying_twice_is_nothing_twice(here: Bench) -> None:
    await here.setup.apply(SPEC)
    await destroy(here)
    here.api.calls.clear()
    await destroy(here)
    assert here.api.writes == []


async def test_what_hangs_on_our_objects_goes_with_them(here: Bench) -> None:
    applied = await here.setup.apply(SPEC)
    iam = here.client("iam")
    iam.create_access_key(UserName="valetkey-user")
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="valetkey-user")
    iam.create_login_profile(UserName="valetkey-user", Password="Correct-horse-9")
    iam.attach_user_policy(
        UserName="valetkey-user", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    iam.put_role_policy(
        RoleName="valetkey-role",
        PolicyName="valetkey-revocations",
        PolicyDocument=policies.to_json(policies.self_rotation(applied.desired)),
    )
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="valetkey-role")
    iam.create_policy_version(
        PolicyArn=applied.desired.policy_arn,
        PolicyDocument=policies.to_json(policies.self_rotation(applied.desired)),
        SetAsDefault=True,
    )
    await destroy(here)
    assert snapshot(here) == EMPTY


async def test_a_bucket_with_objects_stops_it_before_anything_is_removed(here: Bench) -> None:
    await here.setup.apply(SPEC)
    before = snapshot(here)
    s3 = here.client("s3")
    for number in range(3):
        s3.put_object(Bucket="acme-data", Key=f"object-{number}", Body=b"x")
    with pytest.raises(Conflict, match="3 objects"):
        await destroy(here)
    assert snapshot(here) == before


async def test_every_version_is_counted_and_deleted_when_told_to(here: Bench) -> None:
    await here.setup.apply(SPEC)
    s3 = here.client("s3")
    s3.put_bucket_versioning(Bucket="acme-data", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="acme-data", Key="a", Body=b"x")
    s3.delete_object(Bucket="acme-data", Key="a")
    teardown = await here.teardown.plan(SPEC, delete_objects=True)
    assert "3 objects" in teardown.removals[-1].parts[0]
    await here.teardown.destroy(teardown)
    assert snapshot(here) == EMPTY


async def test_more_objects_than_a_page_are_deleted(here: Bench) -> None:
    await here.setup.apply(SPEC)
    s3 = here.client("s3")
    # Versioned: without, MiniStack lists the last object of a page again on the next.
    s3.put_bucket_versioning(Bucket="acme-data", VersioningConfiguration={"Status": "Enabled"})
    for number in range(1005):
        s3.put_object(Bucket="acme-data", Key=f"{number:05}", Body=b"")
    teardown = await here.teardown.plan(SPEC, delete_objects=True)
    assert "1,005 objects" in teardown.removals[-1].parts[0]
    await here.teardown.destroy(teardown)
    assert snapshot(here)["buckets"] == {}


async def test_what_was_there_before_is_released_and_stays(here: Bench) -> None:
    iam, s3 = here.client("iam"), here.client("s3")
    s3.create_bucket(Bucket="acme-data", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket="acme-data", Tagging={"TagSet": [{"Key": "team", "Value": "a"}]})
    iam.create_user(UserName="valetkey-user")
    theirs = iam.create_access_key(UserName="valetkey-user")["AccessKey"]["AccessKeyId"]
    here.clock.slept += 3600  # long enough ago to be nobody's running apply
    await here.setup.apply(SPEC, adopt=True)
    s3.put_object(Bucket="acme-data", Key="theirs", Body=b"x")
    await destroy(here)
    left = snapshot(here)
    assert left["roles"] == left["policies"] == {}
    assert left["users"] == {"valetkey-user": {"inline": {}, "tags": [], "keys": 1}}
    assert here.key_ids() == [theirs]
    assert left["buckets"]["acme-data"]["tags"] == [{"Key": "team", "Value": "a"}]


async def test_a_foreign_object_of_the_same_name_is_kept(here: Bench) -> None:
    here.client("iam").create_user(UserName="valetkey-user")
    teardown = await here.teardown.plan(SPEC)
    assert teardown.changes == ()
    assert teardown.removals[0].action is RemovalAction.KEEP


async def test_a_policy_that_somebody_else_uses_stops_it(here: Bench) -> None:
    applied = await here.setup.apply(SPEC)
    iam = here.client("iam")
    iam.create_user(UserName="someone")
    iam.attach_user_policy(UserName="someone", PolicyArn=applied.desired.policy_arn)
    with pytest.raises(Conflict, match="user someone"):
        await destroy(here)


REMOVALS = [
    ("iam", "DeleteAccessKey"),
    ("iam", "DeleteUserPolicy"),
    ("iam", "DeleteUser"),
    ("iam", "DetachRolePolicy"),
    ("iam", "DeleteRolePermissionsBoundary"),
    ("iam", "DeleteRole"),
    ("iam", "DeletePolicy"),
    ("s3", "DELETE bucket"),
]


@pytest.mark.parametrize(("service", "action"), REMOVALS)
async def test_broken_off_anywhere_it_goes_on_when_run_again(
    here: Bench, aws: EmbeddedAws, service: str, action: str
) -> None:
    await here.setup.apply(SPEC)
    aws.faults.order(Fault(FaultKind.ERROR, service, action, code="AccessDenied", status=403))
    with pytest.raises(AwsRefused):
        await destroy(here)
    await destroy(here)
    assert snapshot(here) == EMPTY


@pytest.mark.parametrize(("service", "action"), REMOVALS)
async def test_a_removal_whose_answer_is_lost_is_made_good_at_once(
    here: Bench, aws: EmbeddedAws, service: str, action: str
) -> None:
    await here.setup.apply(SPEC)
    aws.faults.order(Fault(FaultKind.LOST_RESPONSE, service, action))
    await destroy(here)
    assert snapshot(here) == EMPTY


async def test_a_detached_policy_that_still_seems_attached_is_waited_for(
    here: Bench, aws: EmbeddedAws
) -> None:
    await here.setup.apply(SPEC)
    aws.faults.order(
        Fault(FaultKind.ERROR, "iam", "DeletePolicy", times=3, code="DeleteConflict", status=409)
    )
    await destroy(here)
    assert snapshot(here) == EMPTY
    assert here.clock.slept > 0


async def test_an_adopted_users_key_goes_even_when_the_first_run_broke_off(
    here: Bench, aws: EmbeddedAws
) -> None:
    here.client("iam").create_user(UserName="valetkey-user")
    await here.setup.apply(SPEC, adopt=True)
    aws.faults.order(
        Fault(FaultKind.ERROR, "iam", "DeleteAccessKey", code="AccessDenied", status=403)
    )
    with pytest.raises(AwsRefused):
        await destroy(here)
    assert not here.secret_file.exists()
    await destroy(here)
    assert here.key_ids() == []


async def test_a_setup_can_be_made_again_after_its_teardown(here: Bench) -> None:
    await here.setup.apply(SPEC)
    await destroy(here)
    assert (await here.setup.apply(SPEC)).complete
