"""The library's resources: the API's operations, all of them, alike in both clients."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
import subprocess
import typing
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

import valetkey
from support.memory import Memory
from support.own_api import open_own_api
from valetkey.sdk import AsyncClient, Conflict, InvalidRequest, NotFound, VersionMismatch
from valetkey.sdk.resources import AsyncResources, Resources
from valetkey.sdk.sending import call
from valetkey.wire import OPERATIONS, TAGS, library
from valetkey.wire.locations import UPDATE_LOCATION

pytest_plugins = ["support.memory"]
ROOT = Path(__file__).parents[3]
SYNC: Any = Resources(None)  # type: ignore[arg-type]  # nothing is sent
ASYNC: Any = AsyncResources(None)  # type: ignore[arg-type]  # nothing is sent


def plainly(parameter: inspect.Parameter) -> str:
    """A parameter as it is written; what one client iterates over the other does asynchronously."""
    return str(parameter).replace("AsyncIterable", "Iterable")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
def test_every_operation_has_a_method_in_both_clients(operation: Any) -> None:
    name = library.method_name(operation)
    one, other = (
        getattr(getattr(each, library.attribute(operation.tag)), name) for each in (SYNC, ASYNC)
    )
    assert one.__doc__ == other.__doc__
    assert one.__doc__.startswith(operation.summary.removesuffix("."))
    takes, takes_too = (inspect.signature(each).parameters for each in (one, other))
    assert list(map(plainly, takes.values())) == list(map(plainly, takes_too.values()))
    for parameter in takes:
        assert re.search(rf"^- ``{parameter}``: [\w`]", inspect.getdoc(one) or "", re.MULTILINE)


def _shapes_in(hint: Any) -> set[type]:
    parts = set().union(*map(_shapes_in, typing.get_args(hint)), set())
    is_shape = isinstance(hint, type) and issubclass(hint, msgspec.Struct)
    return parts | ({hint} if is_shape else set())


def test_whatever_a_user_makes_to_call_a_method_is_named_by_the_library() -> None:
    """What is asked for must be importable; what ``if_unchanged`` takes was read before."""
    asked = {
        shape
        for operation in OPERATIONS
        for part in (operation.query, operation.body)
        for hint in typing.get_type_hints(part).values()
        for shape in _shapes_in(hint)
    }
    assert asked
    for shape in asked:
        assert getattr(valetkey, shape.__name__, None) is shape, shape
        assert shape.__name__ in valetkey.__all__
        said = inspect.getdoc(shape) or ""
        assert [each for each in shape.__struct_fields__ if f"``{each}``" not in said] == []


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.parameters], ids=lambda each: each.id
)
def test_what_is_no_id_never_becomes_another_address(operation: Any) -> None:
    """``grants.delete(location, "..")`` was a DELETE of the location."""
    odd_ids = ("", ".", "..", "../x", "x/../..", "x/.", "\x00", "a\nb")
    for name, odd in itertools.product(operation.parameters, odd_ids):
        with pytest.raises(InvalidRequest, match="is no id"):
            call(operation, dict.fromkeys(operation.parameters, "good") | {name: odd})


def test_no_method_is_of_two_operations() -> None:
    for tag in TAGS:
        names = [library.method_name(each) for each in OPERATIONS if each.tag == tag]
        assert len(set(names)) == len(names), tag


def test_the_resources_are_what_the_operations_make_them() -> None:
    for tag in TAGS:
        committed = ROOT / "src" / "valetkey" / "sdk" / "resources" / f"{library.attribute(tag)}.py"
        written = library.page(tag)
        for command in (["check", "--quiet", "--fix", "--select", "I,F401", "-"], ["format", "-"]):
            named = [*command[:-1], "--stdin-filename", str(committed), "-"]
            done = subprocess.run(  # noqa: S603  # our own formatter
                [ROOT / ".venv" / "bin" / "ruff", *named],
                input=written,
                capture_output=True,
                text=True,
                check=False,
            )
            written = done.stdout
        assert written == committed.read_text(encoding="utf-8"), f"make reference: {tag}"


def opened(http: httpx2.AsyncClient) -> AsyncClient:
    """A client of the library over an application in this process."""
    token = http.headers["authorization"].removeprefix("Bearer ")
    own = httpx2.AsyncClient(transport=http._transport, base_url="http://valetkey")
    return AsyncClient("http://127.0.0.1", token, http=own)


async def test_a_location_is_made_found_changed_and_forgotten(memory: Memory) -> None:
    location = await memory.location("data")
    async with open_own_api(memory) as http:
        client = opened(http)
        [found] = [each async for each in client.locations.list(name="data")]
        assert found.id == location.id
        vended = await client.credentials.by_name(location="data", prefixes=[""], access=["read"])
        assert vended.bucket == "acme"
        changed = await client.locations.update(found.id, name="new", if_version=found.version)
        assert changed.name == "new"
        with pytest.raises(VersionMismatch):
            await client.locations.delete(found.id, if_version=found.version)
        await client.locations.delete(found.id)
        with pytest.raises(NotFound) as refused:
            await client.locations.get(found.id)
        assert refused.value.request_id


async def test_work_that_is_not_there_is_called_an_operation(memory: Memory) -> None:
    async with open_own_api(memory) as http:
        client = opened(http)
        for ask in (client.operations.get, client.operations.cancel):
            with pytest.raises(NotFound, match=r"There is no operation 'd{24}'\."):
                await ask("d" * 24)


async def test_a_list_is_walked_to_its_end(memory: Memory) -> None:
    async with open_own_api(memory) as http:
        client = opened(http)
        for number in range(120):
            await client.groups.create(memory.org_id, name=f"group {number:03}")
        names = [each.name async for each in client.groups.list(memory.org_id)]
        assert names == [f"group {number:03}" for number in range(120)]
        with pytest.raises(Conflict) as refused:
            await client.groups.create(memory.org_id, name="group 000")
        assert refused.value.code == "name_taken"


async def test_one_string_is_no_sequence_of_strings(memory: Memory) -> None:
    async with open_own_api(memory) as http:
        client = opened(http)
        with pytest.raises(TypeError, match="prefixes"):
            await client.credentials.by_name(location="data", prefixes="train", access=["read"])


async def test_bytes_go_up_as_they_come_and_are_read_back(memory: Memory) -> None:
    location = await memory.location("data")

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d" % number

    async with open_own_api(memory) as http:
        client = opened(http)
        dataset = await client.datasets.create(
            name="own", project_id=memory.project.id, location_id=location.id
        )
        made = await client.objects.put(dataset.id, path="a/1.txt", content=chunks())
        assert made.size == 3
        for byte_range, expected in {"": b"012", "bytes=1-1": b"1"}.items():
            read = client.objects.read(made.id, redirect=False, byte_range=byte_range)
            assert b"".join([chunk async for chunk in read]) == expected
        with pytest.raises(Conflict):
            await client.objects.put(dataset.id, path="a/1.txt", content=b"other")


def test_what_is_versioned_and_shown_nowhere_is_told_by_its_name() -> None:
    nowhere = dataclasses.replace(UPDATE_LOCATION, path="/v1/nowhere")
    with pytest.raises(LookupError, match="updateLocation is versioned"):
        library.shows_version(nowhere)
