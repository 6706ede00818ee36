"""What differs from the plan that made a set-up, on an AWS where somebody changed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.setup_aws import Bench, MiddleEntropy, bench, environment, make_spec
from valetkey.domain.diagnosis.drift import SourceOfTruth
from valetkey.domain.diagnosis.view import Subject
from valetkey.domain.role_arn import RoleArn
from valetkey.embedded import EmbeddedAws
from valetkey.services.diagnosis import Diagnosis

SPEC = make_spec(folder="train/")
ROLE = "arn:aws:iam::000000000000:role/valetkey-role"
TRUST_OTHERS = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},'
    '"Action":"sts:AssumeRole"}]}'
)


@pytest.fixture
def here(
    embedded_aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    for name, value in environment(embedded_aws.endpoint, embedded_aws.administrator).items():
        monkeypatch.setenv(name, value)
    with bench(embedded_aws, tmp_path) as made:
        yield made


def subject_of(here: Bench) -> Subject:
    return Subject(RoleArn.parse(ROLE), here.custodian_key(), SPEC.bucket, SPEC.folder, SPEC.region)


def _widen(iam: Any, s3: Any) -> None:
    del s3
    iam.attach_role_policy(
        RoleName="valetkey-role", PolicyArn="arn:aws:iam::000000000000:policy/valetkey-s3"
    )
    iam.put_role_policy(
        RoleName="valetkey-role",
        PolicyName="extra",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",'
        '"Resource":"*"}]}',
    )


CHANGES: list[tuple[Callable[[Any, Any], object], str, SourceOfTruth]] = [
    (
        lambda iam, _: iam.update_assume_role_policy(
            RoleName="valetkey-role", PolicyDocument=TRUST_OTHERS
        ),
        "drift-trust",
        SourceOfTruth.PLAN,
    ),
    (
        lambda iam, _: iam.delete_user_policy(
            UserName="valetkey-user", PolicyName="valetkey-assume-role"
        ),
        "drift-assume-policy",
        SourceOfTruth.PLAN,
    ),
    (
        lambda _, s3: s3.delete_public_access_block(Bucket=SPEC.bucket),
        "drift-public-access",
        SourceOfTruth.PLAN,
    ),
    (_widen, "drift-role", SourceOfTruth.PERSON),
    (
        lambda iam, _: iam.untag_user(UserName="valetkey-user", TagKeys=["valetkey:setup"]),
        "drift-user",
        SourceOfTruth.PERSON,
    ),
]


@pytest.mark.parametrize(("change", "name", "source_of_truth"), CHANGES)
async def test_what_differs_and_whom_to_believe(
    here: Bench, change: Callable[[Any, Any], object], name: str, source_of_truth: SourceOfTruth
) -> None:
    await here.setup.apply(SPEC)
    diagnosis = Diagnosis(here.api, here.clock, MiddleEntropy())
    assert (await diagnosis.look(subject_of(here))).drift == ()
    change(here.client("iam"), here.client("s3"))
    found = (await diagnosis.look(subject_of(here))).drift
    assert found is not None
    assert [(it.check.name, it.source_of_truth) for it in found] == [(name, source_of_truth)]


async def test_a_set_up_made_by_hand_has_no_plan(here: Bench) -> None:
    await here.setup.apply(SPEC)
    here.client("iam").untag_role(RoleName="valetkey-role", TagKeys=["valetkey:setup"])
    diagnosis = Diagnosis(here.api, here.clock, MiddleEntropy())
    assert (await diagnosis.look(subject_of(here))).drift is None


async def test_what_has_drifted_apply_puts_back(here: Bench) -> None:
    await here.setup.apply(SPEC)
    here.client("iam").update_assume_role_policy(
        RoleName="valetkey-role", PolicyDocument=TRUST_OTHERS
    )
    await here.setup.apply(SPEC)
    diagnosis = Diagnosis(here.api, here.clock, MiddleEntropy())
    assert (await diagnosis.look(subject_of(here))).drift == ()


async def test_another_bucket_on_the_same_role_is_not_compared_with_the_plan(here: Bench) -> None:
    await here.setup.apply(SPEC)
    here.client("s3").create_bucket(
        Bucket="another", CreateBucketConfiguration={"LocationConstraint": SPEC.region}
    )
    diagnosis = Diagnosis(here.api, here.clock, MiddleEntropy())
    other = replace(subject_of(here), bucket="another")
    assert (await diagnosis.look(other)).drift is None


async def test_a_driver_on_a_folder_of_a_bucket_set_up_as_a_whole_is_no_drift(here: Bench) -> None:
    await here.setup.apply(make_spec())
    diagnosis = Diagnosis(here.api, here.clock, MiddleEntropy())
    assert (await diagnosis.look(subject_of(here))).drift == ()


@pytest.mark.parametrize("broken", ["assume-role", "attachment", "trust"])
async def test_the_repair_of_our_own_set_up_makes_no_new_drift(here: Bench, broken: str) -> None:
    spec = make_spec(folder="train/", name="acme")
    await here.setup.apply(spec)
    iam = here.client("iam")
    if broken == "assume-role":
        iam.delete_user_policy(UserName="acme-user", PolicyName="acme-assume-role")
    elif broken == "attachment":
        arn = "arn:aws:iam::000000000000:policy/acme-s3"
        iam.detach_role_policy(RoleName="acme-role", PolicyArn=arn)
    else:
        nobody = '{"Version":"2012-10-17","Statement":[]}'
        iam.update_assume_role_policy(RoleName="acme-role", PolicyDocument=nobody)
    role = RoleArn.parse("arn:aws:iam::000000000000:role/acme-role")
    subject = replace(subject_of(here), role=role)
    diagnosis = Diagnosis(here.api, here.clock, MiddleEntropy())
    after = await diagnosis.repair(subject, await diagnosis.look(subject))
    assert after.report.passed, after.report.first_failure
    assert after.drift == ()
