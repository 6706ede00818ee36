"""Every back door of MiniStack, tried and found shut."""

from __future__ import annotations

import hashlib
import hmac
import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from support.aws import GoodSetup, client
from support.raw_http import ask
from valetkey.domain.credentials import AccessKey
from valetkey.domain.integration_types.aws_sts import parse_access_key
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

SCOPE = "20261124/us-east-1/{}/aws4_request"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def authorization(key_id: str, service: str) -> str:
    scope = SCOPE.format(service)
    return f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders=host, Signature={'0' * 64}"


@pytest.fixture
def path(embedded_aws: EmbeddedAws, good_setup: GoodSetup) -> str:
    """The path of an object that only the right keys may read."""
    client(embedded_aws, "s3").put_object(Bucket=good_setup.bucket, Key="a.txt", Body=b"private")
    return f"/{good_setup.bucket}/a.txt"


ROOTS = ["test", "000000000000", "123456789012", "root", "", "AKIA", "akiaaaaaaaaaaaaaaaaa"]


@pytest.mark.parametrize("key_id", ROOTS)
@pytest.mark.parametrize("service", ["iam", "sts", "s3", "dynamodb"])
def test_a_key_id_that_iam_did_not_give_out_is_refused(
    embedded_aws: EmbeddedAws, key_id: str, service: str
) -> None:
    headers = {"authorization": authorization(key_id, service)} | FORM
    answer = ask(embedded_aws.endpoint, "POST", "/", headers, b"Action=ListUsers")
    assert answer.status == 403
    assert b"administrator" not in answer.body


@pytest.mark.parametrize("key_id", ROOTS)
@pytest.mark.parametrize(
    "shape",
    [
        "Authorization: AWS4-HMAC-SHA256 Credential={}/20261124/us-east-1/s3/aws4_request",
        "Authorization: AWS4-HMAC-SHA256 Credential={}/",
        "Authorization: AWS {}:c2lnbmF0dXJl",
        "?X-Amz-Credential={}/20261124/us-east-1/s3/aws4_request&X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "?X-Amz-Credential={}/1",
        "?x-amz-credential={}/1",
        "?AWSAccessKeyId={}&Signature=x&Expires=4000000000",
        "?AWSAccessKeyId={}",
    ],
)
def test_no_shape_of_a_root_key_reads_an_object(
    embedded_aws: EmbeddedAws, path: str, key_id: str, shape: str
) -> None:
    shown = shape.format(key_id)
    if shown.startswith("?"):
        answer = ask(embedded_aws.endpoint, "GET", path + shown)
    else:
        name, _, value = shown.partition(": ")
        answer = ask(embedded_aws.endpoint, "GET", path, {name: value})
    assert answer.status == 403
    assert b"private" not in answer.body


def test_digits_of_another_script_are_no_account_id(embedded_aws: EmbeddedAws, path: str) -> None:
    digits = "".join(chr(0x0660 + int(digit)) for digit in "000000000000")
    headers = {"authorization": authorization(digits, "s3").encode()}
    assert ask(embedded_aws.endpoint, "GET", path, headers).status == 403


def test_a_second_identity_beside_a_good_one_is_refused(
    embedded_aws: EmbeddedAws, path: str
) -> None:
    headers = {"authorization": authorization(embedded_aws.administrator.id, "s3")}
    answer = ask(embedded_aws.endpoint, "GET", f"{path}?X-Amz-Credential=test/1", headers)
    assert (answer.status, b"InvalidArgument" in answer.body) == (400, True)


def test_a_root_key_hidden_in_a_form_is_refused(embedded_aws: EmbeddedAws) -> None:
    body = b"Action=ListUsers&AWSAccessKeyId=test&Signature=x&SignatureVersion=2"
    answer = ask(embedded_aws.endpoint, "POST", "/", FORM, body)
    assert (answer.status, b"administrator" in answer.body) == (403, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("PUT", "/a-new-bucket"),
        ("GET", "{bucket}"),
        ("GET", "{bucket}/a.txt"),
        ("HEAD", "{bucket}/a.txt"),
        ("PUT", "{bucket}/b.txt"),
        ("DELETE", "{bucket}/a.txt"),
        ("DELETE", "{bucket}"),
        ("DELETE", "{bucket}?publicAccessBlock"),
        ("GET", "{bucket}?policy"),
        ("POST", "{bucket}?delete"),
        ("POST", "{bucket}"),
        ("GET", "/?Action=ListUsers&Version=2010-05-08"),
        ("GET", "/2015-03-31/functions/"),
    ],
)
def test_nobody_gets_nothing(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, method: str, path: str
) -> None:
    shown = path.format(bucket=f"/{good_setup.bucket}")
    assert ask(embedded_aws.endpoint, method, shown).status == 403
    buckets = client(embedded_aws, "s3").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == [good_setup.bucket]


@pytest.mark.parametrize("target", ["DynamoDB_20120810.ListTables", "TrentService.ListKeys"])
def test_unsigned_json_services_are_refused(embedded_aws: EmbeddedAws, target: str) -> None:
    headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
    assert ask(embedded_aws.endpoint, "POST", "/", headers, b"{}").status == 403


@pytest.mark.parametrize("scheme", ["Bearer abc", "AWS4-HMAC-SHA256 junk", "Basic dGVzdDp0ZXN0"])
def test_an_authorization_that_names_no_key_is_refused(
    embedded_aws: EmbeddedAws, path: str, scheme: str
) -> None:
    assert ask(embedded_aws.endpoint, "GET", path, {"authorization": scheme}).status == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/health",
        "/_ministack/config",
        "/_ministack/sqs/messages",
        "/_ministack/rds/iam-auth",
        "/_ministack/eks-auth/x",
        "/%5Fministack/reset",
        "//_ministack/reset",
        "/_localstack/health",
        "/_aws/execute-api/x/y",
        "/health",
    ],
)
def test_no_control_path_is_open(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, method: str, path: str
) -> None:
    signed = {"authorization": authorization(embedded_aws.administrator.id, "s3")}
    for headers in ({}, signed):
        assert ask(embedded_aws.endpoint, method, path, headers).status == 403
    assert client(embedded_aws, "iam").get_user(UserName=good_setup.user)


def test_the_bootstrap_header_opens_nothing_without_its_token(embedded_aws: EmbeddedAws) -> None:
    for guess in ("", "0" * 64, b"\xff" * 64):
        headers: dict[str, str | bytes] = {"x-valetkey-embedded-bootstrap": guess}
        answer = ask(embedded_aws.endpoint, "GET", "/", headers)
        assert answer.status == 403


def test_a_websocket_is_refused(embedded_aws: EmbeddedAws) -> None:
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = ask(embedded_aws.endpoint, "GET", "/_aws/execute-api/x/y", upgrade)
    assert answer.status == 403


def test_it_listens_on_loopback_only(embedded_aws: EmbeddedAws) -> None:
    parts = urlsplit(embedded_aws.endpoint)
    assert parts.hostname == "127.0.0.1"
    assert parts.port
    with (
        socket.socket() as other,
        pytest.raises(OSError, match="refused"),
    ):
        # 127.0.0.2 is this machine too: whoever binds all addresses answers there.
        other.connect(("127.0.0.2", parts.port))


def test_a_wrong_secret_of_the_administrator_opens_nothing(embedded_aws: EmbeddedAws) -> None:
    wrong = AccessKey(embedded_aws.administrator.id, Secret("x" * 40))
    for service, call in (("iam", "list_users"), ("s3", "list_buckets")):
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            getattr(client(embedded_aws, service, wrong), call)()


def test_the_administrators_key_is_one_that_the_domain_takes(embedded_aws: EmbeddedAws) -> None:
    key = embedded_aws.administrator
    assert parse_access_key(key.id, key.secret.reveal()) == key


def test_keys_of_before_a_reset_are_gone(embedded_aws: EmbeddedAws) -> None:
    before = embedded_aws.administrator
    embedded_aws.reset()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client(embedded_aws, "iam", before).list_users()


def test_the_key_in_the_environment_of_whoever_runs_it_is_not_root(
    embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = AccessKey("AKIAMYOWNREALKEYOFAWS", Secret("y" * 40))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", mine.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", mine.secret.reveal())
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client(embedded_aws, "iam", mine).list_users()


def test_a_public_object_is_read_by_anybody(embedded_aws: EmbeddedAws) -> None:
    s3 = client(embedded_aws, "s3")
    s3.create_bucket(
        Bucket="open-to-all", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    s3.delete_public_access_block(Bucket="open-to-all")
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"s3:GetObject","Resource":"arn:aws:s3:::open-to-all/*"}]}'
    )
    s3.put_bucket_policy(Bucket="open-to-all", Policy=policy)
    s3.put_object(Bucket="open-to-all", Key="a.txt", Body=b"for all")
    answer = ask(embedded_aws.endpoint, "GET", "/open-to-all/a.txt")
    assert (answer.status, answer.body) == (200, b"for all")


def test_a_presigned_url_needs_no_header(embedded_aws: EmbeddedAws, path: str) -> None:
    bucket, _, key = path.lstrip("/").partition("/")
    url: Any = client(embedded_aws, "s3").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}
    )
    parts = urlsplit(url)
    answer = ask(embedded_aws.endpoint, "GET", f"{parts.path}?{parts.query}")
    assert (answer.status, answer.body) == (200, b"private")
    forged = parts.query.replace(embedded_aws.administrator.id, "test")
    assert ask(embedded_aws.endpoint, "GET", f"{parts.path}?{forged}").status == 403


def test_a_signature_made_with_an_empty_secret_is_refused(
    embedded_aws: EmbeddedAws, path: str
) -> None:
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    key = hmac.digest(b"AWS4", stamp[:8].encode(), hashlib.sha256)
    forged = hmac.digest(key, path.encode(), hashlib.sha256).hex()
    header = authorization(embedded_aws.administrator.id, "s3").replace("0" * 64, forged)
    headers = {"authorization": header, "x-amz-date": stamp}
    assert ask(embedded_aws.endpoint, "GET", path, headers).status >= 400


def test_an_endless_form_is_cut_short(embedded_aws: EmbeddedAws) -> None:
    headers = FORM | {"authorization": authorization(embedded_aws.administrator.id, "iam")}
    answer = ask(embedded_aws.endpoint, "POST", "/", headers, b"a=" + b"x" * (2 << 20))
    assert answer.status == 413
