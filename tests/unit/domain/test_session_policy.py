"""Scope -> session policy: exact, escaped, and its size known before it is sent."""

import json

import pytest

from valetkey.domain.errors import InvalidInput, TooLarge
from valetkey.domain.scope import AccessLevel, Scope, normalize_folder
from valetkey.domain.session_policy import MAX_CHARACTERS, glob_escape, render


def test_reading_a_folder_needs_one_statement_on_its_objects() -> None:
    policy = json.loads(render(Scope("b", ("train/",), frozenset({AccessLevel.READ}))))
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::b/train/*"],
            }
        ],
    }


def test_listing_a_folder_is_confined_by_a_condition_on_the_prefix() -> None:
    policy = json.loads(render(Scope("b", ("train/",), frozenset({AccessLevel.LIST}))))
    (statement,) = policy["Statement"]
    assert statement["Resource"] == "arn:aws:s3:::b"
    assert statement["Condition"] == {"StringLike": {"s3:prefix": ["train/", "train/*"]}}


def test_the_partition_of_the_role_is_the_partition_of_the_bucket() -> None:
    policy = render(Scope("b", ("x",), frozenset({AccessLevel.READ})), partition="aws-cn")
    assert "arn:aws-cn:s3:::b/x/*" in policy


@pytest.mark.parametrize(
    ("literal", "escaped"),
    [
        ("a*b", "a${*}b"),
        ("a?b", "a${?}b"),
        ("$", "${$}"),
        ("${aws:username}", "${$}{aws:username}"),
    ],
)
def test_letters_that_mean_something_to_iam_are_escaped(literal: str, escaped: str) -> None:
    assert glob_escape(literal) == escaped


def test_too_many_prefixes_say_how_many_fit() -> None:
    prefixes = tuple(f"{number:039d}/" for number in range(60))
    with pytest.raises(TooLarge) as caught:
        render(Scope("bucket", prefixes, frozenset(AccessLevel)))
    fitting = caught.value.details["fitting"]
    assert 0 < fitting < 60
    fits = render(Scope("bucket", prefixes[:fitting], frozenset(AccessLevel)))
    assert len(fits) <= MAX_CHARACTERS


def test_characters_beyond_latin_1_are_sent_in_ascii_form() -> None:
    assert render(Scope("b", ("日本",), frozenset({AccessLevel.READ}))).isascii()


@pytest.mark.parametrize("folder", ["/a", "a//b", "a/../b", "./a", "a\x00", "a" * 1024, "\ud800"])
def test_an_unusable_folder_is_refused(folder: str) -> None:
    with pytest.raises(InvalidInput):
        normalize_folder(folder)


@pytest.mark.parametrize("folder", ["a*", "a?b", "$x", "ünï/cödé", "a b", "%2F", "a" * 1000])
def test_a_strange_but_legal_folder_is_taken(folder: str) -> None:
    assert normalize_folder(folder) == folder + "/"


def test_an_empty_scope_can_not_be_built() -> None:
    with pytest.raises(InvalidInput):
        Scope("b", (), frozenset({AccessLevel.READ}))
    with pytest.raises(InvalidInput):
        Scope("b", ("a",), frozenset())


def test_a_folder_never_reaches_a_neighbour_that_starts_alike() -> None:
    scope = Scope("b", ("a",), frozenset({AccessLevel.READ}))
    assert scope.contains_key("a/x")
    assert not scope.contains_key("ab/x")


@pytest.mark.parametrize(
    ("level", "actions"),
    [
        (AccessLevel.READ, ["kms:Decrypt"]),
        (AccessLevel.WRITE, ["kms:GenerateDataKey", "kms:Decrypt"]),
    ],
)
@pytest.mark.parametrize(
    ("partition", "s3"),
    [("aws", "s3.eu-west-1.amazonaws.com"), ("aws-cn", "s3.eu-west-1.amazonaws.com.cn")],
)
def test_a_locations_key_opens_only_the_objects_in_scope_and_only_through_s3(
    level: AccessLevel, actions: list[str], partition: str, s3: str
) -> None:
    key = f"arn:{partition}:kms:eu-west-1:111122223333:key/k"
    scope = Scope("b", ("train/",), frozenset({level}))

    policy = json.loads(render(scope, partition=partition, kms_key_arn=key))

    (statement,) = (one for one in policy["Statement"] if one["Resource"] == key)
    context = [f"arn:{partition}:s3:::b", f"arn:{partition}:s3:::b/train/*"]
    assert statement["Action"] == actions
    assert statement["Condition"] == {
        "StringEquals": {"kms:ViaService": s3},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": context},
    }


@pytest.mark.parametrize("level", [AccessLevel.LIST, AccessLevel.DELETE])
def test_listing_and_deleting_do_not_open_the_locations_key(level: AccessLevel) -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/k"
    assert "kms" not in render(Scope("b", ("x/",), frozenset({level})), kms_key_arn=key)
