"""An embedded AWS with one good set-up, made by Valetkey's own administrator's calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

REGION = "eu-central-1"


@dataclass(frozen=True)
class Prepared:
    """A bucket, a role, and the key of the user who may assume it."""

    aws: EmbeddedAws
    bucket: str
    role_arn: str
    key: AccessKey
    region: str = REGION

    @property
    def endpoint(self) -> str:
        return self.aws.endpoint

    def client(self, service: str) -> Any:
        """Return a boto3 client with the user's key."""
        return _client(self.aws, service, self.key)


@contextmanager
def prepared_aws() -> Iterator[Prepared]:
    """Start one; a process has one at a time."""
    with EmbeddedAws() as aws:
        iam, s3 = _client(aws, "iam"), _client(aws, "s3")
        s3.create_bucket(Bucket="bench", CreateBucketConfiguration={"LocationConstraint": REGION})
        user = iam.create_user(UserName="bench")["User"]["Arn"]
        trust = _document({"Principal": {"AWS": user}, "Action": "sts:AssumeRole"})
        role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        on_bucket = _document(
            {"Action": "s3:*", "Resource": ["arn:aws:s3:::bench", "arn:aws:s3:::bench/*"]}
        )
        assume = _document({"Action": "sts:AssumeRole", "Resource": role})
        iam.put_role_policy(RoleName="bench", PolicyName="bucket", PolicyDocument=on_bucket)
        iam.put_user_policy(UserName="bench", PolicyName="assume", PolicyDocument=assume)
        made = iam.create_access_key(UserName="bench")["AccessKey"]
        key = AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))
        yield Prepared(aws, "bench", role, key)


def _client(aws: EmbeddedAws, service: str, key: AccessKey | None = None) -> Any:
    used = key or aws.administrator
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=used.id,
        aws_secret_access_key=used.secret.reveal(),
    )


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
