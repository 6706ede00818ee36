"""What can't be done to one of many says in a change of many what it says alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import pytest

from support.every_caller import World, at, open_owners_world
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.services.background import end
from valetkey.wire.errors import ERROR_CATALOG

_CONTENT: Final = {"content-type": "application/octet-stream"}
Arrange = Callable[["Busy", dict[str, Any]], Awaitable[None]]


@dataclass
class Busy(World):
    """An installation in which something goes on."""

    tasks: list[asyncio.Task[Any]] = field(default_factory=list)


@pytest.fixture
async def world() -> AsyncIterator[Busy]:
    found = Busy(**vars(await open_owners_world()))
    yield found
    await end(*found.tasks)
    await found.http.aclose()


async def put(world: Busy, path: str) -> dict[str, Any]:
    sent: Any = {"params": {"path": path}, "content": b"x", "headers": _CONTENT}
    made: dict[str, Any] = (await world.http.put(at(world, "content"), **sent)).json()
    return made


def _key(world: Busy, entry: dict[str, Any]) -> str:
    [key] = [key for key in world.memory.objects.buckets["acme"] if key.endswith(entry["path"])]
    return key


def _says(error: Exception, *operations: str) -> Arrange:
    """The store says this of one object."""

    async def arrange(world: Busy, entry: dict[str, Any]) -> None:
        async def refuse(operation: str, key: str) -> None:
            if operation in operations and key.endswith(entry["path"]):
                raise error

        world.memory.objects.before = refuse

    return arrange


async def _gone(world: Busy, entry: dict[str, Any]) -> None:
    del world.memory.objects.buckets["acme"][_key(world, entry)]


async def _archived(world: Busy, entry: dict[str, Any]) -> None:
    key = _key(world, entry)
    world.memory.objects.place("acme", key, b"x", storage_class="GLACIER")


async def _occupied(world: Busy, entry: dict[str, Any]) -> None:
    await put(world, f"to/{entry['path'].rpartition('/')[2]}")


async def _large(world: Busy, entry: dict[str, Any]) -> None:
    full = {"user": {str(n): "x" * 200_000 for n in range(5)}}
    changed = await world.http.patch(f"/v1/objects/{entry['id']}", json={"metadata": full})
    assert changed.status_code == 200, changed.text


async def _written(world: Busy, entry: dict[str, Any]) -> None:
    """Somebody else writes it at this moment, and until the end."""
    begun = asyncio.Event()

    async def wait(operation: str, key: str) -> None:
        if operation == "write" and key.endswith(entry["path"]):
            begun.set()
            await asyncio.Event().wait()

    world.memory.objects.before = wait
    sent: Any = {"params": {"path": entry["path"], "replaces": "*"}, "content": b"yy"}
    writing = world.http.put(at(world, "content"), headers=_CONTENT, **sent)
    world.tasks.append(asyncio.create_task(writing))
    await begun.wait()


_DENIED: Final = AwsRefused("Denied.", hint="Allow it.", aws_code="AccessDenied")
_AWAY: Final = AwsUnavailable("S3 is away.", hint="Wait.")
_NOTE: Final[dict[str, Any]] = {"metadata": {"user": {"note": "y" * 100_000}}}
#: What is done to many, what is in the way of one of them, and the code that this has alone.
WAYS: Final[dict[tuple[str, str], Arrange]] = {
    ("changes", "too_large"): _large,
    ("moves", "not_found"): _gone,
    ("moves", "archived"): _archived,
    ("moves", "object_exists"): _occupied,
    ("moves", "locked"): _written,
    ("moves", "aws_refused"): _says(_DENIED, "copy"),
    ("moves", "aws_unavailable"): _says(_AWAY, "copy"),
    ("deletions", "locked"): _written,
    ("deletions", "aws_refused"): _says(_DENIED, "delete"),
    ("deletions", "aws_unavailable"): _says(_AWAY, "delete"),
}


async def _alone(world: Busy, verb: str, entry: dict[str, Any]) -> httpx2.Response:
    address = f"/v1/objects/{entry['id']}"
    if verb == "deletions":
        return await world.http.delete(address)
    change = _NOTE if verb == "changes" else {"path": f"to/{entry['path'].rpartition('/')[2]}"}
    return await world.http.patch(address, json=change)


async def _together(world: Busy, verb: str, *entries: dict[str, Any]) -> httpx2.Response:
    more: dict[str, dict[str, Any]] = {"changes": _NOTE, "moves": {"folder": "to/"}}
    body = {"objectIds": [entry["id"] for entry in entries]} | more.get(verb, {})
    return await world.http.post(at(world, verb), json=body)


@pytest.mark.parametrize(("verb", "code"), WAYS)
async def test_what_fails_of_many_has_the_code_that_it_has_alone(
    world: Busy, verb: str, code: str
) -> None:
    bad, good = await put(world, "b/bad.txt"), await put(world, "b/good.txt")
    await WAYS[verb, code](world, bad)
    alone = (await _alone(world, verb, bad)).json()["error"]
    assert alone["code"] == code
    answer = await _together(world, verb, bad, good)
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (409, "partly_done")
    assert (told["details"]["done"], told["details"]["failed"]) == (1, 1)
    [failure] = told["details"]["failures"]
    assert failure["id"] == bad["id"]
    assert (failure["code"], failure["message"]) == (code, alone["message"])
    assert failure["code"] in ERROR_CATALOG
