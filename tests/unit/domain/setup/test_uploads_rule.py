"""The bucket's rule for unfinished uploads: it is added beside others, and taken away alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from support.setup_states import facts, finished, make_desired, make_spec
from valetkey.domain.errors import InvalidInput
from valetkey.domain.setup import (
    ADOPTED,
    ORIGIN_TAG,
    OWNER_TAG,
    Dependents,
    Desired,
    Observed,
    ObservedBucket,
    StepName,
    Unreadable,
    Verdict,
    make_plan,
    make_teardown,
    policies,
)
from valetkey.domain.setup.export.cloudformation import cloudformation
from valetkey.domain.setup.export.terraform import terraform

OTHER = {"ID": "theirs", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 9}}


def with_rule() -> Desired:
    return replace(make_desired(), end_uploads_after_days=7)


def with_lifecycle(desired: Desired, *rules: object, **more: object) -> Observed:
    seen = finished(desired)
    assert isinstance(seen.bucket, ObservedBucket)
    return replace(seen, bucket=replace(seen.bucket, lifecycle={"Rules": list(rules), **more}))


def test_no_rule_is_made_unless_it_is_asked_for() -> None:
    plan = make_plan(make_desired(), with_lifecycle(make_desired(), OTHER), facts())
    assert plan.settled
    assert StepName.UPLOADS not in {step.name for step in plan.steps}


def test_the_rule_goes_beside_those_that_are_there() -> None:
    seen = with_lifecycle(with_rule(), OTHER, TransitionDefaultMinimumObjectSize="varies")
    step = make_plan(with_rule(), seen, facts()).step(StepName.UPLOADS)
    [call] = step.calls
    assert step.verdict is Verdict.CREATE
    assert call.action == "s3:PutLifecycleConfiguration"
    assert call.parameters["TransitionDefaultMinimumObjectSize"] == "varies"
    [first, ours] = call.parameters["LifecycleConfiguration"]["Rules"]
    assert first == OTHER
    assert ours["Filter"] == {"Prefix": "train/"}
    assert ours["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_a_rule_that_is_there_is_left_alone_and_another_number_of_days_is_put_right() -> None:
    rule = policies.uploads_rule(with_rule())
    assert make_plan(with_rule(), with_lifecycle(with_rule(), rule, OTHER), facts()).settled
    old = policies.uploads_rule(replace(with_rule(), end_uploads_after_days=30))
    seen = with_lifecycle(with_rule(), old, OTHER)
    step = make_plan(with_rule(), seen, facts()).step(StepName.UPLOADS)
    assert step.verdict is Verdict.UPDATE
    assert step.calls[0].parameters["LifecycleConfiguration"]["Rules"] == [OTHER, rule]


def test_rules_that_may_not_be_seen_are_not_overwritten() -> None:
    seen = finished(with_rule())
    assert isinstance(seen.bucket, ObservedBucket)
    hidden = replace(
        seen, bucket=replace(seen.bucket, lifecycle=Unreadable("Denied.", "Allow it."))
    )
    step = make_plan(with_rule(), hidden, facts()).step(StepName.UPLOADS)
    assert (step.verdict, step.calls) == (Verdict.UNREADABLE, ())


@pytest.mark.parametrize(
    ("others", "operation"),
    [((OTHER,), "PutBucketLifecycleConfiguration"), ((), "DeleteBucketLifecycle")],
)
def test_a_bucket_that_stays_keeps_its_own_rules_alone(
    others: tuple[object, ...], operation: str
) -> None:
    desired = with_rule()
    seen = with_lifecycle(desired, policies.uploads_rule(desired), *others)
    assert isinstance(seen.bucket, ObservedBucket)
    tags = {OWNER_TAG: desired.name, ORIGIN_TAG: ADOPTED}
    seen = replace(seen, bucket=replace(seen.bucket, tags=tags))
    [removal] = [
        each
        for each in make_teardown(desired, seen, Dependents()).removals
        if each.kind == "bucket"
    ]
    assert removal.calls[0].operation == operation
    assert removal.calls[0].parameters.get("LifecycleConfiguration", {"Rules": []}) == {
        "Rules": list(others)
    }


def test_exports_have_the_rule() -> None:
    spec = replace(make_spec(), end_uploads_after_days=7)
    bucket = json.loads(cloudformation(spec))["Resources"]["Bucket"]["Properties"]
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    resources = json.loads(terraform(spec))["resource"]
    assert "aws_s3_bucket_lifecycle_configuration" in resources
    assert "LifecycleConfiguration" not in cloudformation(make_spec())


def test_a_number_of_days_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="400 days"):
        replace(make_spec(), end_uploads_after_days=400)
