"""The SDK against a real server over the embedded AWS."""

from __future__ import annotations

import pytest

from support.aws import client as aws_client
from support.server import ANNOTATOR, DRIVER, OBJECTS, Installation
from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.sdk import Denied


def test_credentials_open_what_was_asked_for_and_nothing_else(
    valetkey_server: Installation,
) -> None:
    with valetkey_server.client() as client:
        got = client.driver(DRIVER).credentials(["cats"], ["read"], ttl=900)
    key = AccessKey(got.access_key_id, Secret(got.secret_access_key))
    s3 = aws_client(valetkey_server.aws, "s3", key, got.session_token)
    bucket = valetkey_server.setup.bucket
    body = s3.get_object(Bucket=bucket, Key="train/cats/1.txt")["Body"].read()
    assert body == OBJECTS["train/cats/1.txt"]
    for refused in ("train/a.txt", "other/secret.txt"):
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            s3.get_object(Bucket=bucket, Key=refused)


def test_who_has_no_right_is_told_so(valetkey_server: Installation) -> None:
    with valetkey_server.client(ANNOTATOR) as client, pytest.raises(Denied) as caught:
        client.driver(valetkey_server.driver.id).credentials()
    assert caught.value.request_id
