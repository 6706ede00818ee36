"""The query protocol: signed as botocore signs, and nothing but an answer taken for one."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from valetkey.aws.query import QueryResponse, query_request, result_of
from valetkey.aws.signing import signed_headers
from valetkey.aws.xml_responses import child_text
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.secret import MASK

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ASSUME = "sts:AssumeRole"
RESULT = "<AssumeRoleResponse><AssumeRoleResult><A>1</A></AssumeRoleResult></AssumeRoleResponse>"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ENDPOINTS = (
    "https://sts.eu-central-1.amazonaws.com",
    "https://sts.cn-north-1.amazonaws.com.cn/",
    "http://127.0.0.1:4566",
    "http://[::1]:4566/a%20path/",
)


def botocores(key: ReadOnlyCredentials, request: AWSRequest) -> str:
    """Return the Authorization header that botocore makes for a request, at a fixed moment."""
    auth: Any = SigV4Auth(key, "sts", "eu-central-1")
    request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(text, request))
    return str(request.headers["Authorization"])


@given(
    form=st.dictionaries(TEXTS, TEXTS, max_size=5),
    endpoint=st.sampled_from(ENDPOINTS),
    token=st.sampled_from(["", "a/token+with=signs"]),
    secret=TEXTS,
)
def test_a_request_is_signed_as_botocore_signs_it(
    form: dict[str, str], endpoint: str, token: str, secret: str
) -> None:
    key = ReadOnlyCredentials("AKIAEXAMPLE", secret, token or None)
    sign = partial(signed_headers, key=key, region="eu-central-1", now=NOW, service="sts")
    ours = query_request(endpoint, form, sign)
    unsigned = {
        name: value
        for name, value in ours.headers.items()
        if name not in {"authorization", "content-length", "user-agent"}
    }
    theirs = AWSRequest("POST", ours.url, headers=unsigned, data=ours.body)
    assert ours.headers["authorization"] == botocores(key, theirs)


def answer(body: str | bytes, status: int = 200, **headers: str) -> QueryResponse:
    return QueryResponse(status, headers, body.encode() if isinstance(body, str) else body)


def refusal(code: str, message: str) -> str:
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender'
        f"</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )


def test_a_result_is_returned() -> None:
    assert child_text(result_of(answer(RESULT), ASSUME), "A") == "1"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 200),
        ("{}", 200),
        ("<AssumeRoleResponse/>", 200),
        (RESULT.replace("AssumeRoleResult", "OtherResult"), 200),
        (f"<!DOCTYPE a>{RESULT}", 200),
        (b"\xff\xfe", 200),
        ("<html>Who are you? Log in to this network.</html>", 403),
        ("<html>moved</html>", 302),
        ("", 404),
        ("<html>Bad gateway</html>", 502),
        ("", 503),
    ],
)
def test_what_is_no_answer_of_awss_is_neither_a_result_nor_a_refusal(
    body: str | bytes, status: int
) -> None:
    with pytest.raises(AwsUnavailable):
        result_of(answer(body, status), ASSUME)


def test_a_refusal_has_its_code_its_words_and_awss_time() -> None:
    date = "Fri, 02 Jan 2026 03:04:05 GMT"
    body = refusal("SignatureDoesNotMatch", "Signature expired: too old")
    with pytest.raises(AwsRefused) as refused:
        result_of(answer(body, 403, date=date), ASSUME)
    assert refused.value.details["aws_code"] == "SignatureDoesNotMatch"
    assert refused.value.details["aws_time"] == date


def test_a_refusal_shows_no_secret() -> None:
    body = refusal("AccessDenied", "your key is open-sesame, isn't it")
    with pytest.raises(AwsRefused) as refused:
        result_of(answer(body, 403), ASSUME, hide=("open-sesame",))
    assert "open-sesame" not in f"{refused.value} {dict(refused.value.details)}"
    assert MASK in refused.value.details["aws_message"]


@given(body=st.binary(max_size=200), status=st.integers(100, 599))
def test_whatever_comes_is_an_error_of_ours(body: bytes, status: int) -> None:
    with pytest.raises((AwsRefused, AwsUnavailable)):
        result_of(answer(body, status), ASSUME)
