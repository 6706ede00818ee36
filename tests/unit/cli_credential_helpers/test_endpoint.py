from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from support.raw_http import RawResponse, ask
from valetkey.cli.credential_helpers.endpoint import PATH, Endpoint, serving
from valetkey.sdk import ApiError, Credentials, Denied, InvalidRequest, Unavailable

GIVEN = Credentials(
    access_key_id="ASIAEXAMPLE",
    secret_access_key="silence_debug_logs-secret",
    session_token="silence_debug_logs-session",
    lease_id="lease",
    location_id="location",
    expires_at=datetime(2026, 1, 1, 12, 30, tzinfo=UTC),
    bucket="b",
    prefixes=[""],
    access=["read"],
)


class Vending:
    """Gives a credential, or fails as told."""

    def __init__(self) -> None:
        self.failure: ApiError | None = None
        self.asked = 0

    def __call__(self) -> Credentials:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return GIVEN


@pytest.fixture(scope="module")
def one_for_all() -> Iterator[tuple[Vending, Endpoint]]:
    """An endpoint outlives all that is tried on it, and to end one takes a moment."""
    with serving(vending := Vending()) as served:
        yield vending, served


@pytest.fixture
def vending(one_for_all: tuple[Vending, Endpoint]) -> Vending:
    one_for_all[0].failure, one_for_all[0].asked = None, 0
    return one_for_all[0]


@pytest.fixture
def endpoint(one_for_all: tuple[Vending, Endpoint]) -> Endpoint:
    return one_for_all[1]


Ask = Callable[..., RawResponse]


@pytest.fixture
def get(endpoint: Endpoint) -> Ask:
    def send(method: str = "GET", path: str = PATH, **headers: str) -> RawResponse:
        given = {"Authorization": endpoint.token} | headers
        kept = {name: value for name, value in given.items() if value}
        return ask(f"http://127.0.0.1:{endpoint.port}", method, path, kept)

    return send


def test_who_shows_the_token_gets_credentials_in_the_containers_form(get: Ask) -> None:
    answer = get()
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert json.loads(answer.body) == {
        "AccessKeyId": "ASIAEXAMPLE",
        "SecretAccessKey": "silence_debug_logs-secret",
        "Token": "silence_debug_logs-session",
        "Expiration": "2026-01-01T12:30:00Z",
    }


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", PATH, {"Authorization": ""}, 401),
        ("GET", PATH, {"Authorization": "wrong"}, 401),
        ("GET", PATH, {"Authorization": "t\u00f6ken"}, 401),
        ("GET", PATH, {"Host": "evil.example.com"}, 403),
        ("GET", PATH, {"Host": "127.0.0.1"}, 403),
        ("GET", PATH, {"Host": "127.0.0.1:1"}, 403),
        ("GET", PATH, {"Host": "127.0.0.1.evil.example.com"}, 403),
        ("GET", "/", {}, 404),
        ("GET", PATH + "/", {}, 404),
        ("GET", PATH + "?x=1", {}, 404),
        ("GET", "/../credentials", {}, 404),
        ("POST", PATH, {}, 405),
        ("PUT", PATH, {}, 405),
        ("DELETE", PATH, {}, 405),
        ("OPTIONS", PATH, {}, 405),
        ("HEAD", PATH, {}, 405),
        ("TRACE", PATH, {}, 501),
    ],
)
def test_everything_else_is_refused_and_tells_nothing(
    get: Ask, vending: Vending, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = get(method, path, **headers)
    assert answer.status == status
    assert vending.asked == 0
    assert b"silence_debug_logs" not in answer.body
    assert "python" not in answer.headers["server"].lower()


def test_bearer_is_not_the_contracts_form(get: Ask, endpoint: Endpoint) -> None:
    assert get(Authorization=f"Bearer {endpoint.token}").status == 401


def test_localhost_is_a_name_of_loopback(get: Ask, endpoint: Endpoint) -> None:
    assert get(Host=f"localhost:{endpoint.port}").status == 200


def test_two_hosts_or_two_tokens_are_one_too_many(endpoint: Endpoint) -> None:
    good = f"127.0.0.1:{endpoint.port}"
    for more in ("Host: evil.example.com", "Authorization: another"):
        lines = [f"GET {PATH} HTTP/1.1", f"Host: {good}", f"Authorization: {endpoint.token}", more]
        with socket.create_connection(("127.0.0.1", endpoint.port), timeout=20) as raw:
            raw.sendall("\r\n".join([*lines, "", ""]).encode())
            status = raw.makefile("rb").readline().split()[1]
        assert status in {b"401", b"403"}


@pytest.mark.parametrize("request_line", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"X" * 70_000])
def test_garbage_is_refused_and_the_endpoint_lives_on(
    endpoint: Endpoint, get: Ask, request_line: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=20) as raw:
        raw.sendall(request_line)
        raw.shutdown(socket.SHUT_WR)
        raw.makefile("rb").read()
    assert get().status == 200


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Denied("Not you.", hint="Ask.", code="denied", status=403), 403),
        (Unavailable("Gone."), 503),
    ],
)
def test_what_the_server_refuses_is_said_in_the_contracts_form(
    get: Ask, vending: Vending, failure: ApiError, status: int
) -> None:
    vending.failure = failure
    answer = get()
    assert answer.status == status
    assert json.loads(answer.body) == {"code": failure.code, "message": str(failure)}


def test_it_listens_on_loopback_only_and_does_not_print_its_token(endpoint: Endpoint) -> None:
    assert endpoint.url == f"http://127.0.0.1:{endpoint.port}{PATH}"
    assert endpoint.token not in f"{endpoint!r} {endpoint}"


def test_each_endpoint_has_a_token_of_its_own(endpoint: Endpoint, vending: Vending) -> None:
    with serving(vending) as other:
        assert other.token != endpoint.token


def test_a_port_that_is_taken_is_said(endpoint: Endpoint, vending: Vending) -> None:
    with (
        pytest.raises(InvalidRequest, match=str(endpoint.port)),
        serving(vending, port=endpoint.port),
    ):
        pass
