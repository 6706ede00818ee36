"""The reader of policies and an AWS that enforces IAM agree, request by request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.aws import REGION, client
from support.diagnosing import allow, deny, document
from valetkey.domain.credentials import AccessKey
from valetkey.domain.diagnosis.iam import LayerDecision, Request, parse_policy, rule
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

BUCKET = "arn:aws:s3:::acme"
TRAIN = f"{BUCKET}/train/a"
POLICIES: dict[str, list[dict[str, Any]]] = {
    "one allow": [allow("s3:GetObject", f"{BUCKET}/*")],
    "wildcards": [allow("s3:*Object", f"{BUCKET}/tr?in/*")],
    "other capitals": [allow("S3:GETOBJECT", f"{BUCKET}/*")],
    "resource in other capitals": [allow("s3:*", "arn:aws:s3:::ACME/*")],
    "deny beats": [allow("*", "*"), deny("s3:DeleteObject", f"{BUCKET}/*")],
    "not action": [{"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}],
    "not resource": [{"Effect": "Allow", "Action": "s3:*", "NotResource": f"{BUCKET}/train/*"}],
    "nothing of it": [allow("iam:*", "*")],
    "a list": [allow(["s3:PutObject", "s3:GetObject"], [BUCKET, f"{BUCKET}/train/*"])],
    "the bucket only": [allow("s3:*", BUCKET)],
    "over": [
        allow("s3:*", "*", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})
    ],
    "from now on": [
        allow(
            "s3:*", "*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
        )
    ],
    "prefix": [allow("s3:ListBucket", BUCKET, Condition={"StringLike": {"s3:prefix": "train/*"}})],
    "prefix exactly": [
        allow("s3:ListBucket", BUCKET, Condition={"StringEquals": {"s3:prefix": ["", "train/"]}})
    ],
    "any other prefix": [
        allow("s3:ListBucket", BUCKET, Condition={"StringNotEquals": {"s3:prefix": "train/"}})
    ],
    "prefix, if any": [
        allow("s3:ListBucket", BUCKET, Condition={"StringLikeIfExists": {"s3:prefix": "test/*"}})
    ],
    "no prefix": [allow("s3:ListBucket", BUCKET, Condition={"Null": {"s3:prefix": "true"}})],
}
REQUESTS = [
    ("s3:GetObject", TRAIN, None),
    ("s3:PutObject", TRAIN, None),
    ("s3:DeleteObject", TRAIN, None),
    ("s3:GetObject", f"{BUCKET}/test/a", None),
    ("s3:ListBucket", BUCKET, "train/"),
    ("s3:ListBucket", BUCKET, "test/"),
    ("s3:ListBucket", BUCKET, None),
]


@dataclass(frozen=True)
class Asker:
    """A user whose one policy is put anew for each question."""

    iam: Any
    s3: Any

    def may(self, statements: list[dict[str, Any]]) -> None:
        self.iam.put_user_policy(
            UserName="asker", PolicyName="p", PolicyDocument=document(*statements)
        )

    def ask(self, action: str, resource: str, prefix: str | None) -> LayerDecision:
        key = {"Bucket": "acme", "Key": resource.removeprefix(f"{BUCKET}/")}
        listing = {"Bucket": "acme"} | ({} if prefix is None else {"Prefix": prefix})

        def read() -> None:
            self.s3.get_object(**key)["Body"].close()

        calls: dict[str, Callable[[], object]] = {
            "s3:GetObject": read,
            "s3:PutObject": lambda: self.s3.put_object(**key, Body=b""),
            "s3:DeleteObject": lambda: self.s3.delete_object(**key),
            "s3:ListBucket": lambda: self.s3.list_objects_v2(**listing),
        }
        try:
            calls[action]()
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                return LayerDecision.ALLOWED  # the object is not there, and S3 said so
            denied = "explicit deny" in error.response["Error"]["Message"]
            return LayerDecision.DENIED if denied else LayerDecision.SILENT
        return LayerDecision.ALLOWED


@pytest.fixture(scope="module")
def asker(aws: EmbeddedAws) -> Asker:
    iam = client(aws, "iam")
    client(aws, "s3").create_bucket(
        Bucket="acme", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    iam.create_user(UserName="asker")
    made = iam.create_access_key(UserName="asker")["AccessKey"]
    key = AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))
    return Asker(iam, client(aws, "s3", key))


@pytest.mark.parametrize("name", POLICIES)
def test_they_agree(asker: Asker, name: str) -> None:
    asker.may(POLICIES[name])
    policy = parse_policy("p", {"Statement": POLICIES[name]})
    for action, resource, prefix in REQUESTS:
        context = {
            "s3:prefix": [] if prefix is None else [prefix],
            "aws:currenttime": [datetime.now(UTC).isoformat()],
        }
        ours = rule([policy], Request(action, resource, (), context))
        theirs = asker.ask(action, resource, prefix)
        assert ours.decision is theirs, (action, resource, prefix)
