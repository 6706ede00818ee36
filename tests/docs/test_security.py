"""SECURITY.md: each promise names tests, and they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"tests/[\w/]+\.py(?:::\w+)?", TEXT)))
PROMISES = [
    line
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| promise", "|---"))
]


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not function or function in functions


@pytest.mark.parametrize("line", PROMISES, ids=lambda line: line.split("|")[1].strip()[:60])
def test_each_promise_names_what_holds_it(line: str) -> None:
    *_, held_by, _ = line.split("|")
    assert "tests/" in held_by or held_by.strip().startswith("the same")
