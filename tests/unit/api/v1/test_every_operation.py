"""What holds for every operation of the own API, shown on one noun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from support.memory import KEY, ROLE, Memory
from support.own_api import open_own_api

pytest_plugins = ["support.memory"]
BODY: dict[str, Any] = {
    "name": "aws",
    "accessKeyId": KEY[0],
    "secretAccessKey": KEY[1].reveal(),
    "roleArn": ROLE,
}
MAKE = "/integrations?verify=false"


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_own_api(memory) as client:
        yield client


def code(answer: httpx2.Response) -> tuple[int, str]:
    told = answer.json()["error"]
    assert told["requestId"] == answer.headers["x-request-id"]
    assert told["message"]
    return answer.status_code, told["code"]


async def count(http: httpx2.AsyncClient) -> int:
    return len((await http.get("/integrations")).json()["items"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/nothing", "/integrations/", "/integrations/x/y/z", "/"])
async def test_an_unknown_address_is_not_found_whatever_the_method(
    http: httpx2.AsyncClient, method: str, path: str
) -> None:
    assert code(await http.request(method, path)) == (404, "no_such_address")


async def test_a_method_that_an_address_does_not_take_is_told_which_it_takes(
    http: httpx2.AsyncClient,
) -> None:
    answer = await http.put("/integrations")
    assert code(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_tells_the_methods_without_a_token(memory: Memory) -> None:
    async with open_own_api(memory, None) as http:
        answer = await http.request("OPTIONS", "/integrations/x")
    assert (answer.status_code, answer.headers["allow"]) == (
        204,
        "DELETE, GET, HEAD, OPTIONS, PATCH",
    )


async def test_head_is_get_without_a_body(http: httpx2.AsyncClient) -> None:
    got, head = await http.get("/integrations"), await http.head("/integrations")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize(
    "query",
    [
        "limt=3",
        "limit=3&limit=4",
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "cursor=%ff",
        "&&",
    ],
)
async def test_a_wrong_query_is_refused(http: httpx2.AsyncClient, query: str) -> None:
    assert code(await http.get(f"/integrations?{query}")) == (400, "invalid_input")


async def test_an_unknown_property_is_refused(http: httpx2.AsyncClient) -> None:
    assert code(await http.post(MAKE, json=BODY | {"roleArm": ROLE})) == (400, "invalid_input")


async def test_a_body_that_is_no_json_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post(MAKE, content=b"{}", headers={"Content-Type": "text/plain"})
    assert code(answer) == (415, "unsupported_media_type")
    large = b'{"name": "' + b"x" * 2_000_000 + b'"}'
    answer = await http.post(MAKE, content=large, headers={"Content-Type": "application/json"})
    assert code(answer) == (413, "request_entity_too_large")


async def test_nobody_gets_in_without_a_token(memory: Memory) -> None:
    async with open_own_api(memory, None) as http:
        answer = await http.get("/integrations")
        assert code(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        twice = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
        assert code(await http.get("/integrations", headers=twice)) == (400, "invalid_input")


async def test_a_bug_is_not_told(memory: Memory, http: httpx2.AsyncClient) -> None:
    memory.storage.unavailable = True
    answer = await http.get("/integrations")
    memory.storage.unavailable = False
    assert code(answer) == (503, "storage_unavailable")
    assert answer.headers["retry-after"]


async def test_what_is_asked_twice_under_one_key_is_made_once(http: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await http.post(MAKE, json=BODY, headers=headers)
    again = await http.post(MAKE, json=BODY, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert await count(http) == 1


async def test_two_at_once_under_one_key_make_one(http: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    answers = await asyncio.gather(*(http.post(MAKE, json=BODY, headers=headers) for _ in range(4)))
    assert await count(http) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


async def test_a_key_belongs_to_one_request_and_one_person(
    memory: Memory, http: httpx2.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "one"}
    await http.post(MAKE, json=BODY, headers=headers)
    other = await http.post(MAKE, json=BODY | {"name": "other"}, headers=headers)
    assert code(other) == (409, "idempotency_key_reused")
    await memory.member("eve@example.com", None)
    async with open_own_api(memory, "eve@example.com") as eve:
        assert (await eve.post(MAKE, json=BODY, headers=headers)).status_code == 403


async def test_a_key_is_good_for_a_day_and_a_failure_is_not_kept(
    memory: Memory, http: httpx2.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "one"}
    wrong = await http.post(MAKE, json=BODY | {"roleArn": "x"}, headers=headers)
    assert wrong.status_code == 400
    assert (await http.post(MAKE, json=BODY, headers=headers)).status_code == 201
    memory.clock.advance(11 * 3600)
    again = await http.post(MAKE, json=BODY, headers=headers)
    assert again.status_code == 201
    assert await count(http) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "ä"])
async def test_a_key_that_can_not_be_one_is_refused(http: httpx2.AsyncClient, key: str) -> None:
    header = (b"Idempotency-Key", key.encode())
    answer = await http.post(MAKE, json=BODY, headers=[header])
    assert code(answer) == (400, "idempotency_key_invalid")


async def test_what_was_decided_on_an_older_version_changes_nothing(
    http: httpx2.AsyncClient,
) -> None:
    made = (await http.post(MAKE, json=BODY)).json()
    address = f"/integrations/{made['id']}"
    etag = (await http.get(address)).headers["etag"]
    changed = await http.patch(address, json={"name": "new"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] == (await http.get(address)).headers["etag"] != etag
    for answer in (
        await http.patch(address, json={"name": "newer"}, headers={"If-Match": etag}),
        await http.delete(address, headers={"If-Match": etag}),
    ):
        assert code(answer) == (412, "version_mismatch")
    assert (await http.get(address)).json()["name"] == "new"
    assert (await http.delete(address, headers={"If-Match": "*"})).status_code == 200


async def test_what_is_known_is_not_sent_again(http: httpx2.AsyncClient) -> None:
    made = (await http.post(MAKE, json=BODY)).json()
    shown = await http.get(f"/integrations/{made['id']}")
    for etag in (shown.headers["etag"], f'"x", W/{shown.headers["etag"]}'):
        known = {"If-None-Match": etag}
        again = await http.get(f"/integrations/{made['id']}", headers=known)
        assert (again.status_code, again.content) == (304, b"")


async def test_every_answer_tells_the_version(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/integrations")).headers["valetkey-version"] == "0"


async def test_what_a_thing_was_made_with_is_not_changed_and_that_is_said(
    http: httpx2.AsyncClient, memory: Memory
) -> None:
    location = await memory.location("data")
    for name, value in {"folder": "other/", "bucket": "other", "integrationId": "x"}.items():
        refused = await http.patch(f"/locations/{location.id}", json={name: value})
        error = refused.json()["error"]
        assert (refused.status_code, error["field"]) == (400, name)
        assert "can't be changed" in error["message"]
        assert "Make another" in error["hint"]
    misspelt = (await http.patch(f"/locations/{location.id}", json={"nam": "x"})).json()["error"]
    assert (misspelt["field"], "can't be changed" in misspelt["message"]) == ("nam", False)


async def test_the_audit_trail_is_read_from_either_end(http: httpx2.AsyncClient) -> None:
    for number in range(5):
        assert (await http.post(MAKE, json=BODY | {"name": f"aws {number}"})).is_success
    oldest = [each["sequence"] for each in (await http.get("/audit/records")).json()["items"]]
    newest: list[int] = []
    query: dict[str, str] = {"order": "newestFirst", "limit": "2"}
    while True:
        page = (await http.get("/audit/records", params=query)).json()
        newest += [each["sequence"] for each in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert newest == oldest[::-1]
    assert len(newest) >= 5


async def test_work_that_there_is_not_is_called_an_operation(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/operations/x")
    assert code(answer) == (404, "not_found")
    assert answer.json()["error"]["message"] == "There is no operation 'x'."
    assert "began it" in answer.json()["error"]["hint"]
