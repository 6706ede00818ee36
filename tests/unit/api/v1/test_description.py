"""The API's description: complete, and true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from support.described import DOCUMENT
from valetkey.api.v1 import ROUTES
from valetkey.api.v1.error_responses import code_of
from valetkey.domain.errors import ValetkeyError
from valetkey.wire import OPERATIONS, TAGS
from valetkey.wire.errors import ERROR_CATALOG
from valetkey.wire.operation import CONTENT

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
BY_ID = {operation.id: operation for operation in OPERATIONS}


def described() -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def test_every_operation_is_answered_and_named_once() -> None:
    assert len(BY_ID) == len(OPERATIONS)
    assert {route.operation.id for route in ROUTES} <= BY_ID.keys()


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_property_is_described_and_camel_case(name: str) -> None:
    assert SCHEMAS[name]["description"].strip()
    for field, schema in SCHEMAS[name].get("properties", {}).items():
        assert schema.get("description"), f"{name}.{field}"
        assert "_" not in field


@pytest.mark.parametrize("operation_id", sorted(BY_ID))
def test_every_operation_is_described(operation_id: str) -> None:
    operation = dict(described())[operation_id]
    assert operation["summary"].endswith(".")
    assert operation["tags"][0] in TAGS
    for parameter in operation["parameters"]:
        if "$ref" not in parameter:
            assert parameter["description"], parameter["name"]
            assert "_" not in parameter["name"]
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for kind, content in body.get("content", {}).items():
            assert "$ref" in content["schema"] or kind in {"text/csv", CONTENT}
            assert kind != "application/json" or content["example"]


@pytest.mark.parametrize("operation_id", sorted(BY_ID))
def test_examples_are_what_they_are_examples_of(operation_id: str) -> None:
    operation, shape = dict(described())[operation_id], BY_ID[operation_id]
    if shape.has_body:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        msgspec.convert(example, shape.body)
    if shape.has_result:
        success = operation["responses"][str(shape.status)]
        msgspec.convert(success["content"]["application/json"]["example"], shape.result)


@pytest.mark.parametrize("operation_id", sorted(BY_ID))
def test_an_address_is_in_kebab_case_and_writes_nothing_by_get(operation_id: str) -> None:
    operation = BY_ID[operation_id]
    words = [part for part in operation.path.split("/") if not part.startswith("{")]
    assert all(word == word.lower() and "_" not in word for word in words)
    assert operation.path.startswith("/v1/")
    assert operation.method != "GET" or not (operation.has_body or operation.makes)


def test_lists_have_one_shape() -> None:
    for operation in OPERATIONS:
        if operation.id.startswith("list"):
            fields = SCHEMAS[_success_schema(operation.id)]["properties"]
            assert set(fields) == {"items", "next"}, operation.id
            names = {
                parameter.get("name") for parameter in dict(described())[operation.id]["parameters"]
            }
            assert {"limit", "cursor"} <= names, operation.id


def _success_schema(operation_id: str) -> str:
    success = dict(described())[operation_id]["responses"]["200"]
    return str(success["content"]["application/json"]["schema"]["$ref"]).rpartition("/")[2]


def test_times_durations_and_references_have_one_shape() -> None:
    for name, schema in SCHEMAS.items():
        for field, kind in schema.get("properties", {}).items():
            if field.endswith("At") and field != "brokenAt":
                assert "date-time" in str(kind), f"{name}.{field}"
            if field.endswith("Seconds"):
                assert "integer" in str(kind), f"{name}.{field}"
            assert field not in {
                "org",
                "project",
                "integration",
                "driver",
                "driverId",
                "expiration",
            }, f"{name}.{field}"


def test_every_kind_of_error_that_a_request_may_meet_has_a_code_of_its_own() -> None:
    kinds, seen = [ValetkeyError], set[type[ValetkeyError]]()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if not kind.__module__.startswith("valetkey.cli"):  # no request meets the command line's
            seen.add(kind)
    at_start = {"ValetkeyError", "ConfigurationError"}
    lost = {kind.__name__ for kind in seen if code_of(kind("")) == "internal"}
    assert {name for name in lost if not name.startswith("_")} <= at_start


def test_operations_name_codes_of_the_catalog() -> None:
    for operation in OPERATIONS:
        assert set(operation.errors) <= ERROR_CATALOG.keys(), operation.id
