from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from valetkey.sdk import ApiError, AsyncClient, Client, RetryPolicy, errors
from valetkey.sdk.call import Call
from valetkey.sdk.exchange import LineReader
from valetkey.sdk.sending import call, lines
from valetkey.sdk.transport import checked_url
from valetkey.wire import accounts, credentials, integrations, locations, tokens

URL = "http://127.0.0.1:1"
TOKEN = "the-token-that-must-not-show"
Handler = Callable[[httpx2.Request], httpx2.Response]


class Script:
    """A server that plays its answers one after another and keeps the requests."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client_of(script: Script, pauses: list[float] | None = None) -> Client:
    waited = pauses if pauses is not None else []
    http = httpx2.Client(transport=httpx2.MockTransport(script))
    patience = RetryPolicy(chance=lambda: 1.0)
    return Client(URL, TOKEN, http=http, sleep=waited.append, patience=patience)


def ok(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)


ME = {"id": "1", "email": "ada@example.com", "orgs": [], "projects": []}
WHO = call(accounts.GET_ME)
#: Not to be done twice: who asks again with the password of before is refused.
NEW_PASSWORD = call(accounts.CHANGE_PASSWORD, body=accounts.PasswordChange(old="a", new="b"))
NEW_TOKEN = call(tokens.CREATE_TOKEN, body=tokens.NewToken(name="ci"))
VEND = call(
    credentials.CREATE_CREDENTIALS,
    {"locationId": "d"},
    body=credentials.CredentialsRequest(prefixes=[""], access=["read"], ttl_seconds=900),
)


@pytest.mark.parametrize(
    ("asked", "first", "sent"),
    [
        (WHO, httpx2.Response(503), 2),
        (WHO, httpx2.ReadTimeout("slow"), 2),
        (WHO, httpx2.ConnectError("refused"), 2),
        (WHO, httpx2.Response(500), 1),
        (WHO, httpx2.Response(404), 1),
        (NEW_PASSWORD, httpx2.ConnectError("refused"), 2),
        (NEW_PASSWORD, httpx2.Response(429), 2),
        (NEW_PASSWORD, httpx2.ReadTimeout("slow"), 1),
        (NEW_PASSWORD, httpx2.Response(503), 1),
        (NEW_TOKEN, httpx2.ReadTimeout("slow"), 2),
        (VEND, httpx2.ReadTimeout("slow"), 2),
        (VEND, httpx2.Response(424), 1),
    ],
)
def test_a_call_is_sent_again_only_where_that_does_no_harm(
    asked: Call[Any], first: httpx2.Response | Exception, sent: int
) -> None:
    script = Script(first, httpx2.Response(403))
    with client_of(script) as client, pytest.raises(ApiError):
        client.send(asked)
    assert len(script.requests) == sent
    assert len({each.headers.get("idempotency-key") for each in script.requests}) == 1


TOKEN_MADE = {
    "id": "t",
    "orgId": "o",
    "name": "ci",
    "holder": {"id": "1"},
    "state": "active",
    "limits": {},
    "creator": {"email": "ada@example.com"},
    "createdAt": "2026-01-01T00:00:00Z",
    "expiresAt": "2026-02-01T00:00:00Z",
}


def worked_on() -> httpx2.Response:
    told = {"code": "idempotency_in_progress", "message": "It is still being worked on."}
    return httpx2.Response(409, json={"error": told})


def test_what_the_server_still_works_on_after_a_cut_answer_is_waited_for() -> None:
    pauses: list[float] = []
    made = httpx2.Response(201, json=TOKEN_MADE)
    script = Script(httpx2.ReadError("cut"), *[worked_on() for _ in range(20)], made)
    with client_of(script, pauses) as client:
        assert client.send(NEW_TOKEN).id == "t"
    assert len({each.headers["idempotency-key"] for each in script.requests}) == 1
    assert pauses == [0.2, *[1.0] * 20]


def test_it_is_not_waited_for_without_end() -> None:
    script = Script(httpx2.ReadError("cut"), *[worked_on() for _ in range(100)])
    with client_of(script) as client, pytest.raises(errors.Conflict) as caught:
        client.send(NEW_TOKEN)
    assert caught.value.code == "idempotency_in_progress"
    assert len(script.requests) <= 62


def test_pauses_grow_and_heed_what_the_server_asks() -> None:
    pauses: list[float] = []
    busy = httpx2.Response(429, headers={"Retry-After": "7"})
    script = Script(httpx2.Response(503), busy, httpx2.Response(503), ok(ME))
    with client_of(script, pauses) as client:
        assert client.send(WHO).email == "ada@example.com"
    assert pauses == [0.2, 7.0, 0.8]


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    pauses: list[float] = []
    script = Script(httpx2.Response(429, headers={"Retry-After": "3600"}))
    with client_of(script, pauses) as client, pytest.raises(errors.Unavailable) as caught:
        client.send(WHO)
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
    script = Script(httpx2.Response(status, json=told))
    with client_of(script) as client, pytest.raises(kind) as caught:
        client.send(WHO)
    error = caught.value
    assert (error.message, error.code, error.hint) == ("No.", "because", "Ask.")
    assert (error.request_id, error.status, error.field) == ("r1", status, "prefix")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"message":5}'])
def test_an_answer_that_is_not_valetkeys_is_an_error_and_no_crash(body: bytes) -> None:
    for status in (200, 502):
        script = Script(*[httpx2.Response(status, content=body) for _ in range(4)])
        with client_of(script) as client, pytest.raises(ApiError):
            client.send(WHO)


def test_no_error_shows_the_token_or_the_secret_even_in_its_traceback() -> None:
    secret = "wJalrXUtnFEMI"
    script = Script(httpx2.ReadTimeout("slow"))
    with client_of(script) as client, pytest.raises(ApiError) as caught:
        client.accounts.change_password(old=secret, new="b")
    shown = "".join(traceback.format_exception(caught.value)) + repr(client)
    assert caught.value.__cause__ is None
    assert secret not in shown
    assert TOKEN not in shown
    new = integrations.NewIntegration(name="n", secret_access_key=secret)
    assert secret not in repr(call(integrations.CREATE_INTEGRATION, body=new))


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "a b", "t\u00f6ken", "a\x00b"])
def test_a_token_that_is_none_is_refused_without_showing_it(token: str) -> None:
    given = "x" + token if token.strip() else token
    with Client(URL, given) as client, pytest.raises(errors.Unauthenticated) as caught:
        client.send(WHO)
    shown = "".join(traceback.format_exception(caught.value))
    assert not token.strip() or given not in shown


def test_credentials_urls_and_keys_do_not_print_their_secrets() -> None:
    body = b'{"accessKeyId":"A","secretAccessKey":"silence_debug_logs","sessionToken":"hush2",'
    body += b'"expiresAt":"2026-01-01T00:00:00Z","bucket":"b","prefixes":[""],"access":["read"],'
    body += b'"leaseId":"l","locationId":"d"}'
    script = Script(httpx2.Response(200, content=body))
    with client_of(script) as client:
        given = client.send(VEND)
    assert given.secret_access_key == "silence_debug_logs"
    assert "silence_debug_logs" not in f"{given!r} {given} {[given]}"


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
    path = call(locations.DELETE_LOCATION, {"locationId": "a/b?c#d e"}).path
    assert path == "/v1/locations/a%2Fb%3Fc%23d%20e"


def test_lines_are_cut_at_newlines_alone_wherever_the_chunks_end() -> None:
    text = '{"a":"x\u2028y\x85z"}\n{"b":1}\n{"c":2}'.encode()
    for size in range(1, len(text) + 1):
        cutter = LineReader()
        got = [
            line
            for start in range(0, len(text), size)
            for line in cutter.feed(text[start : start + size])
        ]
        assert got + cutter.end() == text.split(b"\n")


URLS = lines(credentials.PRESIGN, {"locationId": "d"}, body=credentials.PresignRequest(keys=["k"]))
LINE = b'{"key":"k","url":"https://u","expiresAt":"2026-01-01T00:00:00Z"}\n'


def broken_stream() -> Iterator[bytes]:
    yield LINE
    raise httpx2.ReadError("cut")


def test_a_stream_is_asked_for_again_until_it_has_begun() -> None:
    script = Script(
        httpx2.Response(503), httpx2.ConnectError("no"), httpx2.Response(200, content=LINE)
    )
    with client_of(script) as client:
        assert [url.key for url in client.stream(URLS)] == ["k"]
    assert len(script.requests) == 3


def test_a_stream_that_breaks_off_is_an_error_and_not_its_end() -> None:
    script = Script(httpx2.Response(200, content=broken_stream()))
    with client_of(script) as client:
        urls = client.stream(URLS)
        assert next(urls).key == "k"
        with pytest.raises(errors.Unavailable):
            next(urls)
    assert len(script.requests) == 1


def test_a_stream_that_is_refused_says_why() -> None:
    script = Script(httpx2.Response(403, json={"message": "No."}))
    with client_of(script) as client, pytest.raises(errors.Denied, match="No"):
        list(client.stream(URLS))


def named(*names: str) -> httpx2.Response:
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
        "requesterPays": False,
    }
    items = [{"id": f"d{number}", "name": name} | rest for number, name in enumerate(names, 1)]
    return ok({"items": items, "next": None})


AN_ID = "0198c0de0000700080000001"
GONE = {"error": {"message": "No.", "code": "not_found", "hint": "", "requestId": "r1"}}


def test_a_location_is_found_by_its_name_in_one_request() -> None:
    script = Script(named("images"))
    with client_of(script) as client:
        found = client.locations.get("images")
    assert (found.id, found.bucket) == ("d1", "b")
    assert script.requests[0].url.params["name"] == "images"


def test_a_name_that_looks_like_an_id_is_found_too() -> None:
    script = Script(httpx2.Response(404, json=GONE), named(AN_ID))
    with client_of(script) as client:
        assert client.locations.get(AN_ID).name == AN_ID


def test_an_id_that_is_not_there_is_refused_in_the_servers_words() -> None:
    script = Script(httpx2.Response(404, json=GONE), named())
    with client_of(script) as client, pytest.raises(errors.NotFound) as caught:
        client.locations.get(AN_ID)
    assert caught.value.request_id == "r1"


@pytest.mark.parametrize(
    ("names", "kind"), [([], errors.NotFound), (["images", "images"], errors.InvalidRequest)]
)
def test_no_location_and_two_of_a_name_are_both_said(
    names: list[str], kind: type[ApiError]
) -> None:
    with client_of(Script(named(*names))) as client, pytest.raises(kind):
        client.locations.get("images")


def test_credentials_of_a_name_take_one_request() -> None:
    body = {
        "leaseId": "l",
        "locationId": "d1",
        "accessKeyId": "A",
        "secretAccessKey": "s",
        "sessionToken": "t",
        "expiresAt": "2026-01-01T00:00:00Z",
        "bucket": "b",
        "prefixes": ["train/"],
        "access": ["read"],
    }
    script = Script(ok(body))
    with client_of(script) as client:
        assert client.location("images").credentials(["train/"], ["read"]).bucket == "b"
    assert [request.url.path for request in script.requests] == ["/v1/credentials"]


def test_a_part_leads_to_the_next() -> None:
    def page(*names: str, then: str | None) -> httpx2.Response:
        return ok({"items": json.loads(named(*names).content)["items"], "next": then})

    script = Script(page("a", "b", then="more"), page("c", then=None))
    with client_of(script) as client:
        assert [each.name for each in client.locations.list()] == ["a", "b", "c"]
    assert script.requests[1].url.params["cursor"] == "more"


def test_retries_and_the_time_that_an_answer_may_take_are_the_users() -> None:
    script = Script(httpx2.Response(503), httpx2.Response(503))
    http = httpx2.Client(transport=httpx2.MockTransport(script))
    with (
        Client(URL, TOKEN, http=http, retries=0) as client,
        pytest.raises(errors.Unavailable),
    ):
        client.accounts.get_me()
    assert len(script.requests) == 1
    assert not http.is_closed
    http.close()
    with Client(URL, TOKEN, timeout=2.5) as client:
        assert client._http.timeout == httpx2.Timeout(2.5)


async def test_the_asynchronous_client_does_the_same() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    script = Script(
        httpx2.Response(503),
        named("images"),
    )
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(script)) as http:
        client = AsyncClient(URL, TOKEN, http=http, sleep=sleep)
        assert (await client.location("images").info()).id == "d1"
    assert len(waited) == 1
    assert script.requests[-1].headers["authorization"] == f"Bearer {TOKEN}"
