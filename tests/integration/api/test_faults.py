"""Bad input and AWS's faults through the API: a clear cause, a fix, and nothing half-made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.aws import GoodSetup, assume_policy, client, make_setup, trust_policy
from support.real_api import RealApi, open_real_api, settings_for
from valetkey.embedded import EmbeddedAws
from valetkey.embedded.faults import Fault, FaultKind


@pytest.fixture
async def api(embedded_aws: EmbeddedAws, tmp_path: Path) -> AsyncIterator[RealApi]:
    async with open_real_api(settings_for(tmp_path, embedded_aws.endpoint)) as opened:
        yield opened


async def _location(api: RealApi, setup: GoodSetup, **payload: str) -> str:
    integration = (await api.create_integration(setup)).json()
    answer = await api.create_driver(integration["id"], setup.bucket, **payload)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


BAD_PARTS = {
    "a key with a line end": ({"key": "AKIAIOSFODNN7EXAMPLE\n"}, "white space"),
    "a secret with a line end": ({"secret": "a" * 40 + "\n"}, "white space"),
    "a secret of another length": ({"secret": "short"}, "not a secret access key"),
    "a key that is none": ({"key": "hello"}, "not an access key id"),
    "a temporary key": ({"key": "ASIAIOSFODNN7EXAMPLE"}, "temporary"),
    "a user's ARN": ({"roleArns": "arn:aws:iam::000000000000:user/x"}, "a user's"),
    "a session's ARN": ({"roleArns": "arn:aws:sts::000000000000:assumed-role/x/y"}, "session's"),
    "a role of no partition": ({"roleArns": "arn:nowhere:iam::000000000000:role/x"}, "not the ARN"),
    "no role": ({"roleArns": ""}, "not the ARN"),
    "no name": ({"name": "  "}, "empty"),
    "a name of control characters": ({"name": "a\u0000b"}, "invisible"),
}


@pytest.mark.parametrize("case", BAD_PARTS)
async def test_parts_that_can_not_be_right_are_refused_and_nothing_is_kept(
    api: RealApi, good_setup: GoodSetup, case: str
) -> None:
    changed, words = BAD_PARTS[case]
    answer = await api.create_integration(good_setup, **changed)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert answer.json()["hint"]
    assert (await api.http.get(f"/api/v1/orgs/{api.org_id}/integrations")).json() == []


BAD_BUCKETS = {
    "missing": ({"bucketName": "no-such-bucket-here"}, 424, "bucket"),
    "of an illegal name": ({"bucketName": "No_Bucket"}, 400, "can't be the name of a bucket"),
    "an address": ({"bucketName": "s3://acme"}, 400, "address"),
    "a folder that leads up": ({"path": "../x"}, 400, ".."),
    "a folder from the root": ({"path": "/x"}, 400, "starts with '/'"),
    "a folder with an empty part": ({"path": "a//b"}, 400, "empty segment"),
    "a folder of 1,024 bytes": ({"path": "x" * 1024}, 400, "no room"),
    "a storage class that is none": ({"storageClass": "CHEAP"}, 400, "storage class"),
    "a region that is none": ({"region": "the moon"}, 400, "not an AWS region"),
}


@pytest.mark.parametrize("case", BAD_BUCKETS)
async def test_a_driver_that_can_not_work_is_refused_and_not_kept(
    api: RealApi, good_setup: GoodSetup, case: str
) -> None:
    changed, status, words = BAD_BUCKETS[case]
    integration = (await api.create_integration(good_setup)).json()
    payload = {"bucketName": good_setup.bucket} | changed
    answer = await api.create_driver(integration["id"], payload.pop("bucketName"), **payload)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]
    assert answer.json()["hint"]
    listed = await api.http.get("/api/v1/drivers", params={"projectId": api.project_id})
    assert listed.json() == []


@pytest.mark.parametrize(
    "folder", ["a*b", "what?", "$HOME", "${aws:username}", "größe/東京", "a b"]
)
async def test_strange_folders_are_ordinary_ones(
    api: RealApi, good_setup: GoodSetup, embedded_aws: EmbeddedAws, folder: str
) -> None:
    s3 = client(embedded_aws, "s3")
    s3.put_object(Bucket=good_setup.bucket, Key=f"{folder}/in.txt", Body=b"in")
    location_id = await _location(api, good_setup, path=folder)
    report = (await api.http.post(f"/api/v1/drivers/{location_id}/test")).json()
    assert report["passed"], report
    vended = (await api.vend(location_id)).json()
    assert vended["prefixes"] == [folder + "/"]


async def test_a_wrong_region_is_put_right(api: RealApi, good_setup: GoodSetup) -> None:
    integration = (await api.create_integration(good_setup)).json()
    made = await api.create_driver(integration["id"], good_setup.bucket, region="us-west-2")
    assert made.json()["region"] == "eu-central-1"


@pytest.mark.parametrize("ttl", [0, -1, 899, 43_201, 2**40])
async def test_a_time_to_live_outside_what_aws_offers_is_refused(
    api: RealApi, good_setup: GoodSetup, ttl: int
) -> None:
    answer = await api.vend(await _location(api, good_setup), ttlSeconds=ttl)
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert (said["field"], said["code"]) == ("ttlSeconds", "invalid_input")
    assert "900" in said["message"] or "43200" in said["message"]


async def test_a_time_to_live_above_the_roles_maximum_says_so(
    api: RealApi, good_setup: GoodSetup
) -> None:
    answer = await api.vend(await _location(api, good_setup), ttlSeconds=7200)
    assert answer.status_code == 424
    assert "maximum" in answer.text


def _no_trust(aws: EmbeddedAws, setup: GoodSetup) -> None:
    stranger = client(aws, "iam").create_user(UserName="stranger")["User"]["Arn"]
    client(aws, "iam").update_assume_role_policy(
        RoleName=setup.role, PolicyDocument=trust_policy(stranger)
    )


def _no_inline_policy(aws: EmbeddedAws, setup: GoodSetup) -> None:
    client(aws, "iam").delete_user_policy(UserName=setup.user, PolicyName="assume")


def _other_role(aws: EmbeddedAws, setup: GoodSetup) -> None:
    client(aws, "iam").put_user_policy(
        UserName=setup.user, PolicyName="assume", PolicyDocument=assume_policy("arn:aws:iam::1:x")
    )


def _inactive_key(aws: EmbeddedAws, setup: GoodSetup) -> None:
    client(aws, "iam").update_access_key(
        UserName=setup.user, AccessKeyId=setup.key.id, Status="Inactive"
    )


BROKEN = {
    "trust policy without the user": _no_trust,
    "user without the inline policy": _no_inline_policy,
    "inline policy for another role": _other_role,
    "inactive key": _inactive_key,
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_is_broken_at_aws_is_found_when_it_is_registered(
    api: RealApi, good_setup: GoodSetup, embedded_aws: EmbeddedAws, case: str
) -> None:
    BROKEN[case](embedded_aws, good_setup)
    made = (await api.create_integration(good_setup)).json()
    assert made["state"] == "failing"
    (first, *_) = [check for check in made["report"]["checks"] if check["outcome"] == "failed"]
    assert first["cause"]
    assert first["fix"]


async def test_a_role_that_is_not_there_is_found(api: RealApi, good_setup: GoodSetup) -> None:
    made = await api.create_integration(good_setup, roleArns=good_setup.role_arn + "2")
    assert made.json()["state"] == "failing"


async def test_a_wrong_secret_is_found(api: RealApi, good_setup: GoodSetup) -> None:
    made = await api.create_integration(good_setup, secret="a" * 40)
    assert made.json()["state"] == "failing"
    assert "secret" in made.json()["stateReason"]


_EXPIRED = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"

#: What happens to every AssumeRole, and the status that the caller gets.
FAULTS: dict[str, tuple[dict[str, Any], int]] = {
    "throttles": ({"kind": FaultKind.ERROR, "code": "Throttling", "status": 400}, 503),
    "is cut": ({"kind": FaultKind.CUT}, 503),
    "answers garbage": ({"kind": FaultKind.GARBAGE}, 503),
    "finds the clock wrong": (
        {
            "kind": FaultKind.ERROR,
            "code": "SignatureDoesNotMatch",
            "message": _EXPIRED,
            "status": 403,
        },
        424,
    ),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_when_aws_fails_the_caller_hears_why_and_nothing_is_handed_out(
    api: RealApi, good_setup: GoodSetup, embedded_aws: EmbeddedAws, case: str
) -> None:
    fault, status = FAULTS[case]
    await _require_refused(api, good_setup, embedded_aws, Fault(**fault), status)


async def test_when_aws_hangs_the_caller_hears_why_and_nothing_is_handed_out(
    good_setup: GoodSetup, embedded_aws: EmbeddedAws, tmp_path: Path
) -> None:
    hurried = settings_for(tmp_path, embedded_aws.endpoint, aws_sts_seconds=4)
    async with open_real_api(hurried) as api:
        await _require_refused(api, good_setup, embedded_aws, Fault(FaultKind.HANG), 503)


async def _require_refused(
    api: RealApi, setup: GoodSetup, aws: EmbeddedAws, fault: Fault, status: int
) -> None:
    location_id = await _location(api, setup)
    aws.faults.order(replace(fault, service="sts", action="AssumeRole", times=50))
    answer = await api.vend(location_id)
    said: dict[str, Any] = answer.json()["error"]
    assert answer.status_code == status, said
    assert said["message"]
    assert said["hint"]
    assert "secretAccessKey" not in said


async def test_when_aws_can_not_be_reached_it_says_so(
    embedded_aws: EmbeddedAws, tmp_path: Path
) -> None:
    setup = make_setup(embedded_aws, "unreached")
    nowhere = "http://127.0.0.1:9"
    async with open_real_api(settings_for(tmp_path, nowhere)) as api:
        made = await api.create_integration(setup)
    assert made.status_code == 201
    assert made.json()["state"] == "created"
    unknown = [c for c in made.json()["report"]["checks"] if c["outcome"] == "unknown"]
    assert unknown[0]["cause"]
