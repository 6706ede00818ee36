"""What a request says twice is refused: it is open which of the two is meant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from support.described import EXAMPLES
from support.every_caller import World, bodies, open_world
from valetkey.wire import OPERATIONS

_WITH_BODY: Final = tuple(each for each in OPERATIONS if each.has_body)
_WITH_QUERY: Final = tuple(each for each in OPERATIONS if each.query.__struct_fields__)


def _doubled(body: Any) -> Iterator[tuple[str, bytes]]:
    """Each property of a body, at any depth, said twice: its name, and the body."""
    for name, value in body.items():
        for between in (": ", "\t:"):
            twice = f"{msgspec.json.encode(name).decode()}{between}"
            told = msgspec.json.encode(value).decode()
            rest = msgspec.json.encode({k: v for k, v in body.items() if k != name}).decode()[1:]
            yield (
                name,
                f"{{{twice}{told}, {twice}{told}{', ' if rest != '}' else ''}{rest}".encode(),
            )
        if isinstance(value, dict):
            for inner, text in _doubled(value):
                whole = msgspec.json.encode(body | {name: msgspec.Raw(text)})
                yield inner, whole


async def _ask(world: World, operation: Any, body: bytes, query: str = "") -> Any:
    return await world.http.request(
        operation.method,
        operation.path.format(**world.known) + query,
        content=body,
        headers=world.headers("orgOwner") | {"Content-Type": "application/json"},
    )


async def all_answers() -> dict[str, list[tuple[str, Any]]]:
    world = await open_world()
    given, answers = bodies(world.known), dict[str, list[tuple[str, Any]]]()
    for operation in _WITH_BODY:
        body = given.get(operation.id) or EXAMPLES[operation.id]
        for name, text in _doubled(body):
            told = await _ask(world, operation, text)
            answers.setdefault(operation.id, []).append((name, told))
    for operation in _WITH_QUERY:
        for name in operation.query.__struct_encode_fields__:
            told = await _ask(world, operation, b"{}", f"?{name}=true&{name}=true")
            answers.setdefault(f"query of {operation.id}", []).append((name, told))
    await world.http.aclose()
    return answers


@pytest.fixture(scope="module")
def seen() -> dict[str, list[tuple[str, Any]]]:
    return asyncio.run(all_answers())


@pytest.mark.parametrize("operation", [each.id for each in _WITH_BODY])
def test_a_property_that_stands_twice_in_a_body_is_refused_by_its_name(
    seen: Any, operation: str
) -> None:
    assert seen[operation]
    for name, answer in seen[operation]:
        assert answer.status_code == 400, (name, answer.text)
        error = answer.json()["error"]
        assert (error["code"], error["field"]) == ("invalid_input", name)
        assert "twice" in error["message"]


@pytest.mark.parametrize("operation", [each.id for each in _WITH_QUERY])
def test_a_parameter_that_stands_twice_is_refused_by_its_name(seen: Any, operation: str) -> None:
    for name, answer in seen[f"query of {operation}"]:
        if name == "prefix":  # of credentials: there may be several
            continue
        assert answer.status_code == 400, (name, answer.text)
        told = answer.json()
        assert told.get("error", told)["code"] == "invalid_input"
        assert "twice" in told.get("error", told)["message"]


async def test_a_header_that_stands_twice_is_refused() -> None:
    world = await open_world()
    for path in ("/v1/projects", "/v1/credentials"):
        headers = [*world.headers("orgOwner").items(), *[("Content-Type", "application/json")] * 2]
        answer = await world.http.post(path, content=b"{}", headers=headers)
        assert answer.status_code in {400, 415}, answer.text
    await world.http.aclose()
