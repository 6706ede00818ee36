"""Errors that the source raises have a code, and the API's catalog has each of them."""

from __future__ import annotations

import ast

from support.sources import nodes, texts
from valetkey.wire.errors import ERROR_CATALOG

#: What people run on the server or beside AWS: its conflicts are told by no API.
BY_HAND = (
    "administration",
    "testing/",
    "cli/",
    "domain/setup",
    "identity/first_start",
    "services/setup/",
)


def test_every_code_that_is_raised_is_in_the_catalog() -> None:
    raised = set()
    for place in (place for place in texts() if place.startswith(("domain/", "services/"))):
        for node in nodes(place):
            if isinstance(node, ast.keyword) and node.arg == "code":
                raised |= {node.value.value} if isinstance(node.value, ast.Constant) else set()
    assert raised - {""} <= ERROR_CATALOG.keys()


def test_a_conflict_has_a_code_of_its_own_meaning() -> None:
    assert "conflict" not in ERROR_CATALOG
    plain = []
    for place in (place for place in texts() if not place.startswith(BY_HAND)):
        for node in nodes(place):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Conflict":
                has_code = any(word.arg == "code" for word in node.keywords)
                plain += [] if has_code else [f"{place}:{node.lineno}"]
    assert plain == []
