"""The embedded AWS, and a set-up on it that is right in every way."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

ACCOUNT = "000000000000"
REGION = "eu-central-1"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def _running_aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def embedded_aws(_running_aws: EmbeddedAws) -> EmbeddedAws:
    """An empty AWS that enforces IAM. One process has one; each test finds it empty."""
    _running_aws.reset()
    return _running_aws


def client(
    aws: EmbeddedAws,
    service: str,
    key: AccessKey | None = None,
    token: str = "",
    *,
    validate: bool = True,
) -> Any:
    """Return a boto3 client, the administrator's unless a key is given. It retries nothing.

    With ``validate`` off, botocore sends parameters that it knows to be wrong."""
    used = key or aws.administrator
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=used.id,
        aws_secret_access_key=used.secret.reveal(),
        aws_session_token=token or None,
        config=Config(
            retries={"total_max_attempts": 1},
            signature_version="s3v4" if service == "s3" else None,
            parameter_validation=validate,
        ),
    )


@dataclass(frozen=True)
class GoodSetup:
    """The objects of the reference page: what an administrator would have made by hand."""

    bucket: str
    user: str
    role: str
    role_arn: str
    policy_arn: str
    key: AccessKey


@pytest.fixture
def good_setup(embedded_aws: EmbeddedAws) -> GoodSetup:
    """A bucket, policy, user, role, inline policy, key and trust, as the page says."""
    return make_setup(embedded_aws, f"valetkey-{next(_numbers)}")


def make_setup(aws: EmbeddedAws, name: str, *, iam: Any = None, s3: Any = None) -> GoodSetup:
    """Make the page's objects under a name, with clients of one's own or new ones."""
    iam, s3 = iam or client(aws, "iam"), s3 or client(aws, "s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    blocked = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"),
        True,
    )
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)
    policy = iam.create_policy(PolicyName=f"{name}-policy", PolicyDocument=bucket_policy(name))
    user, role = f"{name}-user", f"{name}-role"
    user_arn = iam.create_user(UserName=user)["User"]["Arn"]
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust_policy(user_arn))
    role_arn = made["Role"]["Arn"]
    iam.attach_role_policy(RoleName=role, PolicyArn=policy["Policy"]["Arn"])
    iam.put_user_policy(UserName=user, PolicyName="assume", PolicyDocument=assume_policy(role_arn))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return GoodSetup(
        bucket=name,
        user=user,
        role=role,
        role_arn=role_arn,
        policy_arn=policy["Policy"]["Arn"],
        key=AccessKey(key["AccessKeyId"], Secret(key["SecretAccessKey"])),
    )


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def bucket_policy(bucket: str) -> str:
    """Return the page's policy: four actions on the bucket and its objects."""
    return _document(
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
    )


def trust_policy(user_arn: str) -> str:
    """Return the page's trust policy."""
    return _document(
        {"Effect": "Allow", "Principal": {"AWS": user_arn}, "Action": "sts:AssumeRole"}
    )


def assume_policy(role_arn: str) -> str:
    """Return the page's inline policy."""
    return _document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn})
