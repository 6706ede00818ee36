"""STS through our adapter, on an AWS that enforces IAM."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.aws import ACCOUNT, GoodSetup, assume_policy, client, make_setup
from support.own_aws import MakeOwnAws, OwnAws, order_for, settings_for
from valetkey.aws.sts import AwsSts
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable, ValetkeyError
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws, Fault, FaultKind
from valetkey.testing.system import ManualClock, SeededEntropy


async def test_a_key_says_whose_it_is(own_aws: OwnAws, good_setup: GoodSetup) -> None:
    identity = await own_aws.sts.caller_identity(good_setup.key)
    assert identity.account == ACCOUNT
    assert identity.arn == f"arn:aws:iam::{ACCOUNT}:user/{good_setup.user}"
    assert identity.user_id


async def test_the_role_is_assumed_for_as_long_as_asked(
    own_aws: OwnAws, good_setup: GoodSetup
) -> None:
    before = datetime.now(UTC)
    given = await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))
    identity = await own_aws.sts.caller_identity(given)
    assert identity.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{good_setup.role}/ada"
    assert given.expires_at.tzinfo is UTC
    lasts = given.expires_at - before
    assert timedelta(seconds=890) <= lasts <= timedelta(seconds=960)


async def test_a_session_policy_narrows_the_session(
    own_aws: OwnAws, good_setup: GoodSetup, embedded_aws: EmbeddedAws
) -> None:
    bucket = good_setup.bucket
    client(embedded_aws, "s3").put_object(Bucket=bucket, Key="a/1", Body=b"x")
    nothing = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{bucket}/b/*",
                }
            ],
        }
    )
    narrow = await own_aws.sts.assume_role(good_setup.key, order_for(good_setup, policy=nothing))
    wide = await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))
    for credentials, allowed in ((wide, True), (narrow, False)):
        key = AccessKey(credentials.access_key_id, credentials.secret_access_key)
        s3 = client(embedded_aws, "s3", key, credentials.session_token.reveal())
        if allowed:
            assert s3.get_object(Bucket=bucket, Key="a/1")["Body"].read() == b"x"
        else:
            with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
                s3.get_object(Bucket=bucket, Key="a/1")


async def test_an_external_id_is_handed_over(
    own_aws: OwnAws, good_setup: GoodSetup, embedded_aws: EmbeddedAws
) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{good_setup.user}"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "a-valetkey"}},
            }
        ],
    }
    client(embedded_aws, "iam").update_assume_role_policy(
        RoleName=good_setup.role, PolicyDocument=json.dumps(trust)
    )
    await own_aws.sts.assume_role(good_setup.key, order_for(good_setup, external_id="a-valetkey"))
    with pytest.raises(AwsRefused):
        await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))


@dataclass(frozen=True)
class Broken:
    """A good set-up with one thing wrong, and what the error then says."""

    name: str
    fix: Callable[[Any, GoodSetup], object]
    code: str
    cause: str


def _nobody_trusted(iam: Any, setup: GoodSetup) -> object:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    return iam.update_assume_role_policy(RoleName=setup.role, PolicyDocument=json.dumps(trust))


BROKEN = [
    Broken(
        "the key is inactive",
        lambda iam, setup: iam.update_access_key(
            UserName=setup.user, AccessKeyId=setup.key.id, Status="Inactive"
        ),
        "InvalidClientTokenId",
        "inactive",
    ),
    Broken(
        "the key was deleted",
        lambda iam, setup: iam.delete_access_key(UserName=setup.user, AccessKeyId=setup.key.id),
        "InvalidClientTokenId",
        "deleted",
    ),
    Broken(
        "no inline policy",
        lambda iam, setup: iam.delete_user_policy(UserName=setup.user, PolicyName="assume"),
        "AccessDenied",
        "assume the role",
    ),
    Broken(
        "the inline policy names another role",
        lambda iam, setup: iam.put_user_policy(
            UserName=setup.user,
            PolicyName="assume",
            PolicyDocument=assume_policy(f"arn:aws:iam::{ACCOUNT}:role/other"),
        ),
        "AccessDenied",
        "assume the role",
    ),
    Broken("nobody is trusted", _nobody_trusted, "AccessDenied", "assume the role"),
    Broken(
        "the role is gone",
        lambda iam, setup: (
            iam.detach_role_policy(RoleName=setup.role, PolicyArn=setup.policy_arn),
            iam.delete_role(RoleName=setup.role),
        ),
        "AccessDenied",
        "assume the role",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
async def test_a_broken_set_up_is_refused_with_its_cause(
    own_aws: OwnAws, good_setup: GoodSetup, embedded_aws: EmbeddedAws, broken: Broken
) -> None:
    broken.fix(client(embedded_aws, "iam"), good_setup)
    with pytest.raises(AwsRefused) as caught:
        await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))
    assert caught.value.details["aws_code"] == broken.code
    assert broken.cause in caught.value.message
    assert caught.value.hint


async def test_an_unknown_key_is_refused(own_aws: OwnAws, good_setup: GoodSetup) -> None:
    unknown = replace(good_setup.key, id="AKIAUNKNOWNUNKNOWN00")
    with pytest.raises(AwsRefused, match="does not know the access key"):
        await own_aws.sts.assume_role(unknown, order_for(good_setup))


async def test_a_wrong_secret_is_refused(own_aws: OwnAws, good_setup: GoodSetup) -> None:
    wrong = replace(good_setup.key, secret=Secret("x" * 40))
    with pytest.raises(AwsRefused, match="secret access key is wrong"):
        await own_aws.sts.assume_role(wrong, order_for(good_setup))


async def test_a_clock_that_differs_is_named_and_awss_time_kept(
    own_aws: OwnAws, good_setup: GoodSetup, embedded_aws: EmbeddedAws
) -> None:
    embedded_aws.clock_offset = timedelta(hours=1)
    with pytest.raises(AwsRefused, match="clocks differ") as caught:
        await own_aws.sts.caller_identity(good_setup.key)
    assert caught.value.details["aws_time"].endswith("GMT")


async def test_a_session_longer_than_the_roles_is_refused(
    own_aws: OwnAws, good_setup: GoodSetup
) -> None:
    with pytest.raises(AwsRefused, match="more than the role allows"):
        await own_aws.sts.assume_role(
            good_setup.key, order_for(good_setup, duration=timedelta(hours=2))
        )


async def test_a_policy_that_is_no_policy_is_refused(
    own_aws: OwnAws, good_setup: GoodSetup
) -> None:
    with pytest.raises(AwsRefused, match="does not take the policy"):
        await own_aws.sts.assume_role(good_setup.key, order_for(good_setup, policy="{no json"))


async def test_a_place_that_cant_be_is_a_refusal(
    good_setup: GoodSetup, make_own_aws: MakeOwnAws
) -> None:
    with pytest.raises(AwsRefused, match="can't be made as asked"):
        await make_own_aws(settings_for("")).sts.assume_role(
            good_setup.key, order_for(good_setup, region="no region")
        )


async def test_what_aws_finds_invalid_is_a_refusal(own_aws: OwnAws, good_setup: GoodSetup) -> None:
    with pytest.raises(AwsRefused, match="refused sts:AssumeRole: ValidationError") as caught:
        await own_aws.sts.assume_role(good_setup.key, order_for(good_setup, session_name=""))
    assert "roleSessionName" in caught.value.hint


FAULTS = [
    Fault(FaultKind.ERROR, "sts", times=9, code="Throttling", status=400),
    Fault(FaultKind.ERROR, "sts", times=9, code="ServiceUnavailable", status=503),
    Fault(FaultKind.ERROR, "sts", times=9, code="InternalFailure", status=500),
    Fault(FaultKind.GARBAGE, "sts", times=9),
    Fault(FaultKind.CUT, "sts", times=9),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind} {fault.code}")
async def test_an_aws_that_fails_is_unavailable(
    own_aws: OwnAws, good_setup: GoodSetup, embedded_aws: EmbeddedAws, fault: Fault
) -> None:
    embedded_aws.faults.order(replace(fault))
    with pytest.raises(AwsUnavailable) as caught:
        await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))
    assert caught.value.details["operation"] == "sts:AssumeRole"
    embedded_aws.faults.clear()
    await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))


async def test_silence_ends_at_the_timeout(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, make_own_aws: MakeOwnAws
) -> None:
    settings = settings_for(embedded_aws.endpoint)
    impatient = replace(settings, connect_timeout=0.2, read_timeout=0.05)
    embedded_aws.faults.order(Fault(FaultKind.HANG, "sts"))
    with pytest.raises(AwsUnavailable, match="did not answer"):
        await make_own_aws(impatient).sts.caller_identity(good_setup.key)


async def test_an_answer_that_trickles_in_does_not_outlast_an_attempt(
    good_setup: GoodSetup,
) -> None:
    asked: list[asyncio.Task[None] | None] = []
    enough = asyncio.Event()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with suppress(ConnectionError):
            while not enough.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        impatient = replace(
            settings_for(f"http://127.0.0.1:{port}"),
            connect_timeout=0.2,
            read_timeout=0.2,
            attempts=2,
        )
        sts = AwsSts(impatient, ManualClock(datetime.now(UTC)), SeededEntropy())
        async with asyncio.timeout(15):
            with pytest.raises(AwsUnavailable, match="did not answer"):
                await sts.assume_role(good_setup.key, order_for(good_setup))
        assert len(asked) == 2
        await sts.close()
        enough.set()
        await asyncio.wait([task for task in asked if task])


async def test_nobody_listening_is_unavailable(
    good_setup: GoodSetup, make_own_aws: MakeOwnAws
) -> None:
    nobody = settings_for("http://127.0.0.1:1")
    with pytest.raises(AwsUnavailable, match="did not answer"):
        await make_own_aws(nobody).sts.caller_identity(good_setup.key)


@pytest.mark.parametrize(
    "body",
    [
        b"<AssumeRoleResponse/>",
        b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId>"
        b"</Credentials></AssumeRoleResult></AssumeRoleResponse>",
        b"",
        b"{}",
    ],
)
async def test_an_answer_without_credentials_is_unavailable(
    good_setup: GoodSetup, make_own_aws: MakeOwnAws, body: bytes
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        own = make_own_aws(settings_for(f"http://127.0.0.1:{port}"))
        with pytest.raises(AwsUnavailable):
            await own.sts.assume_role(good_setup.key, order_for(good_setup))


async def test_a_throttle_that_passes_is_waited_out(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup
) -> None:
    clock = ManualClock(datetime.now(UTC))
    patient = replace(settings_for(embedded_aws.endpoint), attempts=3)
    throttled = Fault(FaultKind.ERROR, "sts", times=2, code="Throttling", status=400)
    embedded_aws.faults.order(throttled)
    sts = AwsSts(patient, clock, SeededEntropy())
    await sts.assume_role(good_setup.key, order_for(good_setup))
    await sts.close()
    assert throttled.struck == 2
    assert 0 < clock.monotonic() < 3


async def test_a_refusal_is_asked_for_once(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, make_own_aws: MakeOwnAws
) -> None:
    patient = replace(settings_for(embedded_aws.endpoint), attempts=3)
    refused = Fault(FaultKind.ERROR, "sts", times=9, code="AccessDenied", status=403)
    embedded_aws.faults.order(refused)
    with pytest.raises(AwsRefused):
        await make_own_aws(patient).sts.assume_role(good_setup.key, order_for(good_setup))
    assert refused.struck == 1


async def test_two_keys_at_once_never_sign_for_each_other(
    own_aws: OwnAws, good_setup: GoodSetup, embedded_aws: EmbeddedAws
) -> None:
    other = make_setup(embedded_aws, f"{good_setup.bucket}-other")
    setups = [good_setup, other] * 20
    identities = await asyncio.gather(*(own_aws.sts.caller_identity(setup.key) for setup in setups))
    names = [identity.arn.rpartition("/")[2] for identity in identities]
    assert names == [setup.user for setup in setups]


async def test_nothing_of_the_environment_is_used(
    own_aws: OwnAws,
    good_setup: GoodSetup,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    profile = tmp_path / "config"
    profile.write_text("[default]\nendpoint_url = http://127.0.0.1:1\nregion = nowhere-1\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAOFTHEENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "y" * 40,
        "AWS_SESSION_TOKEN": "z",
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(profile),
        "AWS_SHARED_CREDENTIALS_FILE": str(profile),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_REGION": "nowhere-1",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    assert (await own_aws.sts.caller_identity(good_setup.key)).arn.endswith(good_setup.user)


async def test_after_closing_calls_are_refused_as_errors_of_ours(
    own_aws: OwnAws, good_setup: GoodSetup
) -> None:
    await own_aws.sts.close()
    with pytest.raises(ValetkeyError):
        await own_aws.sts.caller_identity(good_setup.key)
