from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.setup_states import KEY_ID, LONG_AGO, finished, key, make_desired
from valetkey.domain.setup import (
    ADOPTED,
    DENY_POLICY,
    NOTHING_THERE,
    Dependents,
    Observed,
    PolicyVersion,
    Removal,
    RemovalAction,
    TeardownPlan,
    Unreadable,
    make_teardown,
)

DESIRED = make_desired(revocation=True)
SEEN: Any = finished(DESIRED)
OUR_TAGS = DESIRED.tags()
ADOPTED_TAGS = DESIRED.tags(ADOPTED)
STRANGER = "AKIASTRANGER00000000"


def teardown(
    observed: Observed = SEEN, dependents: Dependents | None = None, **how: bool
) -> TeardownPlan:
    return make_teardown(DESIRED, observed, dependents or Dependents(held_key=KEY_ID), **how)


def of(kind: str, plan: TeardownPlan) -> Removal:
    return next(item for item in plan.removals if item.kind == kind)


def actions(removal: Removal) -> list[str]:
    return [call.action for call in removal.calls]


def test_all_that_the_setup_made_goes_identities_first() -> None:
    plan = teardown()
    assert [item.action for item in plan.removals] == [RemovalAction.REMOVE] * 4
    assert [item.kind for item in plan.removals] == ["user", "role", "policy", "bucket"]
    assert actions(of("user", plan)) == [
        "iam:DeleteAccessKey",
        "iam:DeleteUserPolicy",
        "iam:DeleteUserPolicy",
        "iam:DeleteUserPolicy",
        "iam:DeleteUser",
    ]
    assert actions(of("role", plan)) == [
        "iam:DetachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteRole",
    ]
    assert actions(of("policy", plan)) == ["iam:DeletePolicy"]
    assert actions(of("bucket", plan)) == ["s3:DeleteBucket"]


def test_where_nothing_is_there_is_nothing_to_do() -> None:
    plan = teardown(NOTHING_THERE)
    assert {item.action for item in plan.removals} == {RemovalAction.ABSENT}
    assert plan.changes == ()


def test_all_that_hangs_on_a_user_of_ours_goes_with_it() -> None:
    user = replace(
        SEEN.user,
        console=True,
        attached=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        groups=("staff",),
        keys=(key(), key(STRANGER)),
    )
    removal = of("user", teardown(replace(SEEN, user=user)))
    assert "iam:DetachUserPolicy" in actions(removal)
    assert "iam:RemoveUserFromGroup" in actions(removal)
    assert "iam:DeleteLoginProfile" in actions(removal)
    assert f"access key {STRANGER}" in removal.parts  # said before it is done


def test_a_role_is_freed_from_what_holds_it() -> None:
    role = replace(SEEN.role, inline=(DENY_POLICY,))
    dependents = Dependents(instance_profiles=("machine",))
    removal = of("role", teardown(replace(SEEN, role=role), dependents))
    assert actions(removal)[:1] == ["iam:DeleteRolePolicy"]
    assert "iam:RemoveRoleFromInstanceProfile" in actions(removal)


def test_old_versions_of_the_policy_go_first() -> None:
    versions = (PolicyVersion("v2", True, LONG_AGO), PolicyVersion("v1", False, LONG_AGO))
    seen = replace(SEEN, policy=replace(SEEN.policy, versions=versions))
    removal = of("policy", teardown(seen))
    assert actions(removal) == ["iam:DeletePolicyVersion", "iam:DeletePolicy"]


@pytest.mark.parametrize("tags", [{}, {"valetkey:setup": "other"}])
@pytest.mark.parametrize("kind", ["user", "role", "policy", "bucket"])
def test_what_is_not_ours_is_kept(kind: str, tags: dict[str, str]) -> None:
    seen = replace(SEEN, **{kind: replace(getattr(SEEN, kind), tags=tags)})
    removal = of(kind, teardown(seen))
    assert removal.action is RemovalAction.KEEP
    assert removal.calls == ()


def test_a_policy_that_others_use_stands_in_the_way() -> None:
    dependents = Dependents(policy_users=("role valetkey-role", "user someone"))
    plan = teardown(dependents=dependents)
    (obstacle,) = plan.obstacles
    assert obstacle.detail == "others use it: user someone"


def test_a_bucket_with_objects_stands_in_the_way_and_says_how_many() -> None:
    plan = teardown(dependents=Dependents(object_versions=12345))
    (obstacle,) = plan.obstacles
    assert "12,345" in obstacle.detail
    assert "--delete-objects" in obstacle.fix


def test_objects_are_deleted_when_told_to() -> None:
    removal = of("bucket", teardown(dependents=Dependents(object_versions=3), delete_objects=True))
    assert removal.action is RemovalAction.REMOVE
    assert removal.empty_first


@pytest.mark.parametrize("kind", ["user", "role", "policy", "bucket"])
def test_what_may_not_be_looked_at_stands_in_the_way(kind: str) -> None:
    seen = replace(SEEN, **{kind: Unreadable("not allowed to look", "ask")})
    (obstacle,) = teardown(seen).obstacles
    assert obstacle.kind == kind


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        ("user", ["iam:DeleteAccessKey", *["iam:DeleteUserPolicy"] * 3, "iam:UntagUser"]),
        ("role", ["iam:DetachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:UntagRole"]),
        ("policy", ["iam:UntagPolicy"]),
    ],
)
def test_what_was_taken_over_is_released_and_stays(kind: str, calls: list[str]) -> None:
    seen = replace(SEEN, **{kind: replace(getattr(SEEN, kind), tags=ADOPTED_TAGS)})
    removal = of(kind, teardown(seen))
    assert removal.action is RemovalAction.RELEASE
    assert actions(removal) == calls


def test_an_adopted_users_own_keys_and_policies_stay() -> None:
    user = replace(
        SEEN.user,
        tags=ADOPTED_TAGS,
        inline={**SEEN.user.inline, "mine": {}},
        attached=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        keys=(key(), key(STRANGER)),
    )
    removal = of("user", teardown(replace(SEEN, user=user)))
    assert [call.parameters.get("AccessKeyId") for call in removal.calls[:1]] == [KEY_ID]
    assert STRANGER not in str(removal)
    assert "mine" not in str(removal.calls)
    assert "ReadOnlyAccess" not in str(removal.calls)


def test_an_adopted_bucket_keeps_its_other_tags() -> None:
    bucket = replace(SEEN.bucket, tags={**ADOPTED_TAGS, "team": "a"})
    (call,) = of("bucket", teardown(replace(SEEN, bucket=bucket))).calls
    assert call.parameters["Tagging"] == {"TagSet": [{"Key": "team", "Value": "a"}]}


def test_an_adopted_bucket_without_other_tags_loses_its_tag_set() -> None:
    bucket = replace(SEEN.bucket, tags=ADOPTED_TAGS)
    removal = of("bucket", teardown(replace(SEEN, bucket=bucket)))
    assert [call.operation for call in removal.calls] == ["DeleteBucketTagging"]
