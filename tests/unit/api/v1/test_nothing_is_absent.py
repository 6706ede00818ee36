"""What there is not is absent from an answer, and never an empty text: every operation's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from support.described import EXAMPLES
from support.every_caller import bodies, open_world, queries
from support.memory import OWNER
from valetkey.api.v1.creators import with_ids
from valetkey.domain.people import User
from valetkey.wire import OPERATIONS
from valetkey.wire.base import Creator
from valetkey.wire.projects import Project

#: Where "" is a value: all of a bucket, all of a location, the topmost folder.
_A_VALUE: Final = frozenset({"folder", "prefixes"})


def _empty(value: Any, place: str = "") -> Iterator[str]:
    if value == "" and place.rpartition(".")[2] not in _A_VALUE:
        yield place
    elif isinstance(value, dict):
        for name, part in value.items():
            # What people wrote, and what an action has to tell, is theirs.
            if name not in {"metadata", "details"}:
                yield from _empty(part, f"{place}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from _empty(part, place)


async def all_answers() -> dict[str, Any]:
    world = await open_world()
    saved = world.memory.storage.snapshot()
    answers = dict[str, Any]()
    for operation in OPERATIONS:
        world.memory.storage.restore(saved)
        names = queries(world.known).get(operation.id, {})
        body = bodies(world.known).get(operation.id, EXAMPLES.get(operation.id))
        told = await world.http.request(
            operation.method,
            operation.path.format(**world.known),
            params=names,
            headers=world.headers("orgOwner"),
            **({"content": b"new"} if operation.reads_content else {"json": body}),
        )
        is_json = told.headers.get("content-type", "").startswith("application/json")
        lines = (
            told.content.splitlines() if "ndjson" in told.headers.get("content-type", "") else []
        )
        answers[operation.id] = told.json() if is_json else [msgspec.json.decode(x) for x in lines]
    await world.http.aclose()
    return answers


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    return asyncio.run(all_answers())


@pytest.mark.parametrize("operation", [each.id for each in OPERATIONS])
def test_an_answer_holds_no_empty_text(seen: dict[str, Any], operation: str) -> None:
    assert list(_empty(seen[operation])) == []


def _creators(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from [value["creator"]] if "creator" in value else []
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _creators(part)


def test_whoever_made_something_is_told_by_id_and_address(seen: dict[str, Any]) -> None:
    told = {name: list(_creators(answer)) for name, answer in seen.items()}
    named = {name for name, creators in told.items() if creators}
    assert named >= {
        "getLocation",
        "listGrants",
        "exportObjects",
        "getRotationSchedule",
        "getToken",
    }
    for name in named:
        for creator in told[name]:
            assert creator["email"] == OWNER, name
            assert creator["id"] == seen["getMe"]["id"], name


def test_an_account_that_got_the_address_later_is_not_taken_for_the_creator() -> None:
    made_at = datetime(2026, 1, 2, tzinfo=UTC)
    made = Project(
        id="a",
        org_id="b",
        name="maps",
        creator=Creator(email=OWNER),
        created_at=made_at,
        updated_at=made_at,
        version=1,
    )
    for later, known in ((timedelta(0), "c"), (timedelta(seconds=1), None)):
        user = User("c", OWNER, "", made_at + later)
        assert with_ids(made, {OWNER: user}).creator.id == known
