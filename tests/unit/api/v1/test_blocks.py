"""Blocks: new credentials are refused from the answer on, and given again after the next one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from support.memory import OWNER, Memory
from support.own_api import open_own_api
from valetkey.domain.access import ProjectRole
from valetkey.domain.location import Location

WANTED: dict[str, Any] = {"prefixes": ["a"], "access": ["read"]}
BOB = "bob@example.com"


@pytest.fixture
async def location(memory: Memory) -> Location:
    return await memory.location()


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_own_api(memory) as client:
        yield client


def address(location: Location, kind: str) -> str:
    targets = {
        "principal": OWNER,
        "location": location.id,
        "integration": location.integration_id,
    }
    return f"/blocks/{kind}/{targets[kind]}"


@pytest.mark.parametrize("kind", ["principal", "location", "integration"])
async def test_what_is_blocked_is_vended_nothing_until_it_is_unblocked(
    memory: Memory, http: httpx2.AsyncClient, location: Location, kind: str
) -> None:
    vend = f"/locations/{location.id}/credentials"
    first = await http.post(vend, json=WANTED)
    put = await http.put(address(location, kind), json={"reason": "laptop stolen"})
    assert (put.status_code, put.json()["reason"]) == (200, "laptop stolen")
    refused = await http.post(vend, json=WANTED)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "denied")
    told = {name: it for name, it in put.json().items() if not name.startswith("live")}
    assert (await http.get(address(location, kind))).json() == told
    assert (await http.get("/blocks")).json()["items"] == [told]
    leases = (await http.get("/leases", params={"active": True})).json()["items"]
    assert [lease["id"] for lease in leases] == [first.json()["leaseId"]]  # it lives on
    assert (await http.delete(address(location, kind))).status_code == 204
    assert (await http.post(vend, json=WANTED)).status_code == 200
    assert (await http.delete(address(location, kind))).status_code == 404
    assert [each for each in memory.actions() if "block" in each[0]] == [
        ("leases.block", "allowed"),
        ("leases.unblock", "allowed"),
    ]


async def test_a_block_that_stands_takes_another_reason_and_is_one(
    memory: Memory, http: httpx2.AsyncClient, location: Location
) -> None:
    where = address(location, "principal")
    for reason in ("first", "first", "second"):
        assert (await http.put(where, json={"reason": reason})).json()["reason"] == reason
    assert len((await http.get("/blocks")).json()["items"]) == 1
    assert memory.actions().count(("leases.block", "allowed")) == 2


async def test_what_can_not_be_blocked_is_refused(
    memory: Memory, http: httpx2.AsyncClient, location: Location
) -> None:
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "two\nlines"}):
        answer = await http.put(address(location, "principal"), json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "reason")
    lease = await http.put(f"/blocks/lease/{'a' * 24}", json={"reason": "x"})
    assert (lease.status_code, lease.json()["error"]["field"]) == (400, "kind")
    gone = await http.put(f"/blocks/location/{'a' * 24}", json={"reason": "x"})
    assert gone.status_code == 404
    await memory.member(BOB, ProjectRole.OWNER)
    async with open_own_api(memory, BOB) as bob:
        denied = await bob.put(address(location, "principal"), json={"reason": "x"})
        assert denied.status_code == 403
    assert ("leases.block", "denied") in memory.actions()


async def test_a_project_has_a_default_location(
    memory: Memory, http: httpx2.AsyncClient, location: Location
) -> None:
    where = f"/projects/{memory.project.id}"
    changed = await http.patch(where, json={"defaultLocationId": location.id, "name": "vision"})
    assert changed.json()["defaultLocationId"] == location.id
    assert changed.json()["name"] == "vision"
    made = await http.post("/datasets", json={"name": "d", "projectId": memory.project.id})
    assert made.status_code == 201, made.text
    elsewhere = await http.patch(where, json={"defaultLocationId": "f" * 24})
    assert elsewhere.json()["error"]["field"] == "defaultLocationId"
    none = await http.patch(where, json={"defaultLocationId": None})
    assert "defaultLocationId" not in none.json()
    assert none.json()["name"] == "vision"
