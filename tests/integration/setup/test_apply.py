"""plan, apply and verify against an AWS that enforces IAM."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.aws import REGION
from support.setup_aws import Bench, make_spec, snapshot
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable, Conflict, Locked
from valetkey.domain.secret import Secret
from valetkey.domain.setup import StepName, Verdict
from valetkey.domain.verification import Outcome
from valetkey.embedded import EmbeddedAws, Fault, FaultKind
from valetkey.services.setup import holds

SPEC = make_spec()
FOLDER = make_spec(folder="train")


async def apply(here: Bench, spec: Any = SPEC, **how: Any) -> Any:
    return await here.setup.apply(spec, progress=here.events.append, **how)


def session(here: Bench, role_arn: str) -> Any:
    """An S3 client of the role, as the user's own key gets it."""
    key = here.custodian.read()
    assert key is not None
    given = here.client("sts", key).assume_role(RoleArn=role_arn, RoleSessionName="test")
    credentials = given["Credentials"]
    temporary = AccessKey(credentials["AccessKeyId"], Secret(credentials["SecretAccessKey"]))
    return here.client("s3", temporary, credentials["SessionToken"])


async def test_a_fresh_account_gets_all_of_it_and_everything_holds(here: Bench) -> None:
    applied = await apply(here)
    assert applied.complete
    assert [check.outcome for check in applied.report.checks] == [Outcome.PASSED] * 12
    state = snapshot(here)
    assert set(state["users"]) == {"valetkey-user"}
    assert set(state["roles"]) == {"valetkey-role"}
    assert set(state["policies"]) == {"valetkey-s3"}
    assert set(state["buckets"]) == {"acme-data"}
    assert all(state["buckets"]["acme-data"]["block"].values())
    assert here.key_ids() == [applied.key_id]


async def test_the_role_opens_the_folder_and_nothing_beside_it(here: Bench) -> None:
    applied = await apply(here, FOLDER)
    s3 = session(here, applied.desired.role_arn)
    s3.put_object(Bucket="acme-data", Key="train/a", Body=b"x")
    assert s3.get_object(Bucket="acme-data", Key="train/a")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket="acme-data", Prefix="train/")["KeyCount"] == 1
    s3.delete_object(Bucket="acme-data", Key="train/a")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="acme-data", Key="trainer/a", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="acme-data")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_bucket(Bucket="acme-data")


async def test_the_users_own_key_opens_nothing(here: Bench) -> None:
    await apply(here)
    key = here.custodian.read()
    with pytest.raises(ClientError, match="AccessDenied"):
        here.client("s3", key).list_objects_v2(Bucket="acme-data")


async def test_the_user_may_replace_its_own_keys_and_no_others(here: Bench) -> None:
    await apply(here)
    iam = here.client("iam", here.custodian.read())
    made = iam.create_access_key(UserName="valetkey-user")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="valetkey-user", AccessKeyId=made, Status="Inactive")
    iam.delete_access_key(UserName="valetkey-user", AccessKeyId=made)
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.create_access_key(UserName="administrator")


async def test_the_right_to_revoke_can_not_widen_the_role(here: Bench) -> None:
    applied = await apply(here, make_spec(folder="train", revocation=True))
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    here.client("iam", here.custodian.read()).put_role_policy(
        RoleName="valetkey-role",
        PolicyName="wide",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    s3 = session(here, applied.desired.role_arn)
    s3.list_objects_v2(Bucket="acme-data", Prefix="train/")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="acme-data")


async def test_plan_and_verify_change_nothing(here: Bench) -> None:
    plan = await here.setup.plan(SPEC)
    report = await here.setup.verify(SPEC)
    assert {step.verdict for step in plan.steps} == {Verdict.CREATE}
    assert not report.passed
    assert here.api.writes == []


async def test_applying_again_changes_nothing(here: Bench) -> None:
    await apply(here)
    before = snapshot(here)
    here.api.calls.clear()
    again = await apply(here)
    assert again.complete
    assert here.api.writes == []
    assert snapshot(here) == before


async def test_drift_is_seen_by_verify_and_mended_by_apply(here: Bench) -> None:
    await apply(here)
    before = snapshot(here)
    iam = here.client("iam")
    iam.detach_role_policy(
        RoleName="valetkey-role", PolicyArn="arn:aws:iam::000000000000:policy/valetkey-s3"
    )
    iam.delete_user_policy(UserName="valetkey-user", PolicyName="valetkey-assume-role")
    here.client("s3").delete_public_access_block(Bucket="acme-data")
    report = await here.setup.verify(SPEC)
    failed = {check.name for check in report.checks if check.outcome is Outcome.FAILED}
    assert failed == {"attachment", "assume-policy", "public-access", "assume"}
    assert (await apply(here)).complete
    assert snapshot(here) == before


async def test_a_user_made_anew_gets_a_new_key_and_the_roles_trust(here: Bench) -> None:
    first = await apply(here)
    iam = here.client("iam")
    iam.delete_access_key(UserName="valetkey-user", AccessKeyId=first.key_id)
    iam.delete_user(UserName="valetkey-user")
    again = await apply(here)
    assert again.complete
    assert here.key_ids() == [again.key_id] != [first.key_id]


async def test_the_secret_is_in_its_file_alone(here: Bench) -> None:
    await apply(here)
    key = here.custodian.read()
    assert key is not None
    secret = key.secret.reveal()
    assert stat.S_IMODE(here.secret_file.stat().st_mode) == 0o600
    assert secret not in repr(here.events)
    assert secret not in repr(here.api.calls)
    others = [path for path in here.folder.rglob("*") if path.is_file()]
    holding = [path for path in others if secret.encode() in path.read_bytes()]
    assert holding == [here.secret_file]


async def test_what_valetkey_did_not_make_is_refused_and_nothing_is_changed(here: Bench) -> None:
    here.client("iam").create_role(RoleName="valetkey-role", AssumeRolePolicyDocument="{}")
    with pytest.raises(Conflict, match="did not make it") as caught:
        await apply(here)
    assert "--adopt" in caught.value.hint
    assert here.api.writes == []


async def test_adopting_takes_over_what_is_there(here: Bench) -> None:
    here.client("s3").create_bucket(
        Bucket="acme-data", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    here.client("iam").create_user(UserName="valetkey-user")
    assert (await apply(here, adopt=True)).complete
    assert (await apply(here)).complete  # from then on it is known


async def test_a_bucket_in_another_region_is_named(here: Bench) -> None:
    await apply(here)
    with pytest.raises(Conflict, match=REGION) as caught:
        await apply(here, make_spec(region="eu-west-1"))
    assert f"--region {REGION}" in caught.value.hint


async def test_a_bucket_name_that_another_account_has_is_named(
    here: Bench, aws: EmbeddedAws
) -> None:
    aws.faults.order(Fault(FaultKind.ERROR, "s3", "HEAD bucket", times=99, code="403", status=403))
    with pytest.raises(Conflict, match="is taken"):
        await apply(here)


async def test_losing_the_race_for_a_bucket_name_is_explained(
    here: Bench, aws: EmbeddedAws
) -> None:
    taken = Fault(FaultKind.ERROR, "s3", "PUT bucket", code="BucketAlreadyExists", status=409)
    aws.faults.order(taken)
    with pytest.raises(AwsRefused) as caught:
        await apply(here)
    assert "choose another" in caught.value.hint


DENIED_ACTIONS = [
    ("iam", "CreateUser", "iam:CreateUser"),
    ("iam", "UpdateAssumeRolePolicy", "iam:UpdateAssumeRolePolicy"),
    ("iam", "CreateAccessKey", "iam:CreateAccessKey"),
    ("s3", "PUT bucket publicAccessBlock", "s3:PutBucketPublicAccessBlock"),
]


@pytest.mark.parametrize(("service", "action", "right"), DENIED_ACTIONS)
async def test_an_administrator_who_lacks_a_right_is_told_which(
    here: Bench, aws: EmbeddedAws, service: str, action: str, right: str
) -> None:
    aws.faults.order(Fault(FaultKind.ERROR, service, action, code="AccessDenied", status=403))
    with pytest.raises(AwsRefused, match=right):
        await apply(here)
    # Given the right, the same command finishes the work.
    assert (await apply(here)).complete


async def test_a_part_that_may_not_be_looked_at_is_unknown_not_absent(
    here: Bench, aws: EmbeddedAws
) -> None:
    aws.faults.order(Fault(FaultKind.ERROR, "iam", "GetRole", code="AccessDenied", status=403))
    with pytest.raises(Conflict, match="iam:GetRole"):
        await apply(here)
    assert here.api.writes == []


async def test_throttling_is_waited_out(here: Bench, aws: EmbeddedAws) -> None:
    for action in ("CreateRole", "GetUser", "PutUserPolicy"):
        aws.faults.order(
            Fault(FaultKind.ERROR, "iam", action, times=4, code="Throttling", status=400)
        )
    assert (await apply(here)).complete
    assert here.waited
    assert here.clock.slept > 0


async def test_a_principal_that_is_not_visible_yet_is_waited_for(
    here: Bench, aws: EmbeddedAws
) -> None:
    aws.faults.order(
        Fault(
            FaultKind.ERROR,
            "iam",
            "UpdateAssumeRolePolicy",
            times=5,
            code="MalformedPolicyDocument",
            message="Invalid principal in policy: AWS",
            status=400,
        )
    )
    assert (await apply(here)).complete
    assert len([text for text in here.waited if "MalformedPolicyDocument" in text]) == 5


async def test_a_policy_that_is_really_malformed_is_not_waited_for(
    here: Bench, aws: EmbeddedAws
) -> None:
    aws.faults.order(
        Fault(
            FaultKind.ERROR,
            "iam",
            "CreatePolicy",
            code="MalformedPolicyDocument",
            message="Syntax errors in policy.",
            status=400,
        )
    )
    with pytest.raises(AwsRefused, match="Syntax errors"):
        await apply(here)
    assert here.clock.slept == 0


async def test_a_user_not_seen_yet_by_the_next_call_is_waited_for(
    here: Bench, aws: EmbeddedAws
) -> None:
    for action in ("PutUserPolicy", "ListAccessKeys", "CreateAccessKey", "AttachRolePolicy"):
        aws.faults.order(
            Fault(FaultKind.ERROR, "iam", action, times=3, code="NoSuchEntity", status=404)
        )
    assert (await apply(here)).complete


async def test_a_new_key_that_does_not_work_at_once_is_waited_for(
    here: Bench, aws: EmbeddedAws
) -> None:
    aws.faults.order(
        Fault(
            FaultKind.ERROR,
            "sts",
            "GetCallerIdentity",
            skip=1,
            times=4,
            code="InvalidClientTokenId",
            status=403,
        )
    )
    assert (await apply(here)).complete
    assert any("InvalidClientTokenId" in text for text in here.waited)


async def test_waiting_has_an_end(here: Bench, aws: EmbeddedAws) -> None:
    aws.faults.order(
        Fault(
            FaultKind.ERROR, "iam", "AttachRolePolicy", times=999, code="NoSuchEntity", status=404
        )
    )
    with pytest.raises(AwsRefused, match="AttachRolePolicy"):
        await apply(here)
    assert 60 < here.clock.slept <= 90


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.GARBAGE])
async def test_an_aws_that_can_not_be_reached_is_said_so(
    here: Bench, aws: EmbeddedAws, kind: FaultKind
) -> None:
    aws.faults.order(Fault(kind, times=999))
    with pytest.raises(AwsUnavailable) as caught:
        await apply(here)
    assert caught.value.hint


WRITES = [
    ("s3", "PUT bucket"),
    ("s3", "PUT bucket publicAccessBlock"),
    ("iam", "CreatePolicy"),
    ("iam", "CreateUser"),
    ("iam", "CreateRole"),
    ("iam", "AttachRolePolicy"),
    ("iam", "PutUserPolicy"),
    ("iam", "CreateAccessKey"),
    ("iam", "UpdateAssumeRolePolicy"),
]


@pytest.mark.parametrize(("service", "action"), WRITES)
@pytest.mark.parametrize("kind", [FaultKind.LOST_RESPONSE, FaultKind.CUT])
async def test_a_call_whose_answer_is_lost_leaves_no_orphan(
    here: Bench, aws: EmbeddedAws, service: str, action: str, kind: FaultKind
) -> None:
    aws.faults.order(Fault(kind, service, action))
    applied = await apply(here)
    assert applied.complete
    assert here.key_ids() == [applied.key_id]


async def test_an_answer_lost_in_one_run_is_made_good_in_the_next(
    here: Bench, aws: EmbeddedAws
) -> None:
    # Lost again and again, until the run gives up: each key of it is explained by the journal.
    fault = aws.faults.order(Fault(FaultKind.LOST_RESPONSE, "iam", "CreateAccessKey", times=99))
    with pytest.raises(Conflict, match="changed under"):
        await apply(here)
    assert fault.struck == 5
    assert len(here.key_ids()) == 1
    aws.faults.clear()
    applied = await apply(here)
    assert applied.complete
    assert here.key_ids() == [applied.key_id]


async def test_a_key_that_nobody_could_keep_is_taken_back(here: Bench) -> None:
    here.secret_file.parent.mkdir(parents=True, exist_ok=True)
    here.secret_file.write_text("something else")
    here.secret_file.chmod(0o600)
    with pytest.raises(Exception, match="is not a file that apply wrote"):
        await apply(here)
    assert here.secret_file.read_text() == "something else"


async def test_an_old_stranger_key_stays_and_is_reported(here: Bench) -> None:
    await apply(here)
    iam = here.client("iam")
    unknown_key = iam.create_access_key(UserName="valetkey-user")["AccessKey"]["AccessKeyId"]
    report = await here.setup.verify(SPEC)
    check = next(check for check in report.checks if check.name == StepName.ACCESS_KEY)
    assert unknown_key in check.cause
    await apply(here)
    assert unknown_key in here.key_ids()


async def test_a_fresh_stranger_key_means_that_another_apply_is_at_work(here: Bench) -> None:
    await apply(here)
    here.secret_file.unlink()  # as on a machine that has never applied
    with pytest.raises(Conflict, match="another apply may be at work"):
        await apply(here)


async def test_two_runs_on_one_machine_exclude_each_other(here: Bench) -> None:
    desired = await here.setup.resolve(SPEC)
    journal = here.journals.open(account=desired.account, setup=desired.name)
    with journal.lock(), pytest.raises(Locked, match="at work on this machine"):
        await apply(here)
    assert here.api.writes == []


async def test_two_runs_on_two_machines_never_leave_a_key_that_nobody_holds(
    here: Bench, elsewhere: Bench
) -> None:
    results = await asyncio.gather(apply(here), apply(elsewhere), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, Locked | Conflict) for error in refused)
    assert refused
    held = {here.custodian_key(), elsewhere.custodian_key()} - {""}
    assert set(here.key_ids()) == held
    assert (await apply(elsewhere if elsewhere.custodian_key() else here)).complete
    assert len(here.key_ids()) == 1


@pytest.mark.parametrize(
    ("later", "gives_way"),
    [(-1, True), (0, True), (1, False)],
    ids=["the rival was first", "both in one second", "the rival came later"],
)
async def test_of_two_keys_made_at_once_the_later_is_taken_back_and_both_in_a_tie(
    here: Bench, later: int, gives_way: bool
) -> None:
    rival: list[str] = []
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def strike() -> None:
        made = here.client("iam").create_access_key(UserName="valetkey-user")
        rival.append(made["AccessKey"]["AccessKeyId"])

    def dated(answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The keys, made when the test says: AWS's clock may tick between the two."""
        keys = [
            {**key, "CreateDate": noon + timedelta(seconds=later * (key["AccessKeyId"] in rival))}
            for key in answer["AccessKeyMetadata"]
        ]
        return {**answer, "AccessKeyMetadata": keys}

    here.api.after["CreateAccessKey"] = strike
    here.api.rewritten["ListAccessKeys"] = dated
    if gives_way:
        with pytest.raises(Locked, match="at the same moment"):
            await apply(here)
        assert here.key_ids() == rival
        assert here.custodian_key() == ""
        return
    applied = await apply(here)
    assert here.custodian_key() == applied.key_id
    assert sorted(here.key_ids()) == sorted([applied.key_id, *rival])


async def test_the_role_is_shut_until_the_end(here: Bench, aws: EmbeddedAws) -> None:
    aws.faults.order(
        Fault(FaultKind.ERROR, "iam", "UpdateAssumeRolePolicy", code="AccessDenied", status=403)
    )
    with pytest.raises(AwsRefused):
        await apply(here)
    key = here.custodian.read()
    with pytest.raises(ClientError, match="AccessDenied"):
        here.client("sts", key).assume_role(
            RoleArn="arn:aws:iam::000000000000:role/valetkey-role", RoleSessionName="early"
        )


async def test_rights_beyond_the_plan_make_verify_fail_and_are_left_alone(here: Bench) -> None:
    await apply(here)
    here.client("iam").attach_user_policy(
        UserName="valetkey-user", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    report = await here.setup.verify(SPEC)
    assert not holds(report)
    first = report.first_failure
    assert first is not None
    assert "ReadOnlyAccess" in first.cause


async def test_the_bucket_gets_a_rule_for_unfinished_uploads_beside_its_own(here: Bench) -> None:
    await apply(here)
    s3 = here.client("s3")
    where = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}}
    rules = {"Rules": [{**where, "Expiration": {"Days": 9}}]}
    s3.put_bucket_lifecycle_configuration(Bucket="acme-data", LifecycleConfiguration=rules)
    applied = await apply(here, make_spec(end_uploads_after_days=7))
    assert applied.complete
    found = s3.get_bucket_lifecycle_configuration(Bucket="acme-data")["Rules"]
    assert [rule["ID"] for rule in found] == ["theirs", "valetkey-unfinished-uploads"]
    plan = await here.setup.plan(make_spec(end_uploads_after_days=7))
    assert plan.step(StepName.UPLOADS).verdict is Verdict.NOTHING
