"""REST, library and command line: an operation that lacks one of them stands on the page of what is
stable, with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from support.commands import ROOT
from support.sources import nodes, texts
from valetkey import wire
from valetkey.sdk.resources import AsyncResources, Resources
from valetkey.wire import OPERATIONS, library

PAGE = (ROOT / "docs" / "reference" / "stability.md").read_text(encoding="utf-8")
BY_CALL = {(library.attribute(each.tag), library.method_name(each)): each.id for each in OPERATIONS}
BY_CONSTANT = {
    name: value.id
    for module in vars(wire).values()
    for name, value in getattr(module, "__dict__", {}).items()
    if value in OPERATIONS
}


def asked_in(place: str) -> Iterator[str]:
    """Yield the operations that a module of commands asks for: ``client.locations.get``, or
    ``wire.EXPORT_AUDIT_RECORDS`` where an answer's bytes are wanted."""
    for node in nodes(place):
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Attribute):
            yield BY_CALL.get((node.value.attr, node.attr), "")
        yield BY_CONSTANT.get(node.attr, "")


def excused() -> set[str]:
    """Return the operations that the page excuses, a row of a table each with its reason."""
    section = PAGE.partition("## Operations without a command")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    return {name for names, reason in rows if reason for name in re.findall(r"`(\w+)`", names)}


def test_every_operation_has_a_command_or_a_reason() -> None:
    asked = {it for place in texts() if place.startswith("cli/") for it in asked_in(place)}
    assert {each.id for each in OPERATIONS} - asked == excused()


def test_every_operation_has_a_method_in_both_clients() -> None:
    sync: Any = Resources(None)  # type: ignore[arg-type]  # nothing is sent
    other: Any = AsyncResources(None)  # type: ignore[arg-type]
    lacking = {
        operation
        for (noun, verb), operation in BY_CALL.items()
        if not all(hasattr(getattr(each, noun), verb) for each in (sync, other))
    }
    assert lacking == set()
