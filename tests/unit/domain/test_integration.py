"""What a person enters for an integration, checked before anything is asked of AWS."""

import pytest

from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types.aws_sts import parse_access_key
from valetkey.domain.role_arn import RoleArn

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("text", "partition", "name"),
    [
        ("arn:aws:iam::123456789012:role/reader", "aws", "reader"),
        ("  arn:aws:iam::123456789012:role/reader\n", "aws", "reader"),
        ("arn:aws-cn:iam::123456789012:role/data/team/reader", "aws-cn", "reader"),
        ("arn:aws-us-gov:iam::123456789012:role/a+b=c,d.e@f-g_h", "aws-us-gov", "a+b=c,d.e@f-g_h"),
    ],
)
def test_a_role_arn_is_taken_apart(text: str, partition: str, name: str) -> None:
    arn = RoleArn.parse(text)
    assert (arn.partition, arn.account, arn.name) == (partition, "123456789012", name)
    assert str(arn) == text.strip()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not the ARN"),
        ("reader", "not the ARN"),
        ("arn:aws:iam::123456789012:user/x", "a user's"),
        ("arn:aws:iam::123456789012:policy/x", "a policy's"),
        ("arn:aws:iam::123456789012:instance-profile/x", "an instance profile's"),
        ("arn:aws:sts::123456789012:assumed-role/x/y", "a session's"),
        ("arn:aws:s3:::bucket", "a bucket's"),
        ("arn:aws:iam::12345678901:role/x", "not the ARN"),
        ("arn:amazon:iam::123456789012:role/x", "not the ARN"),
        ("arn:aws:iam::123456789012:role/", "not the ARN"),
        ("arn:aws:iam::123456789012:role/a b", "not the ARN"),
        ("arn:aws:iam::123456789012:role/" + "p/" * 1100 + "x", "not the ARN"),
        ("arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/x", "not the ARN"),
    ],
)
def test_any_other_arn_is_refused_saying_what_it_looks_like(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        RoleArn.parse(text)
    assert caught.value.details["field"] == "roleArn"


def test_a_key_as_ceph_makes_it_is_taken_too() -> None:
    """Ceph RGW's documentation, "user create": 20 capital letters and digits, whatever begins."""
    secret = "h7GhxuBLTrlhVUyxSPUKUV8r/2EI4ngqJxD7iBdB"
    assert parse_access_key("0555B35654AD1656D804", secret).id == "0555B35654AD1656D804"


def test_an_access_key_is_taken_as_it_is() -> None:
    key = parse_access_key(KEY, SECRET)
    assert key.id == KEY
    assert key.secret.reveal() == SECRET


@pytest.mark.parametrize(
    ("key", "secret", "field", "says"),
    [
        (KEY + " ", SECRET, "key", "white space"),
        (KEY, SECRET + "\n", "secret", "white space"),
        (KEY, " " + SECRET, "secret", "white space"),
        ("ASIAIOSFODNN7EXAMPLE", SECRET, "key", "temporary"),
        ("akiaiosfodnn7example", SECRET, "key", "not an access key"),
        ("", SECRET, "key", "not an access key"),
        ("AIDAIOSFODNN7EXAMPLE", SECRET, "key", "not an access key"),
        ("AROAIOSFODNN7EXAMPLE", SECRET, "key", "not an access key"),
        ("0555B35654AD1656D80", SECRET, "key", "not an access key"),
        (SECRET, KEY, "key", "not an access key"),
        (KEY, SECRET[:-1], "secret", "not a secret"),
        (KEY, SECRET[:-1] + "!", "secret", "not a secret"),
        (KEY, "", "secret", "not a secret"),
    ],
)
def test_a_key_that_can_not_be_right_is_refused_without_repeating_the_secret(
    key: str, secret: str, field: str, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        parse_access_key(key, secret)
    assert caught.value.details["field"] == field
    assert not secret.strip() or secret.strip() not in str(caught.value)
