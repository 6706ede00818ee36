"""The SDK against a real server over the embedded AWS."""

from __future__ import annotations

import asyncio
import functools
import logging
import traceback
import urllib.request
from datetime import UTC, datetime

import pytest

from support.aws import client as aws_client
from support.server import ANNOTATOR, LOCATION, OBJECTS, Installation
from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.sdk import ApiError, AsyncClient, Denied, PresignedUrl


def test_credentials_open_what_was_asked_for_and_nothing_else(
    valetkey_server: Installation,
) -> None:
    with valetkey_server.client() as client:
        got = client.location(LOCATION).credentials(["cats"], ["read"], ttl=900)
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
        client.location(valetkey_server.location.id).credentials()
    assert caught.value.request_id


def test_urls_open_their_objects_and_say_when_they_end(valetkey_server: Installation) -> None:
    wanted = ["train/a.txt", "train/cats/2.txt"]
    with valetkey_server.client() as client:
        urls = list(
            client.location(LOCATION).presign(wanted, expires=604_800, disposition="inline")
        )
    assert [url.key for url in urls] == wanted
    for url in urls:
        with urllib.request.urlopen(url.url, timeout=90) as answer:  # noqa: S310  # loopback
            assert answer.read() == OBJECTS[url.key]
        assert (url.expires_at - datetime.now(UTC)).total_seconds() <= 12 * 3600
        assert "X-Amz-Signature" not in repr(url)


def test_a_key_outside_the_location_has_no_url_nor_have_the_others(
    valetkey_server: Installation,
) -> None:
    with valetkey_server.client() as client, pytest.raises(ApiError) as caught:
        list(client.location(LOCATION).presign(["train/a.txt", "other/secret.txt"]))
    assert caught.value.status in {400, 403}


async def test_the_asynchronous_client_does_the_same(valetkey_server: Installation) -> None:
    async with AsyncClient(valetkey_server.url, valetkey_server.token()) as client:
        location = client.location(LOCATION)
        urls: list[PresignedUrl] = [url async for url in location.presign(["train/a.txt"])]
        with urllib.request.urlopen(urls[0].url, timeout=90) as answer:  # noqa: ASYNC210, S310
            assert answer.read() == b"a"
        herd = await asyncio.gather(*(location.credentials(ttl=1800) for _ in range(20)))
        assert len({given.access_key_id for given in herd}) == 1
        s3 = location.boto3_session().client("s3")
        read = functools.partial(
            s3.get_object, Bucket=valetkey_server.setup.bucket, Key="train/a.txt"
        )
        assert (await asyncio.to_thread(read))["Body"].read() == b"a"
        s3.close()


def test_no_secret_is_logged_or_shown_in_a_traceback(
    valetkey_server: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    with valetkey_server.client() as client:
        location = client.location(LOCATION)
        given, current = location.credentials(), location.renewing()
        current()
        shown += [repr(each) for each in (client, location, given, current, location._client)]
        for wrong in ({"ttl": 1}, {"access": ["everything"]}, {"prefixes": ["../other"]}):
            with pytest.raises(ApiError) as caught:
                location.credentials(**wrong)
            shown += traceback.format_exception(caught.value)
    for secret in (valetkey_server.token(), given.secret_access_key, given.session_token):
        assert secret not in caplog.text
        assert not any(secret in text for text in shown)
