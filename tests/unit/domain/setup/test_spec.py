from __future__ import annotations

import pytest

from valetkey.domain.errors import InvalidInput
from valetkey.domain.setup import SetupSpec


def spec(**changes: str) -> SetupSpec:
    given = {"name": "valetkey", "bucket": "acme-data", "region": "eu-central-1"} | changes
    return SetupSpec(**given)  # type: ignore[arg-type]


def test_the_other_names_follow_from_the_name_of_the_setup() -> None:
    made = spec(name="prod")
    assert (made.user, made.role, made.policy) == ("prod-user", "prod-role", "prod-s3")


def test_a_folder_is_normalised() -> None:
    assert spec(folder="train/images").folder == "train/images/"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", "two words"),
        ("name", "-first"),
        ("name", "x" * 41),
        ("name", "naïve"),
        ("user", "with space"),
        ("user", "x" * 65),
        ("user", "a/b"),
        ("role", "rôle"),
        ("role", "x" * 65),
        ("policy", "x" * 129),
        ("policy", "semi;colon"),
        ("bucket", "Upper"),
        ("bucket", "ab"),
        ("bucket", "192.168.1.1"),
        ("bucket", "s3://acme"),
        ("region", ""),
        ("region", "europe"),
        ("folder", "/leading"),
        ("folder", "a/../b"),
        ("folder", "a//b"),
        ("folder", "x" * 1024),
        ("folder", "tab\there"),
    ],
)
def test_what_aws_would_refuse_is_refused_before_it_is_sent(field: str, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        spec(**{field: text})
    assert caught.value.hint


@pytest.mark.parametrize("text", ["a", "A.b+c=d,e@f-g_h", "x" * 64])
def test_every_letter_that_iam_allows_is_allowed(text: str) -> None:
    assert spec(user=text, role=text).role == text


def test_arns_are_in_the_partition_of_the_account() -> None:
    desired = spec().resolve(account="123456789012", partition="aws-cn")
    assert desired.user_arn == "arn:aws-cn:iam::123456789012:user/valetkey-user"
    assert desired.policy_arn == "arn:aws-cn:iam::123456789012:policy/valetkey-s3"
    assert desired.role_arn == "arn:aws-cn:iam::123456789012:role/valetkey-role"
