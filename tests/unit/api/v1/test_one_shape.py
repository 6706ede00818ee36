"""A walk through the API's description: one thing has one shape, wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from support.described import DOCUMENT

COMPONENTS: Final[dict[str, Any]] = DOCUMENT["components"]
#: What an operation is called begins with what it does.
VERBS: Final = frozenset(
    [
        "add",
        "cancel",
        "change",
        "check",
        "create",
        "delete",
        "disable",
        "enable",
        "end",
        "export",
        "get",
        "index",
        "list",
        "move",
        "presign",
        "put",
        "read",
        "remove",
        "renew",
        "restore",
        "revoke",
        "sign",
        "update",
        "use",
        "verify",
    ]
)
#: AWS's container contract has its own words.
FOREIGN: Final = frozenset({"ContainerCredentials"})
#: Values that others have named: HTTP's methods, S3's classes, types of integrations as the
#: reference page has them.
NAMED_BY_OTHERS: Final = (".method", ".storageClass", ".type", ".integrationType")
#: Bodies that are sent name people as they know each other: by their addresses.
SENT: Final = frozenset(
    name
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    for name in re.findall(r"schemas/(\w+)", str(operation.get("requestBody", "")))
)
PEOPLE: Final = frozenset(["author", "creator", "holder", "owner", "person", "principal", "user"])
#: Texts with an address in them: a record's words stay what was hashed; a target, a grantee's
#: name and a note are a person's or something else's.
BY_ADDRESS: Final = {
    "AuditRecord.actor",
    "Block.target",
    "Grantee.name",
    "Revocation.target",
    "Revoked.others",
    "RotationStep.note",
}
#: Moments and durations that are named as others name them.
NAMED_OTHERWISE: Final = {"ContainerQuery.ttl", "getContainerCredentials.ttl"}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every property of every schema, and every parameter: where, its name, its schema."""
    for where, schema in COMPONENTS["schemas"].items():
        if where not in FOREIGN:
            for name, kind in schema.get("properties", {}).items():
                yield where, name, kind
    for where, operation in operations():
        for parameter in operation["parameters"]:
            if "$ref" not in parameter:
                yield where, parameter["name"], parameter["schema"]


def kinds(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What a value may be, but for null; references followed."""
    if "$ref" in schema:
        return [COMPONENTS["schemas"][schema["$ref"].rpartition("/")[2]]]
    found = [each for option in schema.get("anyOf", [schema]) for each in [option]]
    return [each for each in found if each.get("type") != "null"]


def test_an_operation_is_called_as_a_function_is() -> None:
    names = [name for name, _ in operations()]
    assert len(set(names)) == len(names)
    for name in names:
        first = re.match(r"[a-z]+", name)
        assert first is not None
        assert first[0] in VERBS, name
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name), name


def test_every_refusal_is_an_error() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                described = COMPONENTS["responses"][response["$ref"].rpartition("/")[2]]
                content = described["content"]["application/json"]
                shape = content["schema"]["$ref"].rpartition("/")[2]
                is_contract = "ContainerCredentials" in name
                assert shape == ("ContainerError" if is_contract else "Error"), (name, status)
                assert content["example"], (name, status)
                assert "X-Request-Id" in described["headers"]
                assert described["description"].startswith("- `")


def test_every_operation_declares_what_may_always_happen() -> None:
    for name, operation in operations():
        statuses = set(operation["responses"])
        assert {"400", "429", "500", "503"} <= statuses, name
        if operation.get("security") != []:
            assert {"401", "403", "404"} <= statuses, name
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            assert {"413", "415"} <= statuses, name


def test_moments_are_called_so_and_are_date_times() -> None:
    for where, name, schema in properties():
        is_moment = any(kind.get("format") == "date-time" for kind in kinds(schema))
        is_named = name.endswith(("At", "Until")) or name in {
            "at",
            "until",
            "after",
            "before",
            "since",
        }
        if name == "brokenAt":  # the number of a record
            continue
        assert is_moment == is_named, f"{where}.{name}"


def test_durations_are_whole_seconds() -> None:
    for where, name, schema in properties():
        if re.search(r"(ttl|timeout|duration|lifetime|minutes|hours|millis)$", name, re.IGNORECASE):
            assert f"{where}.{name}" in NAMED_OTHERWISE or where.startswith("getContainer"), (
                f"{where}.{name}"
            )
        if name.endswith("Seconds"):
            assert all(kind["type"] == "integer" for kind in kinds(schema)), f"{where}.{name}"


def test_ids_are_opaque_texts_and_references_end_in_id() -> None:
    nouns = [
        "org",
        "project",
        "location",
        "integration",
        "lease",
        "dataset",
        "object",
        "group",
        "token",
        "user",
        "grant",
    ]
    for where, name, schema in properties():
        if name == "id" or name.endswith("Id"):
            assert all(kind["type"] == "string" for kind in kinds(schema)), f"{where}.{name}"
            assert not any("format" in kind for kind in kinds(schema)), f"{where}.{name}"
        if name.endswith("Ids"):
            assert all(kind["type"] == "array" for kind in kinds(schema)), f"{where}.{name}"
        if name in nouns:  # a person or a group by address or name, a location by name
            allowed = {("user", "NewGrant"), ("group", "NewGrant"), ("token", "Login")}
            by_name = name == "location" or (name, where) in allowed or name == "token"
            assert by_name, f"{where}.{name}"


@pytest.mark.parametrize("word", ["state", "outcome", "role", "type", "stage"])
def test_states_are_declared_one_by_one(word: str) -> None:
    for where, name, schema in properties():
        if name == word:
            assert any("enum" in kind for kind in kinds(schema)), f"{where}.{name}"


def enumerations() -> Iterator[tuple[str, str]]:
    """Every value that is declared one by one, and where."""
    for where, name, schema in properties():
        for kind in [schema, *kinds(schema), schema.get("items", {})]:
            for value in kind.get("enum", []):
                yield f"{where}.{name}", value


def test_words_of_ours_are_spelled_in_one_way() -> None:
    for where, value in enumerations():
        if not where.endswith(NAMED_BY_OTHERS):
            assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", value), f"{where}: {value!r}"


def test_people_have_an_id_and_an_address() -> None:
    seen = set()
    for where, name, schema in properties():
        if where not in COMPONENTS["schemas"] or where in SENT or name not in PEOPLE:
            continue
        seen.add(f"{where}.{name}")
        [shape] = [
            option["$ref"].rpartition("/")[2]
            for option in schema.get("anyOf", [schema])
            if "$ref" in option
        ]
        fields = COMPONENTS["schemas"][shape]["properties"]
        assert {"id", "email"} == set(fields), f"{where}.{name} is a {shape}"
    assert len(seen) > 12, seen


def test_whoever_has_an_address_has_an_id() -> None:
    for where, schema in COMPONENTS["schemas"].items():
        if where not in SENT and "email" in schema.get("properties", {}):
            assert "id" in schema["properties"], where


def test_no_text_that_is_an_address_by_its_example_stands_alone() -> None:
    alone = {
        f"{where}.{name}"
        for where, name, schema in properties()
        if where in COMPONENTS["schemas"]
        and where not in SENT
        and name != "email"
        and any("@example.com" in str(each) for each in schema.get("examples") or [])
    }
    assert alone == BY_ADDRESS


def test_nothing_is_described_that_nothing_uses() -> None:
    text = msgspec.json.encode(DOCUMENT).decode()
    for kind, named in COMPONENTS.items():
        if kind != "securitySchemes":
            for name in named:
                assert f'"#/components/{kind}/{name}"' in text, f"{kind}/{name}"


def test_every_parameter_has_an_example_or_values() -> None:
    for where, operation in operations():
        for parameter in operation["parameters"]:
            if "$ref" not in parameter:
                has_values = any("enum" in kind for kind in kinds(parameter["schema"]))
                is_known = "example" in parameter or has_values
                assert is_known, f"{where}.{parameter['name']}"
                assert parameter["description"].endswith((".", ")")), f"{where}.{parameter['name']}"
