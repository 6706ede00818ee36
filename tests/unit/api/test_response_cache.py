"""A request that comes again, word for word: answered at once, recorded each time, and never
longer than it may be. Through ASGI, and by the shortcut that a server takes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from support.apps import app_of
from support.memory import OWNER, PASSWORD, Memory
from support.shortcut import ShortcutTransport
from valetkey.api.fast.response_cache import ResponseCache
from valetkey.domain.access import ProjectRole
from valetkey.domain.location import Location
from valetkey.domain.tags import location_tag
from valetkey.services.vending import VendRequest
from valetkey.services.vending.session_cache import MIN_REMAINING
from valetkey.services.vending.vending import Vending

BODY = {"prefixes": ["a"], "access": ["read"]}
BOB = "bob@example.com"
Change = Callable[["Desk"], Awaitable[object]]


@dataclass
class Desk:
    """Where bob asks for credentials with his API key; ``decisions`` are those that were made."""

    memory: Memory
    http: httpx2.AsyncClient
    location: Location
    token: str
    key_id: str
    decisions: list[str]
    responses: ResponseCache

    async def post(self, body: Any = BODY, *, token: str = "") -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {token or self.token}"}
        headers["content-type"] = "application/json"
        url = f"/v1/locations/{self.location.id}/credentials"
        return await self.http.post(url, content=content, headers=headers)

    async def post_named(self, body: Any = BODY, *, token: str = "") -> httpx2.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        named = {**body, "location": self.location.name}
        return await self.http.post("/v1/credentials", json=named, headers=headers)

    async def get(self, query: str = "prefix=a&access=read", *, token: str = "") -> httpx2.Response:
        url = f"/v1/locations/{self.location.id}/credentials?{query}"
        return await self.http.get(url, headers={"authorization": token or self.token})

    async def get_named(
        self, query: str = "prefix=a&access=read", *, token: str = ""
    ) -> httpx2.Response:
        url = f"/v1/container-credentials?location={self.location.name}&{query}"
        return await self.http.get(url, headers={"authorization": token or self.token})

    async def records(self) -> list[str]:
        read = self.memory.services.audit.read()
        return [each.event.request_id async for each in read if each.event.outcome == "allowed"]


@pytest.fixture(params=[httpx2.ASGITransport, ShortcutTransport], ids=["asgi", "shortcut"])
async def desk(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Desk]:
    bob = await memory.member(BOB, ProjectRole.DEVELOPER)
    key, token = await memory.token(bob)
    location = await memory.location()
    decisions: list[str] = []
    prepare = Vending.prepare

    async def counted(
        self: Vending, caller: Any, location_id: str, request: VendRequest, **begun: Any
    ) -> Any:
        decisions.append(caller.principal.email)
        return await prepare(self, caller, location_id, request, **begun)

    monkeypatch.setattr(Vending, "prepare", counted)
    app = app_of(memory)
    async with httpx2.AsyncClient(transport=request.param(app), base_url="http://valetkey") as http:
        yield Desk(memory, http, location, token, key.id, decisions, app.fast.responses)


@pytest.mark.parametrize("verb", ["get", "post", "get_named", "post_named"])
async def test_it_is_decided_once_and_recorded_each_time(desk: Desk, verb: str) -> None:
    before = len(await desk.records())
    answers = [await getattr(desk, verb)() for _ in range(5)]
    assert [each.status_code for each in answers] == [200] * 5
    assert len({each.content for each in answers}) == 1
    assert desk.decisions == [BOB]
    ids = [each.headers["x-request-id"] for each in answers]
    assert (await desk.records())[before:] == ids
    assert len(set(ids)) == 5
    assert (await desk.memory.services.audit.verify()).holds


async def test_what_differs_in_anything_is_decided_by_itself(desk: Desk) -> None:
    await desk.post()
    owner = await desk.memory.caller()
    _, other = await desk.memory.token(owner)
    first = desk.location
    asked = [
        desk.post(token=other),
        desk.post({**BODY, "prefixes": ["b"]}),
        desk.post({**BODY, "access": ["list"]}),
        desk.post(json.dumps(BODY).encode() + b" "),
        desk.get(),
        desk.get(token=f"Bearer {desk.token}"),
    ]
    for each in asked:
        assert (await each).status_code == 200
    desk.location = await desk.memory.location("other")
    assert (await desk.post()).json()["locationId"] == desk.location.id != first.id
    assert len(desk.decisions) == 1 + len(asked) + 1


async def test_a_token_of_one_shape_is_not_known_in_the_other(desk: Desk) -> None:
    assert (await desk.get()).status_code == 200
    url = f"/v1/locations/{desk.location.id}/credentials"
    bare = await desk.http.post(url, json=BODY, headers={"authorization": desk.token})
    assert bare.status_code == 401


async def _lose_the_role(desk: Desk) -> None:
    people = desk.memory.services.people
    owner = await desk.memory.caller()
    await people.remove_project_member(owner, desk.memory.project.id, BOB)


async def _revoke_the_key(desk: Desk) -> None:
    bob = await desk.memory.caller(BOB)
    await desk.memory.services.tokens.revoke(bob, desk.key_id)


async def _disable_the_integration(desk: Desk) -> None:
    memory = desk.memory
    await memory.services.integrations.disable(await memory.caller(), desk.location.integration_id)


async def _delete_the_location(desk: Desk) -> None:
    await desk.memory.services.locations.delete(await desk.memory.caller(), desk.location.id)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (_lose_the_role, 403),
        (_revoke_the_key, 401),
        (_disable_the_integration, 409),
        (_delete_the_location, 404),
    ],
)
@pytest.mark.parametrize("verb", ["get", "post", "get_named", "post_named"])
async def test_a_right_that_is_lost_is_lost_at_once(
    desk: Desk, verb: str, change: Change, status: int
) -> None:
    for _ in range(2):
        assert (await getattr(desk, verb)()).status_code == 200
    await change(desk)
    seen_no_more = {404} if verb.endswith("named") else set()
    assert (await getattr(desk, verb)()).status_code in {status} | seen_no_more


async def test_nothing_is_believed_for_longer_than_its_parts(desk: Desk) -> None:
    await desk.post()
    desk.memory.clock.advance(9.9)
    await desk.post()
    assert len(desk.decisions) == 1
    desk.memory.clock.advance(0.2)
    await desk.post()
    assert len(desk.decisions) == 2


async def test_a_token_ends_to_the_second(desk: Desk) -> None:
    login = await desk.memory.services.accounts.login(OWNER, PASSWORD)
    token = login.token.reveal()
    desk.memory.clock.advance(12 * 3600 - 3)
    for _ in range(2):
        assert (await desk.post(token=token)).status_code == 200
    desk.memory.clock.advance(3)
    assert (await desk.post(token=token)).status_code == 401


async def test_a_session_that_is_due_is_replaced(desk: Desk) -> None:
    first = answer = (await desk.post()).json()
    for _ in range(400):
        desk.memory.clock.advance(9)
        answer = (await desk.post()).json()
        left = datetime.fromisoformat(answer["expiresAt"]) - desk.memory.clock.now()
        assert left >= MIN_REMAINING
    assert answer["leaseId"] != first["leaseId"]


async def test_a_session_of_seconds_is_not_handed_out_after_its_end(desk: Desk) -> None:
    desk.memory.sts.lifetime = timedelta(seconds=6)
    first = (await desk.post()).json()
    desk.memory.clock.advance(7)
    second = (await desk.post()).json()
    assert second["leaseId"] != first["leaseId"]
    assert datetime.fromisoformat(second["expiresAt"]) > desk.memory.clock.now()


async def test_a_decision_during_which_something_changed_is_not_remembered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.post()  # the token's owner and the session are known from now on
    prepare = Vending.prepare

    async def changed(
        self: Vending, caller: Any, location_id: str, request: VendRequest, **begun: Any
    ) -> Any:
        prepared = await prepare(self, caller, location_id, request, **begun)
        desk.memory.services.caches.changed(changes.pop())
        return prepared

    monkeypatch.setattr(Vending, "prepare", changed)
    changes = [set[str](), {"something else"}, set[str](), {location_tag(desk.location.id)}]
    same_again = json.dumps(BODY, indent=1).encode()
    assert (await desk.post(same_again)).status_code == 200
    assert len(desk.decisions) == 3  # a right of it changed: it was decided anew
    assert (await desk.post()).status_code == 200
    assert (await desk.post()).status_code == 200
    assert len(desk.decisions) == 4  # what changed was something else


async def test_nothing_is_remembered_while_changes_are_not_heard(desk: Desk) -> None:
    caches = desk.memory.services.caches
    await desk.post()
    caches.deaf()
    for _ in range(3):
        assert (await desk.post()).status_code == 200
    assert len(desk.decisions) == 4
    caches.hearing()
    for _ in range(3):
        await desk.post()
    assert len(desk.decisions) == 5


async def test_without_a_record_it_is_not_answered_again_either(desk: Desk) -> None:
    await desk.post()
    desk.memory.storage.unavailable = True
    refused = await desk.post()
    assert refused.status_code == 503
    assert b"ecretAccessKey" not in refused.content
    desk.memory.storage.unavailable = False
    assert (await desk.post()).status_code == 200


async def test_memory_holds_no_token_and_shows_no_secret(desk: Desk) -> None:
    answer = await desk.post()
    kept = repr(desk.responses._responses)
    assert desk.responses._responses
    for secret in (desk.token, answer.json()["secretAccessKey"], answer.json()["sessionToken"]):
        assert secret not in kept


async def test_it_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valetkey.api.fast.response_cache._CAPACITY", 3)
    for number in range(10):
        await desk.post({**BODY, "prefixes": [f"p{number}"]})
        assert len(desk.responses._responses) <= 3
    long = {**BODY, "purpose": "x" * 400, "prefixes": ["a" * 700]}
    for _ in range(2):
        assert (await desk.post(long)).status_code == 200
    assert len(desk.decisions) == 12
