"""Rendered session policies as S3 enforces them: what the scope contains, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.aws import client, make_setup
from valetkey.domain.credentials import AccessKey
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.secret import Secret
from valetkey.domain.session_policy import render
from valetkey.embedded import EmbeddedAws

#: Folders that mean something to IAM, to URLs, or to a careless comparison of prefixes.
HOSTILE = [
    "a",
    "ab",
    "a b",
    "a*",
    "*",
    "?",
    "a?c",
    "$",
    "${aws:username}",
    "${*}",
    "%",
    "%2F",
    "ü",
    "日本",
    "a/b",
    "A",
    "abc",
    "a+b",
]
LEVELS = st.sets(st.sampled_from(AccessLevel), min_size=1).map(frozenset)
FOLDERS = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3, unique=True).map(tuple)


class World:
    """A bucket with an object in each hostile folder, and sessions on it."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.setup = make_setup(aws, "hostile")
        self._aws = aws
        # The role may do everything here: what is refused, the session policy refuses.
        everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        client(aws, "iam").put_role_policy(
            RoleName=self.setup.role,
            PolicyName="everything",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        self._sts = client(aws, "sts", self.setup.key)
        self._root = client(aws, "s3")
        for folder in ["", *(f"{name}/" for name in HOSTILE)]:
            self._root.put_object(Bucket=self.setup.bucket, Key=f"{folder}x", Body=b"x")

    def session(self, scope: Scope) -> Any:
        """Return S3 as a session with just this scope sees it."""
        given = self._sts.assume_role(
            RoleArn=self.setup.role_arn, RoleSessionName="ada", Policy=render(scope)
        )["Credentials"]
        key = AccessKey(given["AccessKeyId"], Secret(given["SecretAccessKey"]))
        return client(self._aws, "s3", key, given["SessionToken"])

    def put_back(self, key: str) -> None:
        self._root.put_object(Bucket=self.setup.bucket, Key=key, Body=b"x")


@pytest.fixture(scope="module")
def world(_running_aws: EmbeddedAws) -> World:
    _running_aws.reset()
    return World(_running_aws)


def allowed(call: Any, **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(folders=FOLDERS, levels=LEVELS, other=st.sampled_from(["", *HOSTILE]))
def test_a_session_can_do_what_its_scope_contains_and_nothing_else(
    world: World, folders: tuple[str, ...], levels: frozenset[AccessLevel], other: str
) -> None:
    bucket = world.setup.bucket
    scope = Scope(bucket, folders, levels)
    s3 = world.session(scope)
    for folder in {f"{other}/" if other else "", *scope.prefixes}:
        inside, key = scope.contains_key(folder), f"{folder}x"
        assert allowed(s3.get_object, Bucket=bucket, Key=key) is (
            inside and AccessLevel.READ in levels
        )
        assert allowed(s3.put_object, Bucket=bucket, Key=key, Body=b"x") is (
            inside and AccessLevel.WRITE in levels
        )
        assert allowed(s3.list_objects_v2, Bucket=bucket, Prefix=folder) is (
            inside and AccessLevel.LIST in levels
        )
        deleted = allowed(s3.delete_object, Bucket=bucket, Key=key)
        assert deleted is (inside and AccessLevel.DELETE in levels)
        if deleted:
            world.put_back(key)


def test_a_bare_name_is_listed_on_request_only(world: World) -> None:
    bucket, listing = world.setup.bucket, frozenset({AccessLevel.LIST})
    plain = world.session(Scope(bucket, ("a",), listing))
    bare = world.session(Scope(bucket, ("a",), listing, bare=True))
    assert not allowed(plain.list_objects_v2, Bucket=bucket, Prefix="a")
    assert allowed(bare.list_objects_v2, Bucket=bucket, Prefix="a")
    assert not allowed(bare.list_objects_v2, Bucket=bucket, Prefix="ab")
    assert not allowed(bare.list_objects_v2, Bucket=bucket, Prefix="")


def test_an_upload_in_parts_is_finished_and_given_up_with_write_alone(world: World) -> None:
    bucket = world.setup.bucket
    s3 = world.session(Scope(bucket, ("a",), frozenset({AccessLevel.WRITE})))
    begun = s3.create_multipart_upload(Bucket=bucket, Key="a/big")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="a/big", UploadId=begun, PartNumber=1, Body=b"x")
    assert allowed(s3.abort_multipart_upload, Bucket=bucket, Key="a/big", UploadId=begun)
    assert not allowed(s3.create_multipart_upload, Bucket=bucket, Key="ab/big")
