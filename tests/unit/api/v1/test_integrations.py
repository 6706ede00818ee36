"""Integrations through the own API."""

from __future__ import annotations

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


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_own_api(memory) as client:
        yield client


async def make(http: httpx2.AsyncClient, **changed: Any) -> dict[str, Any]:
    answer = await http.post("/integrations?verify=false", json=BODY | changed)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_integration_is_made_shown_changed_and_forgotten(http: httpx2.AsyncClient) -> None:
    made = await http.post("/integrations?verify=false", json=BODY)
    assert made.status_code == 201
    address = made.headers["location"]
    assert address == f"/v1/integrations/{made.json()['id']}"
    shown = await http.get(address.removeprefix("/v1"))
    assert shown.json() == made.json()
    changed = await http.patch(address.removeprefix("/v1"), json={"name": "aws-prod"})
    assert changed.json()["name"] == "aws-prod"
    assert changed.json()["accessKeyId"] == KEY[0]
    gone = await http.delete(address.removeprefix("/v1"))
    assert (gone.status_code, gone.json()) == (200, {"liveLeases": 0})
    assert (await http.get(address.removeprefix("/v1"))).status_code == 404


async def test_a_secret_is_never_shown_and_nothing_is_an_empty_text(
    http: httpx2.AsyncClient,
) -> None:
    made = await make(http)
    assert KEY[1].reveal() not in str(made)
    assert "" not in made.values()
    assert None not in made.values()


async def test_an_integration_is_verified_as_it_is_made(http: httpx2.AsyncClient) -> None:
    made = (await http.post("/integrations", json=BODY)).json()
    assert made["report"]["subject"] == f"integration:{made['id']}"
    assert made["report"]["checks"][0]["claim"]


async def test_a_list_comes_in_parts(http: httpx2.AsyncClient) -> None:
    for number in range(5):
        await make(http, name=f"aws-{number}")
    first = (await http.get("/integrations?limit=2")).json()
    second = (await http.get("/integrations", params={"limit": 2, "cursor": first["next"]})).json()
    third = (await http.get("/integrations", params={"limit": 2, "cursor": second["next"]})).json()
    names = [each["name"] for page in (first, second, third) for each in page["items"]]
    assert names == [f"aws-{number}" for number in range(5)]
    assert third["next"] is None


async def test_one_is_found_by_its_name(http: httpx2.AsyncClient) -> None:
    await make(http, name="one")
    await make(http, name="two")
    found = (await http.get("/integrations?name=two")).json()
    assert [each["name"] for each in found["items"]] == ["two"]


async def test_a_taken_name_is_said_to_be_taken(http: httpx2.AsyncClient) -> None:
    await make(http)
    again = await http.post("/integrations?verify=false", json=BODY)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "name_taken")


async def test_one_that_is_used_can_not_go(memory: Memory, http: httpx2.AsyncClient) -> None:
    location = await memory.location()
    refused = await http.delete(f"/integrations/{location.integration_id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_use")


async def test_a_key_goes_with_its_secret(http: httpx2.AsyncClient) -> None:
    made = await make(http)
    refused = await http.patch(f"/integrations/{made['id']}", json={"accessKeyId": KEY[0]})
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == "secretAccessKey"


async def test_a_field_is_named_as_the_client_named_it(http: httpx2.AsyncClient) -> None:
    refused = await http.post("/integrations", json=BODY | {"accessKeyId": "nonsense"})
    assert refused.json()["error"]["field"] == "accessKeyId"


async def test_a_verification_streams_its_checks_to_whoever_asks_for_lines(
    http: httpx2.AsyncClient,
) -> None:
    made = await make(http)
    address = f"/integrations/{made['id']}/verifications"
    whole = (await http.post(address)).json()
    lines = await http.post(address, headers={"Accept": "application/x-ndjson"})
    assert lines.headers["content-type"] == "application/x-ndjson"
    *checks, last = [httpx2.Response(200, text=line).json() for line in lines.text.splitlines()]
    assert [each["check"]["name"] for each in checks] == [each["name"] for each in whole["checks"]]
    assert last["report"]["passed"] == whole["passed"]


async def test_an_integration_is_switched_off_and_on(http: httpx2.AsyncClient) -> None:
    made = await make(http)
    off = await http.post(f"/integrations/{made['id']}/disable")
    assert off.json()["state"] == "disabled"
    on = await http.post(f"/integrations/{made['id']}/enable")
    assert on.json()["state"] == "created"
