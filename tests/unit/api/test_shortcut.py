"""The shortcut of a request that comes again: what it says is what ASGI says, and what changes
between the record and the answer is looked at by its callback too."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from support.apps import app_of
from support.memory import Memory
from support.shortcut import ShortcutTransport, Wire, scope_of
from valetkey.domain.access import ProjectRole
from valetkey.domain.audit import AuditRecord
from valetkey.domain.location import Location
from valetkey.domain.tags import location_tag
from valetkey.services.vending.vending import CHANGED
from valetkey.serving.buffered import BufferedRequest

BODY = json.dumps({"prefixes": ["a"], "access": ["read"]}).encode()
BOB = "bob@example.com"


@dataclass
class Counter:
    """Where bob asks for the same again and again."""

    memory: Memory
    app: Any
    location: Location
    token: str

    def request(self, body: bytes = BODY, **headers: str) -> httpx2.Request:
        own = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        url = f"http://valetkey/v1/locations/{self.location.id}/credentials"
        return httpx2.Request("POST", url, headers=own | headers, content=body)

    async def ask(self) -> httpx2.Response:
        """Ask once, and see that it is answered."""
        response = await ShortcutTransport(self.app).handle_async_request(self.request())
        assert response.status_code == 200
        return response

    def begin(self) -> tuple[Wire, BufferedRequest]:
        """Ask once more, and let its record wait to be written."""
        wire, request = Wire(), self.request()
        whole = BufferedRequest(wire)
        whole.body = request.content
        assert self.app.respond(whole, scope_of(request)) is None
        assert wire.written == b""
        return wire, whole

    async def records(self) -> list[AuditRecord]:
        return [each async for each in self.memory.services.audit.read()]


@pytest.fixture
async def counter(memory: Memory) -> Counter:
    bob = await memory.member(BOB, ProjectRole.DEVELOPER)
    _, token = await memory.token(bob)
    return Counter(memory, app_of(memory), await memory.location(), token)


async def test_who_asks_again_is_answered_without_a_task(counter: Counter) -> None:
    transport = ShortcutTransport(counter.app)
    first = await transport.handle_async_request(counter.request())
    assert transport.at_once == 0
    second = await transport.handle_async_request(counter.request())
    assert transport.at_once == 1
    assert second.content == first.content
    differ = {"x-request-id"}
    assert {name: second.headers[name] for name in second.headers if name not in differ} == {
        name: first.headers[name] for name in first.headers if name not in differ
    }


async def test_a_right_that_is_lost_while_the_record_is_written_is_lost(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counter.ask()
    before = len(await counter.records())
    removed, record = asyncio.Event(), counter.memory.storage.record

    async def late(*given: Any) -> None:
        await removed.wait()
        await record(*given)

    monkeypatch.setattr(counter.memory.storage, "record", late)
    wire, _ = counter.begin()
    owner = await counter.memory.caller()
    await counter.memory.services.people.remove_project_member(
        owner, counter.memory.project.id, BOB
    )
    removed.set()
    await wire.ended.wait()
    await asyncio.gather(*wire.tasks)
    response = wire.response()
    assert response.status_code == 403
    assert b"ecretAccessKey" not in response.content
    own = [
        (each.event.outcome, each.event.reason)
        for each in (await counter.records())[before:]
        if each.event.request_id == response.headers["x-request-id"]
    ]
    assert own[0][0] == "allowed"
    assert own[1] == ("failed", CHANGED)
    assert own[2][0] == "denied"


async def test_what_changes_meanwhile_and_takes_no_right_is_answered_anew(
    counter: Counter,
) -> None:
    await counter.ask()
    wire, _ = counter.begin()
    counter.memory.services.caches.changed({location_tag(counter.location.id)})
    await wire.ended.wait()
    assert wire.response().status_code == 200
    await asyncio.gather(*wire.tasks)
    own = [
        each.event.outcome
        for each in await counter.records()
        if each.event.request_id == wire.response().headers["x-request-id"]
    ]
    assert own == ["allowed", "failed", "allowed"]


async def test_without_a_record_there_is_one_refusal_and_no_second_attempt(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counter.ask()
    attempts: list[object] = []
    record = counter.memory.storage.record

    async def counted(*given: Any) -> None:
        attempts.append(given)
        await record(*given)

    monkeypatch.setattr(counter.memory.storage, "record", counted)
    counter.memory.storage.unavailable = True
    wire, _ = counter.begin()
    await wire.ended.wait()
    assert wire.response().status_code == 503
    assert len(attempts) == 1


async def test_a_client_that_hung_up_is_told_nothing(counter: Counter) -> None:
    await counter.ask()
    wire, whole = counter.begin()
    whole.disconnected = True
    await wire.ended.wait()
    assert wire.written == b""


async def test_a_connection_that_is_to_end_ends_with_the_answer(counter: Counter) -> None:
    await counter.ask()
    wire, whole = counter.begin()
    whole.keep_alive = False  # as a server that stops says
    await wire.ended.wait()
    assert wire.response().headers["connection"] == "close"
    assert wire.is_closed


async def test_whatever_goes_wrong_ends_the_connection(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await counter.ask()
    heard: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))

    def broken(*_: object) -> bool:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(counter.memory.services.vending), "may_leave", broken)
    wire, _ = counter.begin()
    await wire.ended.wait()
    assert wire.is_closed
    assert wire.written == b""
    assert [type(each) for each in heard] == [RuntimeError]


Change = Callable[[dict[str, Any]], None]


def _with(name: str, value: str) -> Change:
    def change(given: dict[str, Any]) -> None:
        given["headers"] = given["headers"] | {name: value}

    return change


def _asked(**given: Any) -> Change:
    return lambda wanted: wanted.update(given)


CHANGES: Mapping[str, Change] = {
    "nothing": _asked(),
    "by name": _asked(path="/v1/credentials", body=b'{"location":"%(name)s",' + BODY[1:]),
    "container": _asked(
        method="GET", path="/v1/locations/%(id)s/credentials?prefix=a&access=read", body=b""
    ),
    "container by name": _asked(
        method="GET", path="/v1/container-credentials?location=%(name)s&prefix=a", body=b""
    ),
    "a query that is not taken": _asked(path="/v1/locations/%(id)s/credentials?a=b"),
    "a key that is not taken": _with("idempotency-key", "k"),
    "a packed body": _with("content-encoding", "gzip"),
    "another type": _with("content-type", "text/plain"),
    "JSON with a charset": _with("content-type", "application/json; charset=utf-8"),
    "no token": _with("authorization", ""),
    "another scheme": _with("authorization", "Basic a"),
    "a token in small letters": _with("authorization", "bearer %(token)s"),
    "another location": _asked(path="/v1/locations/" + "0" * 24 + "/credentials"),
    "an address with an end more": _asked(path="/v1/locations/%(id)s/credentials/x"),
    "a body that is none": _asked(body=b"{"),
    "a forwarded request": _with("x-forwarded-for", "10.0.0.1"),
}


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in itertools.product(CHANGES, CHANGES) if "nothing" in pair],
)
async def test_the_shortcut_says_what_asgi_says(counter: Counter, first: str, second: str) -> None:
    """Each request after each other, so that whatever the one left is not taken for the other's."""
    said: list[list[tuple[int, Any]]] = []
    for kind in (httpx2.ASGITransport, ShortcutTransport):
        counter.app.fast.responses.clear()
        transport = kind(counter.app)
        answers = [
            await _send(counter, transport, CHANGES[name]) for name in (first, second, first)
        ]
        said.append([_comparable(each) for each in answers])
    assert said[0] == said[1]


async def _send(counter: Counter, transport: Any, change: Change) -> httpx2.Response:
    own = {"authorization": "Bearer %(token)s", "content-type": "application/json"}
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/locations/%(id)s/credentials",
        "headers": own,
        "body": BODY,
    }
    change(given)
    of = {"id": counter.location.id, "name": counter.location.name, "token": counter.token}
    raw = {name.encode(): value.encode() for name, value in of.items()}
    async with httpx2.AsyncClient(transport=transport, base_url="http://valetkey") as client:
        return await client.request(
            given["method"],
            given["path"] % of,
            headers={name: value % of for name, value in given["headers"].items()},
            content=given["body"] % raw,
        )


def _comparable(response: httpx2.Response) -> tuple[int, Any]:
    content = response.json()
    if isinstance(content, dict):
        content.get("error", content).pop("requestId", None)
    return response.status_code, content


async def test_a_header_that_stands_twice_gets_a_closer_look(counter: Counter) -> None:
    """Whose request would it be? A dictionary of headers knows the last one alone."""
    await counter.ask()
    good = f"Bearer {counter.token}"
    for tokens in (("Bearer another", good), (good, "Bearer another")):
        request = counter.request()
        others = [each for each in request.headers.raw if each[0].lower() != b"authorization"]
        request.headers = httpx2.Headers(
            [*others, *((b"authorization", each.encode()) for each in tokens)]
        )
        response = await ShortcutTransport(counter.app).handle_async_request(request)
        assert response.status_code == 401
        assert b"ecretAccessKey" not in response.content
