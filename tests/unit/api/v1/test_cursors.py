"""A cursor goes on in the list that it came from, and in no other: every list, every filter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from support.every_caller import World, bodies, open_world, queries
from support.memory import OWNER, PASSWORD
from valetkey.api.v1.pages import cursor
from valetkey.api.v1.request import read_query
from valetkey.wire import OPERATIONS
from valetkey.wire.base import Paging
from valetkey.wire.operation import Operation

LISTS: Final = tuple(each for each in OPERATIONS if issubclass(each.query, Paging))
#: What makes one more entry of a list, so that its first part is not its last.
_MAKERS: Final = (
    "createProject",
    "createServiceAccount",
    "createServiceAccountToken",
    "createIntegration",
    "createLocation",
    "createGrant",
    "createDataset",
    "createSync",
    "createToken",
    "createFolder",
    "indexObjects",
)
#: Whose second entry is not made here: the caller belongs to one organisation.
_SINGLE: Final = {"listOrgs"}


async def _make(world: World, operation_id: str, body: Any, **path: str) -> None:
    operation = next(each for each in OPERATIONS if each.id == operation_id)
    answer = await world.http.request(
        operation.method,
        operation.path.format(**world.known | path),
        json=body,
        headers=world.headers("orgOwner"),
    )
    assert answer.is_success, (operation_id, answer.text)


async def _make_more(world: World) -> None:
    given = bodies(world.known)
    await _make(world, "cancelOperation", {})
    for operation_id in _MAKERS:
        await _make(world, operation_id, given[operation_id])
    await _make(world, "createFolder", {"path": "another/"})
    await _make(world, "createGroup", {"name": "others"})
    await _make(world, "putGroupMember", None, userId=world.known["projectUserId"])
    wanted = {"prefixes": ["train/"], "access": ["read"]}
    await _make(world, "createCredentials", wanted)
    await _make(world, "putBlock", {"reason": "x"}, kind="principal", target="member@example.com")
    await _make(world, "createRevocation", given["createRevocation"])
    await world.memory.services.sessions.sign_in(
        OWNER, PASSWORD, source="192.0.2.1", request_id="", browser="Firefox"
    )


async def _ask(world: World, operation: Operation[Any, Any, Any], query: dict[str, Any]) -> Any:
    return await world.http.get(
        operation.path.format(**world.known),
        params=queries(world.known).get(operation.id, {}) | query,
        headers=world.headers("orgOwner"),
    )


def _others(operation: Operation[Any, Any, Any], known: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Each filter of a list, with a value that it does not have by itself."""
    given = queries(known).get(operation.id, {})
    described = msgspec.json.schema(operation.query)["$defs"][operation.query.__name__]
    for field in msgspec.structs.fields(operation.query):
        if field.encode_name not in {"limit", "cursor", *given}:
            values = _values(described["properties"][field.encode_name])
            other = next(each for each in values if each not in {None, field.default})
            yield {field.encode_name: str(other).lower() if other is True else other}


def _values(schema: dict[str, Any]) -> list[Any]:
    found = [*schema.get("enum", []), *schema.get("examples", [])]
    if schema.get("type") == "boolean":
        found += [True, False]
    return found + [each for part in schema.get("anyOf", []) for each in _values(part)]


async def all_answers() -> tuple[dict[str, str], dict[tuple[str, str], Any]]:
    """The first cursor of each list; and what a list answers to others' cursors, and to its own
    beside other filters."""
    world = await open_world()
    await _make_more(world)
    cursors, answers = dict[str, str](), dict[tuple[str, str], Any]()
    for operation in LISTS:
        first = await _ask(world, operation, {"limit": 1})
        assert first.is_success, (operation.id, first.text)
        cursors |= {operation.id: first.json()["next"]} if first.json()["next"] else {}
    for operation in LISTS:
        for name, place in cursors.items():
            # A part may be of another size than the one before.
            query = {"cursor": place, "limit": 7}
            answers[operation.id, name] = await _ask(world, operation, query)
        for other in _others(operation, world.known) if operation.id in cursors else ():
            query = other | {"cursor": cursors[operation.id]}
            answers[operation.id, f"with {other}"] = await _ask(world, operation, query)
    await world.http.aclose()
    return cursors, answers


@pytest.fixture(scope="module")
def seen() -> tuple[dict[str, str], dict[tuple[str, str], Any]]:
    return asyncio.run(all_answers())


def test_every_list_gives_a_cursor(seen: Any) -> None:
    assert {each.id for each in LISTS} - seen[0].keys() == _SINGLE


@pytest.mark.parametrize("operation", [each.id for each in LISTS])
def test_a_list_goes_on_at_its_own_cursor_alone(seen: Any, operation: str) -> None:
    own = {other: answer for (name, other), answer in seen[1].items() if name == operation}
    for other, answer in own.items():
        if other == operation:
            assert answer.is_success, answer.text
            continue
        assert answer.status_code == 400, f"{operation} took a cursor of {other}: {answer.text}"
        error = answer.json()["error"]
        assert (error["code"], error["field"]) == ("invalid_input", "cursor")
        assert "another list" in error["message"]


@pytest.mark.parametrize("letter", ["\x01", '"', "x"])
def test_the_cursor_behind_any_entry_is_taken(letter: str) -> None:
    query = f"cursor={cursor(letter * 1024)}{'x' * 8}"
    assert read_query(query.encode(), Paging).cursor
