from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.setup_states import LONG_AGO, facts, finished, key, make_desired
from valetkey.domain.setup import (
    ADOPTED,
    NOTHING_THERE,
    ORIGIN_TAG,
    OWNER_TAG,
    Observed,
    ObservedBucket,
    ObservedPolicy,
    ObservedRole,
    ObservedUser,
    Plan,
    PolicyVersion,
    StepName,
    Unreadable,
    Verdict,
    make_plan,
    policies,
)

DESIRED = make_desired()


def planned(observed: Observed, *, adopt: bool = False, held: str | None = None) -> Plan:
    return make_plan(DESIRED, observed, facts() if held is None else facts(held), adopt=adopt)


def with_user(**changes: Any) -> Observed:
    seen = finished(DESIRED)
    assert isinstance(seen.user, ObservedUser)
    return replace(seen, user=replace(seen.user, **changes))


def with_role(**changes: Any) -> Observed:
    seen = finished(DESIRED)
    assert isinstance(seen.role, ObservedRole)
    return replace(seen, role=replace(seen.role, **changes))


def with_bucket(**changes: Any) -> Observed:
    seen = finished(DESIRED)
    assert isinstance(seen.bucket, ObservedBucket)
    return replace(seen, bucket=replace(seen.bucket, **changes))


def with_policy(**changes: Any) -> Observed:
    seen = finished(DESIRED)
    assert isinstance(seen.policy, ObservedPolicy)
    return replace(seen, policy=replace(seen.policy, **changes))


def actions(plan: Plan) -> list[str]:
    return [call.action for step in plan.steps for call in step.calls]


def test_an_empty_account_gets_the_pages_objects_in_the_pages_order() -> None:
    plan = planned(NOTHING_THERE, held="")
    assert {step.verdict for step in plan.steps} == {Verdict.CREATE}
    assert actions(plan) == [
        "s3:CreateBucket",
        "s3:PutBucketPublicAccessBlock",
        "iam:CreatePolicy",
        "iam:CreateUser",
        "iam:CreateRole",
        "iam:AttachRolePolicy",
        "iam:PutUserPolicy",
        "iam:PutUserPolicy",
        "iam:CreateAccessKey",
        "iam:UpdateAssumeRolePolicy",
    ]


def test_revocation_adds_a_right_and_the_boundary_that_tames_it() -> None:
    plan = make_plan(make_desired(revocation=True), NOTHING_THERE, facts(""))
    extra = {StepName.BOUNDARY, StepName.REVOCATION_POLICY}
    assert {step.name for step in plan.steps} - extra == {
        step.name for step in planned(NOTHING_THERE, held="").steps
    }
    names = [step.name for step in plan.steps]
    # The user gets the right to write on the role only when the role is fenced in.
    assert names.index(StepName.BOUNDARY) < names.index(StepName.REVOCATION_POLICY)


def test_the_role_stays_shut_until_the_last_step() -> None:
    plan = planned(NOTHING_THERE, held="")
    (create,) = plan.step(StepName.ROLE).calls
    assert create.parameters["AssumeRolePolicyDocument"] == policies.to_json(policies.NOBODY)
    assert plan.steps[-1].name is StepName.TRUST


@pytest.mark.parametrize("revocation", [False, True])
def test_a_finished_setup_is_left_alone(revocation: bool) -> None:
    desired = make_desired(revocation=revocation)
    plan = make_plan(desired, finished(desired), facts())
    assert plan.settled
    assert actions(plan) == []


def test_every_object_that_is_made_carries_our_tag() -> None:
    plan = planned(NOTHING_THERE, held="")
    tagged = [
        call for step in plan.steps for call in step.calls if OWNER_TAG in str(call.parameters)
    ]
    assert [call.action for call in tagged] == [
        "s3:CreateBucket",
        "iam:CreatePolicy",
        "iam:CreateUser",
        "iam:CreateRole",
    ]


DRIFT: list[tuple[str, Observed, StepName, list[str]]] = [
    (
        "public access is half open",
        with_bucket(public_access={"BlockPublicAcls": True}),
        StepName.PUBLIC_ACCESS,
        ["s3:PutBucketPublicAccessBlock"],
    ),
    (
        "nothing blocks public access",
        with_bucket(public_access=None),
        StepName.PUBLIC_ACCESS,
        ["s3:PutBucketPublicAccessBlock"],
    ),
    (
        "the policy was edited",
        with_policy(document={"Version": "2012-10-17", "Statement": []}),
        StepName.POLICY,
        ["iam:CreatePolicyVersion"],
    ),
    (
        "the user got a password",
        with_user(console=True),
        StepName.USER,
        ["iam:DeleteLoginProfile"],
    ),
    ("the policy came off", with_role(attached=()), StepName.ATTACHMENT, ["iam:AttachRolePolicy"]),
    (
        "the inline policy names another role",
        with_user(
            inline=policies.user_policies(DESIRED)
            | {"valetkey-assume-role": policies.assume_role(replace(DESIRED, role="other"))}
        ),
        StepName.ASSUME_POLICY,
        ["iam:PutUserPolicy"],
    ),
    (
        "the inline policy is gone",
        with_user(inline={"valetkey-self-rotation": policies.self_rotation(DESIRED)}),
        StepName.ASSUME_POLICY,
        ["iam:PutUserPolicy"],
    ),
    (
        "the trust policy names a user who was deleted",
        with_role(
            trust={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "AIDAEXAMPLE"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
        StepName.TRUST,
        ["iam:UpdateAssumeRolePolicy"],
    ),
    (
        "a right that is no longer wanted",
        with_user(
            inline=policies.user_policies(DESIRED)
            | {"valetkey-revocation": policies.revocation(DESIRED)}
        ),
        StepName.REVOCATION_POLICY,
        ["iam:DeleteUserPolicy"],
    ),
]


@pytest.mark.parametrize(
    ("observed", "name", "calls"), [row[1:] for row in DRIFT], ids=[row[0] for row in DRIFT]
)
def test_drift_is_mended_by_its_own_step_alone(
    observed: Observed, name: StepName, calls: list[str]
) -> None:
    plan = planned(observed)
    assert [step.name for step in plan.changes] == [name]
    assert actions(plan) == calls
    assert plan.step(name).verdict in {Verdict.UPDATE, Verdict.CREATE}


def test_the_oldest_version_of_a_policy_makes_room_for_a_sixth() -> None:
    versions = tuple(
        PolicyVersion(f"v{number}", number == 1, LONG_AGO + timedelta(days=number))
        for number in range(1, 6)
    )
    plan = planned(with_policy(document={}, versions=versions))
    first, second = plan.step(StepName.POLICY).calls
    assert (first.action, first.parameters["VersionId"]) == ("iam:DeletePolicyVersion", "v2")
    assert second.action == "iam:CreatePolicyVersion"


@pytest.mark.parametrize(
    ("observed", "name", "says", "advice"),
    [
        (with_bucket(foreign=True), StepName.BUCKET, "taken", "--bucket"),
        (with_bucket(region="us-east-1"), StepName.BUCKET, "us-east-1", "--region us-east-1"),
        (with_bucket(tags={}), StepName.BUCKET, "did not make it", "--adopt"),
        (with_policy(tags={}), StepName.POLICY, "did not make it", "--adopt"),
        (with_user(tags={}), StepName.USER, "did not make it", "--adopt"),
        (with_role(tags={OWNER_TAG: "other"}), StepName.ROLE, "'other'", "--name other"),
    ],
)
def test_what_is_not_ours_is_a_conflict_with_advice(
    observed: Observed, name: StepName, says: str, advice: str
) -> None:
    plan = planned(observed)
    (obstacle,) = plan.obstacles
    assert obstacle.name is name
    assert says in obstacle.detail
    assert advice in obstacle.fix
    assert obstacle.calls == ()


def test_another_setups_object_is_not_adopted_even_when_told_to() -> None:
    plan = planned(with_user(tags={OWNER_TAG: "other"}), adopt=True)
    assert plan.step(StepName.USER).verdict is Verdict.CONFLICT


def test_steps_behind_an_obstacle_wait() -> None:
    plan = planned(with_role(tags={}, trust={}, attached=()))
    assert plan.step(StepName.TRUST).verdict is Verdict.BLOCKED
    assert plan.step(StepName.ATTACHMENT).verdict is Verdict.BLOCKED
    assert plan.step(StepName.ASSUME_POLICY).verdict is Verdict.NOTHING


@pytest.mark.parametrize(
    ("observed", "name", "action"),
    [
        (with_bucket(tags={"team": "a"}), StepName.BUCKET, "s3:PutBucketTagging"),
        (with_policy(tags={}), StepName.POLICY, "iam:TagPolicy"),
        (with_user(tags={}), StepName.USER, "iam:TagUser"),
        (with_role(tags={}), StepName.ROLE, "iam:TagRole"),
    ],
)
def test_adopting_tags_the_object_as_one_that_was_there_before(
    observed: Observed, name: StepName, action: str
) -> None:
    step = planned(observed, adopt=True).step(name)
    assert step.verdict is Verdict.ADOPT
    assert step.calls[0].action == action
    assert ADOPTED in str(step.calls[0].parameters)


def test_adopting_a_bucket_keeps_the_tags_it_has() -> None:
    (call,) = planned(with_bucket(tags={"team": "a"}), adopt=True).step(StepName.BUCKET).calls
    tags = {tag["Key"]: tag["Value"] for tag in call.parameters["Tagging"]["TagSet"]}
    assert tags == {"team": "a", OWNER_TAG: "valetkey", ORIGIN_TAG: ADOPTED}


def test_a_part_that_may_not_be_looked_at_stops_the_rest_of_it() -> None:
    blind = Unreadable("The credentials may not do iam:GetRole.", "Ask for the right.")
    plan = planned(replace(finished(DESIRED), role=blind))
    (obstacle,) = plan.obstacles
    assert (obstacle.name, obstacle.verdict) == (StepName.ROLE, Verdict.UNREADABLE)
    assert "iam:GetRole" in obstacle.detail


def test_rights_beyond_the_plan_are_named_and_left_alone() -> None:
    observed = with_user(
        inline=policies.user_policies(DESIRED) | {"extra": {}},
        attached=("arn:aws:iam::aws:policy/AdministratorAccess",),
        groups=("admins",),
    )
    plan = planned(observed)
    assert plan.settled
    assert plan.step(StepName.USER).surplus == (
        "inline policy extra",
        "policy arn:aws:iam::aws:policy/AdministratorAccess",
        "membership in group admins",
    )


def test_the_policy_that_denies_revoked_sessions_is_not_surplus() -> None:
    plan = planned(with_role(inline=("valetkey-revocations", "mine")))
    assert plan.step(StepName.ROLE).surplus == ("inline policy mine",)


def test_a_second_key_of_the_user_is_named_and_left_alone() -> None:
    plan = planned(with_user(keys=(key(), key("AKIASTRANGER00000000"))))
    assert plan.settled
    assert plan.step(StepName.ACCESS_KEY).surplus == ("access key AKIASTRANGER00000000",)


def test_the_oldest_region_is_not_named_when_a_bucket_is_made() -> None:
    desired = replace(DESIRED, region="us-east-1")
    (call,) = make_plan(desired, NOTHING_THERE, facts("")).step(StepName.BUCKET).calls
    assert "LocationConstraint" not in call.parameters["CreateBucketConfiguration"]
