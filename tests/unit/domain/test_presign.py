"""Presigned URLs: botocore's own, byte for byte, and never longer-lived than the session."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, Literal
from unittest import mock
from urllib.parse import quote

import botocore.auth
import botocore.session
import pytest
from botocore.config import Config
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.presign import MAX_EXPIRES, Method, Presigner, legal_disposition, presigner
from valetkey.domain.secret import Secret

NOON = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SESSION = TemporaryCredentials(
    "ASIAEXAMPLE", Secret("secret/+="), Secret("token/+=&?"), NOON + timedelta(hours=1)
)
VIRTUAL = "https://bucket.s3.eu-central-1.amazonaws.com"
OPERATIONS = {
    Method.GET: "get_object",
    Method.PUT: "put_object",
    Method.HEAD: "head_object",
    Method.DELETE: "delete_object",
}


@cache
def botocore_client(endpoint: str, style: Literal["virtual", "path"]) -> Any:
    return botocore.session.Session().create_client(
        "s3",
        region_name="eu-central-1",
        endpoint_url=endpoint or None,
        aws_access_key_id=SESSION.access_key_id,
        aws_secret_access_key=SESSION.secret_access_key.reveal(),
        aws_session_token=SESSION.session_token.reveal(),
        config=Config(signature_version="s3v4", s3={"addressing_style": style}),
    )


#: What botocore's clients are made with, by the bucket's URL.
CLIENTS: Final[dict[str, tuple[str, Literal["virtual", "path"]]]] = {
    VIRTUAL: ("", "virtual"),
    "http://127.0.0.1:9000/bucket": ("http://127.0.0.1:9000", "path"),
}


def signer(
    url: str = VIRTUAL, method: Method = Method.GET, expires: timedelta = timedelta(minutes=5)
) -> Presigner:
    return presigner(
        SESSION, bucket_url=url, region="eu-central-1", method=method, expires=expires, now=NOON
    )


def botocore_url(url: str, method: Method, key: str, **extra: str) -> str:
    with mock.patch.object(
        botocore.auth, "get_current_datetime", return_value=NOON.replace(tzinfo=None)
    ):
        made: str = botocore_client(*CLIENTS[url]).generate_presigned_url(
            OPERATIONS[method],
            Params={"Bucket": "bucket", "Key": key} | extra,
            ExpiresIn=300,
        )
    return made


plain_keys = st.text("abcXYZ019._~/-", min_size=1, max_size=60)
strange_keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
keys = plain_keys | strange_keys


@settings(max_examples=300, deadline=None)
@given(key=keys, url=st.sampled_from(list(CLIENTS)), method=st.sampled_from(Method))
def test_a_url_equals_botocores_byte_for_byte(key: str, url: str, method: Method) -> None:
    assume(not any(part in {".", ".."} for part in key.split("/")))
    assert signer(url, method).url(key) == botocore_url(url, method, key)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=1))
def test_a_disposition_and_a_version_are_signed_as_botocore_signs_them(text: str) -> None:
    made = signer().url("a b", disposition=text, version_id="v/1+")
    assert made == botocore_url(
        VIRTUAL, Method.GET, "a b", ResponseContentDisposition=text, VersionId="v/1+"
    )


@pytest.mark.parametrize(
    ("asked", "real"),
    [
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(hours=2), timedelta(hours=1)),
        (MAX_EXPIRES * 2, timedelta(hours=1)),
    ],
)
def test_a_url_never_outlives_its_session(asked: timedelta, real: timedelta) -> None:
    made = signer(expires=asked)
    assert made.expires_at == NOON.replace(microsecond=0) + real
    assert f"X-Amz-Expires={int(real.total_seconds())}&" in made.url("k")


def test_no_url_is_made_with_a_session_that_has_ended() -> None:
    with pytest.raises(InvalidInput):
        presigner(
            SESSION,
            bucket_url=VIRTUAL,
            region="eu-central-1",
            method=Method.GET,
            expires=timedelta(minutes=5),
            now=SESSION.expires_at + timedelta(seconds=1),
        )


@pytest.mark.parametrize("key", ["", "a" * 1025, "é" * 513, "\ud800", "a/../b", "./a", ".."])
def test_a_key_that_can_not_be_signed_safely_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        signer().url(key)


@pytest.mark.parametrize(
    ("method", "option"),
    [
        (Method.PUT, {"disposition": "inline"}),
        (Method.DELETE, {"disposition": "inline"}),
        (Method.PUT, {"version_id": "1"}),
        (Method.GET, {"disposition": "inline\r\nSet-Cookie: a=b"}),
    ],
)
def test_an_option_that_does_not_fit_is_refused(method: Method, option: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        signer(method=method).url("k", **option)


def test_a_presigner_prints_no_secret() -> None:
    shown = repr(signer())
    assert "token" not in shown
    assert "secret" not in shown
    assert "_key=" not in shown


LEGAL = [
    ('attachment; filename="a.jpg"', 'attachment; filename="a.jpg"'),
    ('attachment; filename="\xfc.jpg"', 'attachment; filename="\xfc.jpg"'),
    (
        'attachment; filename="\u65e5 \u8a9e.jpg"',
        "attachment; filename=\"_ _.jpg\"; filename*=UTF-8''%E6%97%A5%20%E8%AA%9E.jpg",
    ),
    (
        "inline; FileName = \u20ac.txt; x=1",
        "inline; filename=\"_.txt\"; filename*=UTF-8''%E2%82%AC.txt; x=1",
    ),
    (
        'attachment; filename="\\"\u65e5\\".jpg"',
        "attachment; filename=\"___.jpg\"; filename*=UTF-8''%22%E6%97%A5%22.jpg",
    ),
]


@pytest.mark.parametrize(("asked", "sent"), LEGAL)
def test_a_file_name_beyond_latin_1_is_sent_as_s3_takes_it(asked: str, sent: str) -> None:
    assert legal_disposition(asked) == sent
    assert quote(sent, safe="") in signer().url("a", disposition=asked).replace("+", "%20")


ILLEGAL = ["\u65e5", "attachment; x=\u65e5", 'attachment; filename="a"; filename*=\u65e5']


@pytest.mark.parametrize("asked", ILLEGAL)
def test_other_letters_beyond_latin_1_are_refused_in_words(asked: str) -> None:
    with pytest.raises(InvalidInput, match="letters that an HTTP header"):
        signer().url("a", disposition=asked)


def test_a_requester_who_pays_says_so_in_the_url() -> None:
    made = presigner(
        SESSION,
        bucket_url=VIRTUAL,
        region="eu-central-1",
        method=Method.GET,
        expires=timedelta(seconds=300),
        now=NOON,
        requester_pays=True,
    )
    assert "?x-amz-request-payer=requester&X-Amz-Algorithm=" in made.url("a b")
