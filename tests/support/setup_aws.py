"""A set-up against the embedded AWS: a clock that jumps, and the real adapter, watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.aws import REGION, client
from valetkey.aws.admin import AdminApi
from valetkey.cli.setup.files import FileCustodian, FileJournals
from valetkey.domain.credentials import AccessKey
from valetkey.domain.setup import AwsCall, SetupSpec
from valetkey.embedded import EmbeddedAws
from valetkey.services.setup import Setup, StepEvent, Teardown

READS = ("Get", "List", "Head")


class JumpingClock:
    """The machine's time, plus all that was slept, which takes no time."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds


class MiddleEntropy:
    """Always the middle."""

    def token_bytes(self, count: int) -> bytes:
        return b"\x55" * count

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


class WatchedApi:
    """The real adapter, and what went through it."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api
        self.calls: list[AwsCall] = []
        #: What happens after a call has gone through, by its operation.
        self.after: dict[str, Callable[[], object]] = {}
        #: What is made of an answer, by its operation.
        self.rewritten: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {}

    async def call(self, call: AwsCall, *, key: AccessKey | None = None) -> Mapping[str, Any]:
        self.calls.append(call)
        answer = await self._api.call(call, key=key)
        self.after.pop(call.operation, lambda: None)()
        rewrite = self.rewritten.get(call.operation)
        return rewrite(answer) if rewrite else answer

    @property
    def writes(self) -> list[str]:
        own = {"sts"}
        return [
            call.action
            for call in self.calls
            if not call.operation.startswith(READS) and call.service not in own
        ]


def environment(endpoint: str, key: AccessKey) -> dict[str, str]:
    """The environment of an administrator of the embedded AWS, and of nobody else's AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret.reveal(),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
    }


class Bench:
    """One administrator's machine: a folder of its own for journals and the secret."""

    def __init__(self, aws: EmbeddedAws, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self.clock = JumpingClock()
        self.admin = AdminApi(region=REGION)
        self.api = WatchedApi(self.admin)
        self.secret_file = folder / "key.json"
        self.custodian = FileCustodian(self.secret_file, self.api, self.clock)
        self.journals = FileJournals(folder / "journals")
        parts = (self.api, self.custodian, self.journals, self.clock, MiddleEntropy())
        self.setup = Setup(*parts)
        self.teardown = Teardown(*parts)
        self.events: list[StepEvent] = []

    def close(self) -> None:
        self.admin.close()

    def custodian_key(self) -> str:
        key = self.custodian.read()
        return key.id if key else ""

    @property
    def waited(self) -> list[str]:
        return [event.text for event in self.events if event.phase == "waiting"]

    def client(self, service: str, key: AccessKey | None = None, token: str = "") -> Any:
        """A client of boto3: for looking at AWS with other eyes than Valetkey's."""
        return client(self.aws, service, key, token)

    def key_ids(self, user: str = "valetkey-user") -> list[str]:
        found = self.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in found]


def make_spec(**changes: Any) -> SetupSpec:
    given = {"name": "valetkey", "bucket": "acme-data", "region": REGION} | changes
    return SetupSpec(**given)


@contextmanager
def bench(aws: EmbeddedAws, folder: Path) -> Iterator[Bench]:
    made = Bench(aws, folder)
    try:
        yield made
    finally:
        made.close()


def snapshot(aws_bench: Bench) -> dict[str, Any]:
    """All of IAM and S3 that a set-up could have left, without what differs from run to run."""
    iam, s3 = aws_bench.client("iam"), aws_bench.client("s3")
    users = [user["UserName"] for user in iam.list_users()["Users"]]
    roles = iam.list_roles()["Roles"]
    return {
        "users": {
            name: {
                "inline": {
                    policy: iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]
                    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]
                },
                "tags": iam.list_user_tags(UserName=name)["Tags"],
                "keys": len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]),
            }
            for name in users
            if name != "administrator"
        },
        "roles": {
            role["RoleName"]: {
                "trust": role["AssumeRolePolicyDocument"],
                "attached": iam.list_attached_role_policies(RoleName=role["RoleName"])[
                    "AttachedPolicies"
                ],
                "inline": iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"],
                "tags": iam.list_role_tags(RoleName=role["RoleName"])["Tags"],
            }
            for role in roles
        },
        "policies": {
            policy["PolicyName"]: iam.get_policy_version(
                PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"]
            )["PolicyVersion"]["Document"]
            for policy in iam.list_policies(Scope="Local")["Policies"]
        },
        "buckets": {
            found["Name"]: {
                "block": s3.get_public_access_block(Bucket=found["Name"])[
                    "PublicAccessBlockConfiguration"
                ],
                "tags": s3.get_bucket_tagging(Bucket=found["Name"])["TagSet"],
            }
            for found in s3.list_buckets()["Buckets"]
        },
    }
