"""Whoever is outside is told the same of what there is as of what there is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.every_caller import World, bodies, open_world
from valetkey.wire import OPERATIONS

NOTHING: Final = "0" * 24
NOBODY: Final = "nobody@example.com"
BY_ID: Final = {each.id: each for each in OPERATIONS}
#: What somebody from anywhere may do: it is about themselves, or needs no sign-in.
FOR_ALL: Final = {
    "changePassword",
    "createLogin",
    "createToken",
    "endOwnSessions",
    "endSession",
    "getMe",
    "signOutEverywhere",
    "usePasswordLink",
}
#: The kinds of what can be revoked and blocked, by what they are known as here.
TARGETS: Final = {
    "lease": "leaseId",
    "location": "locationId",
    "integration": "integrationId",
    "principal": "target",
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    loop = asyncio.new_event_loop()
    found = loop.run_until_complete(open_world())
    yield found
    loop.run_until_complete(found.http.aclose())
    loop.close()


async def told(world: World, operation_id: str, known: dict[str, str], body: Any) -> str:
    """What an outsider is answered, without the ids that they named."""
    operation = BY_ID[operation_id]
    answer = await world.http.request(
        operation.method,
        operation.path.format(**known),
        headers=world.headers("outsider"),
        json=body if operation.has_body else None,
    )
    text = answer.text
    for each in sorted({*world.known.values(), NOTHING, NOBODY}, key=len, reverse=True):
        text = text.replace(each, "ID")
    said = json.loads(text).get("error", {}) if text else {}
    said.pop("requestId", None)
    return f"{answer.status_code} {said or text}"


def others(known: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """What is known, with one id after another that there is not."""
    for name, value in known.items():
        if name != "kind":
            yield name, known | {name: NOBODY if "@" in value else NOTHING}


@pytest.mark.parametrize("operation_id", sorted(BY_ID.keys() - FOR_ALL))
async def test_an_outsider_is_told_the_same_of_what_is_there_and_of_what_is_not(
    world: World, operation_id: str
) -> None:
    known = world.known
    of_it = await told(world, operation_id, known, bodies(known).get(operation_id))
    for name, other in others(known):
        of_nothing = await told(world, operation_id, other, bodies(other).get(operation_id))
        assert of_nothing == of_it, f"with another {name}"


@pytest.mark.parametrize("names_the_org", [True, False])
@pytest.mark.parametrize("kind", TARGETS)
async def test_so_it_is_of_whatever_can_be_revoked(
    world: World, kind: str, names_the_org: bool
) -> None:
    known, seen = world.known, set()
    org = {"orgId": known["orgId"]} if names_the_org else {}
    for target in (known[TARGETS[kind]], NOBODY if kind == "principal" else NOTHING):
        body = {"kind": kind, "target": target, "reason": "x"} | org
        seen.add(await told(world, "createRevocation", known, body))
    assert len(seen) == 1, seen


@pytest.mark.parametrize("kind", sorted(TARGETS.keys() - {"lease"}))
@pytest.mark.parametrize("operation_id", ["getBlock", "putBlock", "deleteBlock"])
async def test_so_it_is_of_whatever_can_be_blocked(
    world: World, operation_id: str, kind: str
) -> None:
    known, seen = world.known, set()
    for target in (known[TARGETS[kind]], NOBODY if kind == "principal" else NOTHING):
        named = known | {"kind": kind, "target": target}
        seen.add(await told(world, operation_id, named, {"reason": "x"}))
    assert len(seen) == 1, seen
