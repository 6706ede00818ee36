from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from valetkey.sdk import ApiError, AsyncClient, Client, Patience, calls, errors, flows
from valetkey.sdk.exchange import Lines
from valetkey.sdk.transport import checked_url

URL = "http://127.0.0.1:1"
TOKEN = "the-token-that-must-not-show"
Handler = Callable[[httpx.Request], httpx.Response]


class Script:
    """A server that plays its answers one after another and keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client_of(script: Script, pauses: list[float] | None = None) -> Client:
    waited = pauses if pauses is not None else []
    client = Client(URL, TOKEN, sleep=waited.append, patience=Patience(chance=lambda: 1.0))
    client._http = httpx.Client(base_url=URL, transport=httpx.MockTransport(script))
    return client


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


ME = {"id": "1", "email": "ada@example.com", "orgs": [], "projects": []}
NEW = calls.create_key("ci")
VEND = calls.vend("d", [""], ["read"], 900)


@pytest.mark.parametrize(
    ("call", "first", "sent"),
    [
        (calls.me(), httpx.Response(503), 2),
        (calls.me(), httpx.ReadTimeout("slow"), 2),
        (calls.me(), httpx.ConnectError("refused"), 2),
        (calls.me(), httpx.Response(500), 1),
        (calls.me(), httpx.Response(404), 1),
        (NEW, httpx.ConnectError("refused"), 2),
        (NEW, httpx.Response(429), 2),
        (NEW, httpx.ReadTimeout("slow"), 1),
        (NEW, httpx.Response(503), 1),
        (VEND, httpx.ReadTimeout("slow"), 2),
        (VEND, httpx.Response(424), 1),
    ],
)
def test_a_call_is_sent_again_only_where_that_does_no_harm(
    call: calls.Call[Any], first: httpx.Response | Exception, sent: int
) -> None:
    script = Script(first, httpx.Response(403))
    with client_of(script) as client, pytest.raises(ApiError):
        client.send(call)
    assert len(script.requests) == sent


def test_pauses_grow_and_heed_what_the_server_asks() -> None:
    pauses: list[float] = []
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    script = Script(httpx.Response(503), busy, httpx.Response(503), ok(ME))
    with client_of(script, pauses) as client:
        assert client.send(calls.me()).email == "ada@example.com"
    assert pauses == [0.2, 7.0, 0.8]


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    pauses: list[float] = []
    script = Script(httpx.Response(429, headers={"Retry-After": "3600"}))
    with client_of(script, pauses) as client, pytest.raises(errors.Unavailable) as caught:
        client.send(calls.me())
    assert (pauses, caught.value.retry_after) == ([], 3600.0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequest),
        (401, errors.Unauthenticated),
        (403, errors.Denied),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (423, errors.Conflict),
        (424, errors.AwsRefused),
        (500, errors.ServerFailed),
        (302, errors.ServerFailed),
    ],
)
def test_an_error_says_what_the_server_said(status: int, kind: type[ApiError]) -> None:
    told = {
        "message": "No.",
        "code": "because",
        "hint": "Ask.",
        "requestId": "r1",
        "field": "prefix",
    }
    script = Script(httpx.Response(status, json=told))
    with client_of(script) as client, pytest.raises(kind) as caught:
        client.send(calls.me())
    error = caught.value
    assert (error.message, error.code, error.hint) == ("No.", "because", "Ask.")
    assert (error.request_id, error.status, error.details) == ("r1", status, {"field": "prefix"})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"message":5}'])
def test_an_answer_that_is_not_valetkeys_is_an_error_and_no_crash(body: bytes) -> None:
    for status in (200, 502):
        script = Script(*[httpx.Response(status, content=body) for _ in range(4)])
        with client_of(script) as client, pytest.raises(ApiError):
            client.send(calls.me())


def test_no_error_shows_the_token_or_the_secret_even_in_its_traceback() -> None:
    secret = "wJalrXUtnFEMI"
    script = Script(httpx.ReadTimeout("slow"))
    with client_of(script) as client, pytest.raises(ApiError) as caught:
        client.send(calls.create_integration("o", "n", "AKIA", secret, "arn"))
    shown = "".join(traceback.format_exception(caught.value)) + repr(client)
    assert caught.value.__cause__ is None
    assert secret not in shown
    assert TOKEN not in shown
    assert secret not in repr(calls.create_integration("o", "n", "AKIA", secret, "arn"))


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "a b", "t\u00f6ken", "a\x00b"])
def test_a_token_that_is_none_is_refused_without_showing_it(token: str) -> None:
    given = "x" + token if token.strip() else token
    with Client(URL, given) as client, pytest.raises(errors.Unauthenticated) as caught:
        client.send(calls.me())
    shown = "".join(traceback.format_exception(caught.value))
    assert not token.strip() or given not in shown


def test_credentials_urls_and_keys_do_not_print_their_secrets() -> None:
    body = b'{"accessKeyId":"A","secretAccessKey":"silence_debug_logs","sessionToken":"hush2",'
    body += b'"expiration":"2026-01-01T00:00:00Z","bucket":"b","prefixes":[""],"access":["read"]}'
    script = Script(httpx.Response(200, content=body))
    with client_of(script) as client:
        credentials = client.send(VEND)
    assert credentials.secret_access_key == "silence_debug_logs"
    assert "silence_debug_logs" not in f"{credentials!r} {credentials} {[credentials]}"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://valetkey.example.com/", True),
        ("http://localhost:8484", True),
        ("http://[::1]:8484", True),
        ("http://127.0.0.2:8484", True),
        ("http://valetkey.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("https://user:password@example.com", False),
        ("ftp://example.com", False),
        ("example.com", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_a_token_travels_encrypted_or_not_at_all(url: str, good: bool) -> None:
    if good:
        assert checked_url(url) == url.rstrip("/")
    else:
        with pytest.raises(errors.InvalidRequest):
            checked_url(url)


def test_names_in_paths_are_quoted() -> None:
    assert calls.delete_driver("a/../b?c#d").path == "/api/v1/drivers/a%2F..%2Fb%3Fc%23d"


def test_lines_are_cut_at_newlines_alone_wherever_the_chunks_end() -> None:
    text = '{"a":"x\u2028y\x85z"}\n{"b":1}\n{"c":2}'.encode()
    for size in range(1, len(text) + 1):
        lines = Lines()
        got = [
            line
            for start in range(0, len(text), size)
            for line in lines.feed(text[start : start + size])
        ]
        assert got + lines.end() == text.split(b"\n")


URLS = calls.presign("d", ["k"])
LINE = b'{"key":"k","url":"https://u","expiration":"2026-01-01T00:00:00Z"}\n'


def broken_stream() -> Iterator[bytes]:
    yield LINE
    raise httpx.ReadError("cut")


def test_a_stream_is_asked_for_again_until_it_has_begun() -> None:
    script = Script(
        httpx.Response(503), httpx.ConnectError("no"), httpx.Response(200, content=LINE)
    )
    with client_of(script) as client:
        assert [url.key for url in client.stream(URLS)] == ["k"]
    assert len(script.requests) == 3


def test_a_stream_that_breaks_off_is_an_error_and_not_its_end() -> None:
    script = Script(httpx.Response(200, content=broken_stream()))
    with client_of(script) as client:
        urls = client.stream(URLS)
        assert next(urls).key == "k"
        with pytest.raises(errors.Unavailable):
            next(urls)
    assert len(script.requests) == 1


def test_a_stream_that_is_refused_says_why() -> None:
    script = Script(httpx.Response(403, json={"message": "No."}))
    with client_of(script) as client, pytest.raises(errors.Denied, match="No"):
        list(client.stream(URLS))


def named(*names: str) -> httpx.Response:
    """The locations of a name."""
    rest = {
        "projectId": "p1",
        "bucket": "b",
        "access": ["list"],
        "createdAt": "2026-01-31T12:00:00Z",
        "updatedAt": "2026-01-31T12:00:00Z",
        "version": 1,
        "allowExternalDelete": False,
        "sharedSessions": False,
    }
    items = [{"id": f"d{number}", "name": name} | rest for number, name in enumerate(names, 1)]
    return ok({"items": items, "next": None})


def test_a_driver_is_found_by_its_name_in_one_request() -> None:
    script = Script(named("images"))
    with client_of(script) as client:
        found = client.run(flows.find_driver("images"))
    assert (found.id, found.bucket_name) == ("d1", "b")
    assert script.requests[0].url.params["name"] == "images"


def test_a_driver_is_found_in_the_projects_that_may_be_read() -> None:
    script = Script(
        named(),
        ok([{"id": "p1", "name": "closed"}, {"id": "p2", "name": "open"}]),
        httpx.Response(403, json={"message": "No."}),
        ok([{"id": "d1", "name": "images", "bucketName": "b"}]),
    )
    with client_of(script) as client:
        assert client.run(flows.find_driver("images")).id == "d1"


@pytest.mark.parametrize(
    ("drivers", "kind"), [([], errors.NotFound), (["images", "images"], errors.InvalidRequest)]
)
def test_no_driver_and_two_of_a_name_are_both_said(
    drivers: list[str], kind: type[ApiError]
) -> None:
    found = [
        {"id": f"d{number}", "name": name, "bucketName": "b"} for number, name in enumerate(drivers)
    ]
    script = Script(named(*drivers), ok([{"id": "p1", "name": "one"}]), ok(found))
    with client_of(script) as client, pytest.raises(kind):
        client.run(flows.find_driver("images"))


def test_a_page_leads_to_the_next_until_there_is_enough() -> None:
    def page(*numbers: int, then: int | None) -> httpx.Response:
        items = [{"id": str(number), "description": "k"} for number in numbers]
        return ok({"items": items, "next": then})

    script = Script(page(1, 2, then=2), page(3, 4, then=4))
    with client_of(script) as client:
        got = client.run(flows.pages(calls.list_keys(), 3))
    assert [key.id for key in got] == ["1", "2", "3"]
    assert script.requests[1].url.params["after"] == "2"


async def test_the_asynchronous_client_takes_the_same_calls_and_flows() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    script = Script(
        httpx.Response(503),
        named("images"),
    )
    async with AsyncClient(URL, TOKEN, sleep=sleep) as client:
        client._http = httpx.AsyncClient(base_url=URL, transport=httpx.MockTransport(script))
        assert (await client.driver("images").info()).id == "d1"
    assert len(waited) == 1
    assert script.requests[-1].headers["authorization"] == f"Bearer {TOKEN}"
