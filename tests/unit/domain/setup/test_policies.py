from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from valetkey.domain.setup import Desired, SetupSpec, policies

# The two documents of the reference page ("STS Integration", 18 Jul 2024), as they stand there.
PAGE_INLINE = """
{
"Version": "2012-10-17",
"Statement": {
"Effect": "Allow",
"Action": "sts:AssumeRole",
"Resource": "arn:aws:iam::<YourAWSAccountId>:role/<IAMRoleName>"
}
}
"""
PAGE_TRUST = """
{ "Version": "2012-10-17",
"Statement": [
{
"Effect": "Allow",
"Principal": {
"AWS":"arn:aws:iam::<AWSAccountId>:user/<IAMUserName>"
},
"Action": "sts:AssumeRole"
}
]
}
"""


def desired(*, folder: str = "", revocation: bool = False, rotation: bool = True) -> Desired:
    spec = SetupSpec(
        "valetkey",
        "acme-data",
        "eu-central-1",
        folder=folder,
        revocation=revocation,
        self_rotation=rotation,
    )
    return spec.resolve(account="123456789012", partition="aws")


def page(text: str) -> Any:
    for hole, value in {
        "<YourAWSAccountId>": "123456789012",
        "<AWSAccountId>": "123456789012",
        "<IAMRoleName>": "valetkey-role",
        "<IAMUserName>": "valetkey-user",
    }.items():
        text = text.replace(hole, value)
    return json.loads(text)


def test_the_users_inline_policy_is_the_pages_json() -> None:
    assert policies.assume_role(desired()) == page(PAGE_INLINE)


def test_the_trust_policy_is_the_pages_json() -> None:
    assert policies.trust(desired()) == page(PAGE_TRUST)


def test_the_role_may_also_end_uploads_and_open_old_versions() -> None:
    _, objects = policies.bucket_access(desired())["Statement"]
    assert objects["Action"] == [
        *("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
        *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
        *("s3:GetObjectVersion", "s3:DeleteObjectVersion"),
    ]


def test_strictly_by_the_page_the_role_may_do_four_things() -> None:
    strict = replace(desired(), strict_reference=True)
    listing, objects = policies.bucket_access(strict)["Statement"]
    assert listing == {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::acme-data",
    }
    assert objects == {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": "arn:aws:s3:::acme-data/*",
    }


def test_a_folder_confines_listing_and_objects() -> None:
    listing, objects = policies.bucket_access(desired(folder="train"))["Statement"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["train/", "train/*"]}}
    assert objects["Resource"] == "arn:aws:s3:::acme-data/train/*"


def test_glob_letters_of_a_folder_are_literal() -> None:
    _, objects = policies.bucket_access(desired(folder="a*b?$c"))["Statement"]
    assert objects["Resource"] == "arn:aws:s3:::acme-data/a${*}b${?}${$}c/*"


def test_a_document_is_sent_as_ascii() -> None:
    text = policies.to_json(policies.bucket_access(desired(folder="日本")))
    assert text.isascii()
    assert json.loads(text) == policies.bucket_access(desired(folder="日本"))


def test_self_rotation_reaches_the_user_itself_and_nobody_else() -> None:
    (statement,) = policies.self_rotation(desired())["Statement"]
    assert statement["Resource"] == "arn:aws:iam::123456789012:user/valetkey-user"
    assert all(action.startswith("iam:") for action in statement["Action"])
    assert "*" not in json.dumps(statement)


@pytest.mark.parametrize(
    ("rotation", "revocation", "names"),
    [
        (False, False, ["valetkey-assume-role"]),
        (True, False, ["valetkey-assume-role", "valetkey-self-rotation"]),
        (
            True,
            True,
            ["valetkey-assume-role", "valetkey-self-rotation", "valetkey-revocation"],
        ),
    ],
)
def test_the_user_gets_the_rights_that_were_asked_for(
    rotation: bool, revocation: bool, names: list[str]
) -> None:
    assert list(policies.user_policies(desired(rotation=rotation, revocation=revocation))) == names


BASE: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "r"}],
}


def changed(**parts: Any) -> dict[str, Any]:
    return BASE | {"Statement": [BASE["Statement"][0] | parts]}


@pytest.mark.parametrize(
    "other",
    [
        BASE | {"Statement": BASE["Statement"][0]},
        changed(Action=["s3:PutObject", "s3:GetObject"]),
        changed(Action=["S3:getobject", "s3:putobject"]),
        changed(Resource=["r"]),
        changed(Sid="named"),
    ],
)
def test_documents_that_grant_the_same_are_the_same(other: dict[str, Any]) -> None:
    assert policies.same(BASE, other)


@pytest.mark.parametrize(
    "other",
    [
        changed(Effect="Deny"),
        changed(Action=["s3:GetObject"]),
        changed(Resource="R"),
        changed(Resource=["r", "s"]),
        changed(Condition={"Bool": {"aws:SecureTransport": "true"}}),
        BASE | {"Version": "2008-10-17"},
        BASE | {"Statement": BASE["Statement"] * 2},
        BASE | {"Statement": []},
        {},
    ],
)
def test_documents_that_differ_are_told_apart(other: dict[str, Any]) -> None:
    assert not policies.same(BASE, other)


def test_nobody_may_assume_a_role_that_is_not_finished() -> None:
    (statement,) = policies.NOBODY["Statement"]
    assert statement["Effect"] == "Deny"
    assert not policies.same(policies.NOBODY, policies.trust(desired()))
