"""What a linter of OpenAPI documents would say (Spectral's rules, without npm): nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from support.described import DOCUMENT

OPERATIONS: Final = [
    (f"{method.upper()} {path}", path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def nodes(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document, and where it is."""
    if isinstance(node, dict):
        yield where, node
        for name, each in node.items():
            yield from nodes(each, f"{where}/{name}")
    elif isinstance(node, list):
        for number, each in enumerate(node):
            yield from nodes(each, f"{where}/{number}")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    found: Any = DOCUMENT
    for part in node["$ref"].removeprefix("#/").split("/") if "$ref" in node else ():
        found = found[part]
    return dict(found) if "$ref" in node else node


def test_the_parameters_of_a_path_are_those_that_are_described() -> None:
    for name, path, operation in OPERATIONS:
        given = [resolved(each) for each in operation["parameters"]]
        counted = Counter((each["name"], each["in"]) for each in given)
        assert max(counted.values(), default=1) == 1, name
        in_path = {each["name"] for each in given if each["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), name
        assert all(each["required"] for each in given if each["in"] == "path"), name


def test_a_path_ends_in_a_word_and_has_no_query() -> None:
    for path in DOCUMENT["paths"]:
        assert not path.endswith("/")
        assert "?" not in path
    shapes = Counter(re.sub(r"\{\w+\}", "{}", path) for path in DOCUMENT["paths"])
    assert max(shapes.values()) == 1


def test_an_operation_succeeds_has_one_tag_and_two_texts() -> None:
    tags = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    assert all(tags.values())
    for name, _, operation in OPERATIONS:
        assert any(status.startswith(("2", "3")) for status in operation["responses"]), name
        assert len(operation["tags"]) == 1, name
        assert operation["tags"][0] in tags
        assert operation["description"], name
        assert all(resolved(each)["description"] for each in operation["responses"].values())


def test_a_schema_says_what_it_holds_once() -> None:
    for where, node in nodes(DOCUMENT["components"]["schemas"]):
        if node.get("type") == "array":
            assert "items" in node, where
        values = node.get("enum")
        if isinstance(values, list):
            assert len(values) == len(set(map(str, values))), where
            kinds = {"string": str, "integer": int}
            wanted = kinds.get(str(node.get("type")), object)
            assert all(isinstance(each, wanted) for each in values), where


def test_every_reference_leads_somewhere() -> None:
    for _, node in nodes(DOCUMENT):
        if isinstance(node.get("$ref"), str):
            assert resolved(node)


def test_texts_hold_no_script() -> None:
    for where, node in nodes(DOCUMENT):
        for key in ("description", "summary", "title"):
            if isinstance(node.get(key), str):
                assert "<script" not in node[key], where
                assert "eval(" not in node[key], where


def _examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    for where, node in nodes({"paths": DOCUMENT["paths"], "components": DOCUMENT["components"]}):
        if "schema" in node and "example" in node:
            yield where, node["schema"], node["example"]
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, kind in schema.get("properties", {}).items():
            for example in kind.get("examples", ()):
                yield f"{name}.{field}", kind, example


@pytest.mark.parametrize(("where", "schema", "example"), list(_examples()))
def test_an_example_fits_its_schema(where: str, schema: dict[str, Any], example: Any) -> None:
    rooted = {**schema, "components": DOCUMENT["components"]}
    problems = [error.message for error in Draft202012Validator(rooted).iter_errors(example)]
    assert problems == [], where
