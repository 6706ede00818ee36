"""Narrowing a location says how many leases open more than is left, and revokes them if asked."""

from __future__ import annotations

from typing import Any

import pytest

from support.every_caller import World, open_world


@pytest.fixture
async def world() -> World:
    return await open_world()


async def narrowed(world: World, **change: Any) -> dict[str, Any]:
    address = f"/v1/locations/{world.known['locationId']}"
    answer = await world.http.patch(address, json=change, headers=world.headers("orgOwner"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_who_narrows_a_location_is_told_and_may_revoke(world: World) -> None:
    address = f"/v1/locations/{world.known['locationId']}/credentials"
    wanted = {"prefixes": [""], "access": ["read", "write"]}
    vended = await world.http.post(address, json=wanted, headers=world.headers("developer"))
    lease = f"/v1/leases/{vended.json()['leaseId']}"
    assert (await narrowed(world, access=["read", "write"]))["leasesBeyond"] == 0
    told = await narrowed(world, access=["read"])
    assert (told["leasesBeyond"], told["childIds"]) == (1, [])
    before = (await world.http.get(lease, headers=world.headers("orgOwner"))).json()
    assert before.get("revokedAt") is None
    await narrowed(world, access=["read", "write"])
    await narrowed(world, access=["read"], revokeBeyond=True)
    after = (await world.http.get(lease, headers=world.headers("orgOwner"))).json()
    assert after["revokedAt"] is not None
    assert (await narrowed(world, name="another"))["leasesBeyond"] == 0
