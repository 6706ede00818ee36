"""What is sent is read as it stands: whole numbers are digits, and bodies are not unpacked."""

from __future__ import annotations

import gzip
from typing import Any, Final

import msgspec
import pytest

from support.every_caller import bodies, open_world
from valetkey.api.v1.request import read_query
from valetkey.domain.errors import InvalidInput
from valetkey.wire import OPERATIONS
from valetkey.wire.leases import LeasesQuery

_QUERIES: Final = sorted({each.query for each in OPERATIONS}, key=lambda each: each.__name__)
_NUMBERS: Final = [
    (shape, name)
    for shape in _QUERIES
    for name, schema in msgspec.json.schema(shape)["$defs"][shape.__name__]["properties"].items()
    if "integer" in str(schema)
]


def test_there_are_numbers_in_addresses() -> None:
    assert {name for _, name in _NUMBERS} >= {"limit", "ttl"}


@pytest.mark.parametrize(("shape", "name"), _NUMBERS, ids=str)
@pytest.mark.parametrize(
    "value",
    ["1.0", "1e1", "1E1", "%2B1", "%201", "1%20", "%D9%A1", "1_0", "-1", "0x1", "", "1" * 19],
)
def test_a_whole_number_is_digits_alone(shape: Any, name: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_query(f"{name}={value}".encode(), shape)
    assert refused.value.details["field"] == name
    assert "digits" in refused.value.hint


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "nosuch"])
async def test_a_body_in_another_encoding_is_refused_by_every_operation(encoding: str) -> None:
    world = await open_world()
    for operation in OPERATIONS:
        if operation.has_body or operation.reads_content:
            body = msgspec.json.encode(bodies(world.known).get(operation.id, {}))
            answer = await world.http.request(
                operation.method,
                operation.path.format(**world.known),
                params={"path": "packed.txt"} if operation.reads_content else {},
                content=gzip.compress(body) if encoding == "gzip" else body,
                headers=world.headers("orgOwner")
                | {"Content-Type": "application/json", "Content-Encoding": encoding},
            )
            told = answer.json()["error"]
            assert (answer.status_code, told["code"]) == (415, "unsupported_media_type"), (
                operation.id
            )
            assert "Content-Encoding" in told["message"]
    await world.http.aclose()


_TEXTS: Final = [
    (shape, name)
    for shape in _QUERIES
    for name, schema in msgspec.json.schema(shape)["$defs"][shape.__name__]["properties"].items()
    if "'type': 'string'" in str(schema) and name not in {"prefix", "purpose"}
]


@pytest.mark.parametrize(("shape", "name"), _TEXTS, ids=str)
def test_an_empty_filter_does_not_mean_everything(shape: Any, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_query(f"{name}=".encode(), shape)
    assert refused.value.details["field"] == name


async def test_a_filter_of_blanks_does_not_mean_everything() -> None:
    with pytest.raises(InvalidInput):
        read_query(b"principal=%20", LeasesQuery)


async def test_a_body_that_nothing_reads_is_refused_by_every_operation() -> None:
    world = await open_world()
    saved = world.memory.storage.snapshot()
    for operation in OPERATIONS:
        if operation.method == "GET" or operation.has_body or operation.reads_content:
            continue
        for body, is_refused in ((b'{"revoke": true}', True), (b"x" * 9000, True), (b"{}", False)):
            world.memory.storage.restore(saved)
            answer = await world.http.request(
                operation.method,
                operation.path.format(**world.known),
                content=body,
                headers=world.headers("orgOwner") | {"Content-Type": "application/json"},
            )
            told = answer.json().get("error", {}) if answer.content else {}
            is_told = (answer.status_code, told.get("field")) == (400, "body")
            assert is_told is is_refused, (operation.id, answer.text)
    await world.http.aclose()
