"""What each type of integration takes, and what it refuses, without a secret in any message."""

from __future__ import annotations

from typing import Any

import pytest

from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types import IntegrationType, NewIntegration, checked, parse_type
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ROLE = "arn:aws:iam::123456789012:role/reader"


def new(kind: str, **parts: Any) -> NewIntegration:
    secret = Secret(parts.pop("secret", ""))
    return NewIntegration(IntegrationType(kind), "name", secret=secret, **parts)


@pytest.mark.parametrize(
    ("order", "key", "secret", "role"),
    [
        (new("aws-sts", key=KEY, secret=SECRET, role_arn=ROLE), KEY, SECRET, ROLE),
        (new("aws-cross"), "", "", ""),
        (new("aws-cross", role_arn=ROLE), "", "", ROLE),
        (new("s3", key="minio", secret="short"), "minio", "short", ""),
        (
            new("key_value", key="token", secret="a value\nof lines"),
            "token",
            "a value\nof lines",
            "",
        ),
    ],
)
def test_each_type_keeps_what_it_needs(
    order: NewIntegration, key: str, secret: str, role: str
) -> None:
    parts = checked(order)
    assert (parts.access_key_id, parts.secret.reveal(), str(parts.role_arn)) == (key, secret, role)


@pytest.mark.parametrize(
    "order",
    [
        new("aws-sts", key=KEY, secret=SECRET),
        new("aws-sts", key="minio", secret=SECRET, role_arn=ROLE),
        new("aws-cross", key=KEY, secret=SECRET),
        new("aws-cross", role_arn="nonsense"),
        new("s3", key="minio", secret="hidden secret"),
        new("s3", key="", secret="hidden-secret"),
        new("s3", key="k" * 129, secret="hidden-secret"),
        new("key_value", key="", secret="hidden-secret"),
        new("key_value", key="ä", secret="hidden-secret"),
        new("key_value", key="token"),
        new("key_value", key="token", secret="hidden-secret", facts={"color": "x"}),
        new("key_value", key="token", secret="hidden-secret", facts={"ref": 1}),
        new("key_value", key="token", secret="hidden-secret", facts={"ref": "x" * 300}),
    ],
)
def test_what_can_not_be_right_is_refused_and_the_secret_is_not_told(order: NewIntegration) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(order)
    assert refused.value.hint
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("kind", ["gcs", "", "AWS-STS", "azureblob"])
def test_other_types_do_not_exist_here(kind: str) -> None:
    with pytest.raises(InvalidInput, match="not a type"):
        parse_type(kind)


def test_no_role_is_false_and_writes_nothing() -> None:
    none, some = RoleArn.parse_optional(" "), RoleArn.parse_optional(ROLE)
    assert (bool(none), str(none)) == (False, "")
    assert (bool(some), str(some)) == (True, ROLE)
