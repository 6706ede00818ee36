"""The hot routes over HTTP: hostile tokens, bodies and queries, STS in trouble, and real URLs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from support.aws import client
from support.raw_http import ask
from support.server import ANNOTATOR, OWNER, Installation
from valetkey.crypto.tokens import JwtTokens
from valetkey.domain.ports import TokenClaims
from valetkey.domain.secret import Secret
from valetkey.embedded import Fault, FaultKind

READ = {"prefixes": [""], "access": ["list", "read"]}


def path(made: Installation, verb: str = "credentials") -> str:
    return f"/v1/locations/{made.location.id}/{verb}"


def post(made: Installation, body: object, verb: str = "credentials") -> httpx2.Response:
    headers = {"authorization": f"Bearer {made.token()}", "accept": "application/x-ndjson"}
    return httpx2.post(made.url + path(made, verb), json=body, headers=headers, timeout=60)


def part(content: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def forged(made: Installation) -> dict[str, str]:
    """Tokens that look right and are not."""
    good = made.token()
    head, body, signature = good.split(".")
    now = datetime.now(UTC)
    claims = TokenClaims("a" * 24, "ada@example.com", "", now, now + timedelta(hours=1), now)
    return {
        "of no algorithm": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "of no algorithm, signed": f"{part({'alg': 'none'})}.{body}.{signature}",
        "of another algorithm": f"{part({'alg': 'HS512'})}.{body}.{signature}",
        "with another body": f"{head}.{part({'sub': 'a' * 24})}.{signature}",
        "without a signature": f"{head}.{body}.",
        "of another installation": JwtTokens(Secret("ab" * 32), "else").issue(claims).reveal(),
        "not a token": "x",
        "far too long": "x" * 10_000,
    }


KINDS = [
    "of no algorithm",
    "of no algorithm, signed",
    "of another algorithm",
    "with another body",
    "without a signature",
    "of another installation",
    "not a token",
    "far too long",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_is_not_ours_opens_nothing(valetkey_server: Installation, kind: str) -> None:
    token = forged(valetkey_server)[kind]
    bearer = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    body = json.dumps(READ).encode()
    refused = ask(valetkey_server.url, "POST", path(valetkey_server), bearer, body)
    assert refused.status == 401
    assert json.loads(refused.body)["error"]["code"] == "unauthenticated"
    query = f"{path(valetkey_server)}?prefix=&access=read"
    container = ask(valetkey_server.url, "GET", query, {"authorization": token})
    assert container.status == 401
    assert set(json.loads(container.body)) == {"code", "message"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "bearer\tx"])
def test_without_a_bearer_token_nothing_is_opened(
    valetkey_server: Installation, header: str
) -> None:
    headers = {"authorization": header, "content-type": "application/json"}
    answer = ask(valetkey_server.url, "POST", path(valetkey_server), headers, b"{}")
    assert answer.status == 401


def test_the_container_contract_takes_the_token_as_it_is(valetkey_server: Installation) -> None:
    query = f"{path(valetkey_server)}?prefix=cats&access=list,read"
    headers = {"authorization": valetkey_server.token()}
    answer = ask(valetkey_server.url, "GET", query, headers)
    given = json.loads(answer.body)
    assert set(given) == {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    left = datetime.fromisoformat(given["Expiration"]) - datetime.now(UTC)
    assert left >= timedelta(minutes=20)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "prefix=",
        "access=read",
        "prefix=&access=",
        "prefix=&access=admin",
        "prefix=..&access=read",
        "prefix=&access=read&ttl=1",
        "prefix=&access=read&ttl=x",
        "prefix=&access=read&ttl=900&ttl=3600",
        "prefix=&access=read&more=1",
        "prefix=%ff&access=read",
        "prefix=%0d%0aX: y&access=read".replace(" ", "%20"),
    ],
)
def test_a_query_that_can_not_be_right_is_refused(
    valetkey_server: Installation, query: str
) -> None:
    headers = {"authorization": valetkey_server.token()}
    answer = ask(valetkey_server.url, "GET", f"{path(valetkey_server)}?{query}", headers)
    assert answer.status == 400
    assert "x" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prefixes": [], "access": ["read"]},
        {"prefixes": [""], "access": []},
        {"prefixes": ["../other"], "access": ["read"]},
        {"prefixes": ["/other"], "access": ["read"]},
        {"prefixes": [""], "access": ["admin"]},
        {"prefixes": "", "access": ["read"]},
        {"prefixes": [""], "access": ["read"], "ttlSeconds": 899},
        {"prefixes": [""], "access": ["read"], "ttlSeconds": 43201},
        {"prefixes": [""], "access": ["read"], "ttlSeconds": "3600"},
        {"prefixes": [""], "access": ["read"], "purpose": "a\r\nX: y"},
        {"prefixes": [""], "access": ["read"], "prefix": "misspelt"},
        {"prefixes": [f"{number:040d}" for number in range(60)], "access": ["read"]},
    ],
)
def test_a_body_that_can_not_be_right_is_refused(
    valetkey_server: Installation, body: object
) -> None:
    answer = post(valetkey_server, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b" " * 70_000, "application/json", 413),
    ],
)
def test_a_body_that_is_none_is_refused(
    valetkey_server: Installation, content: bytes, kind: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {valetkey_server.token()}", "content-type": kind}
    answer = ask(valetkey_server.url, "POST", path(valetkey_server), headers, content)
    assert answer.status == status


def test_presigned_urls_open_their_object_and_stream_in_order(
    valetkey_server: Installation,
) -> None:
    keys = ["train/a.txt", "train/cats/1.txt", "train/missing"]
    answer = post(valetkey_server, {"keys": keys, "expiresSeconds": 60}, "presigned-urls")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["key"] for line in lines] == keys
    statuses = [httpx2.get(line["url"]).status_code for line in lines]
    assert statuses[:2] == [200, 200]
    assert statuses[2] in {403, 404}
    assert httpx2.put(lines[0]["url"], content=b"x").status_code == 403
    ends = datetime.fromisoformat(lines[0]["expiresAt"])
    assert ends <= datetime.now(UTC) + timedelta(seconds=60)


def test_one_key_is_presigned_for_somebody_with_sixty_granted_folders_and_keys_of_all_of_them(
    valetkey_server: Installation,
) -> None:
    folders = [f"train/{'folder-' * 8}{number:03d}/" for number in range(60)]
    keys = [f"{folder}a.txt" for folder in folders]
    s3, bucket = client(valetkey_server.aws, "s3"), valetkey_server.setup.bucket
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    with valetkey_server.client(OWNER) as owner:
        for folder in folders:
            owner.grants.create(
                valetkey_server.location.id,
                prefixes=[folder.removeprefix("train/")],
                access=["read"],
                user=ANNOTATOR,
            )
    bearer = {"authorization": f"Bearer {valetkey_server.token(ANNOTATOR)}"}
    address = f"{valetkey_server.url}{path(valetkey_server, 'presigned-urls')}"

    def signed(wanted: list[str]) -> list[str]:
        answer = httpx2.post(address, json={"keys": wanted}, headers=bearer, timeout=60)
        assert answer.status_code == 200, answer.text
        return [item["url"] for item in answer.json()["items"]]

    (one,) = signed(keys[42:43])
    assert httpx2.get(one).text == keys[42]
    assert [httpx2.get(url).text for url in signed(keys)] == keys
    body = {"keys": [*keys, "train/a.txt"]}
    assert httpx2.post(address, json=body, headers=bearer, timeout=60).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"keys": []}, 400),
        ({"keys": ["train/x"] * 100_001}, 400),
        ({"keys": ["training/near.txt"]}, 403),
        ({"keys": ["train/a.txt", "other/secret.txt"]}, 403),
        ({"keys": ["train/../other/secret.txt"]}, 400),
        ({"keys": ["train/a.txt"], "method": "PATCH"}, 400),
        ({"keys": ["train/a.txt"], "expiresSeconds": 0}, 400),
        ({"keys": ["train/a.txt"], "expiresSeconds": 10**30}, 400),
        ({"keys": ["train/a.txt"], "disposition": "a\r\nX: y"}, 400),
        ({"keys": ["train/a.txt"], "versionIds": ["1", "2"]}, 400),
    ],
)
def test_a_presign_request_that_can_not_be_right_is_refused_before_anything_is_sent(
    valetkey_server: Installation, body: object, status: int
) -> None:
    answer = post(valetkey_server, body, "presigned-urls")
    assert answer.status_code == status
    assert "X-Amz" not in answer.text


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        (
            Fault(FaultKind.ERROR, "sts", "AssumeRole", times=9, code="Throttling", status=400),
            {503},
        ),
        (
            Fault(FaultKind.ERROR, "sts", "AssumeRole", times=9, code="AccessDenied", status=403),
            {424},
        ),
        (Fault(FaultKind.GARBAGE, "sts", "AssumeRole", times=9), {503}),
        (Fault(FaultKind.CUT, "sts", "AssumeRole", times=9), {503}),
    ],
    ids=["throttled", "refused", "garbage", "cut"],
)
def test_trouble_at_sts_is_told_and_leaves_warm_credentials_alone(
    valetkey_server: Installation, fault: Fault, statuses: set[int]
) -> None:
    assert post(valetkey_server, READ).status_code == 200
    valetkey_server.aws.faults.order(fault)
    try:
        cold = {"prefixes": [f"cold/{fault.kind}/{fault.code}"], "access": ["read"]}
        refused = post(valetkey_server, cold)
        assert refused.status_code in statuses
        assert refused.json()["error"]["hint"]
        assert post(valetkey_server, READ).status_code == 200
    finally:
        valetkey_server.aws.faults.clear()
