"""A cache has its figure: what a call costs without it stands at its place, measured."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from support.commands import ROOT
from support.sources import nodes, texts

#: A time, as a comment or a docstring tells it.
FIGURE = re.compile(r"\d (?:µs|ms)\b")
#: What is found once for a client, and must not be found anew: no cache.
ONCE = {"sdk/opening.py: source"}


def _cached() -> Iterator[tuple[str, str]]:
    """Yield what is cached, and what is written above it and within it."""
    for place, text in texts().items():
        lines = text.splitlines()
        for node in nodes(place):
            if not isinstance(node, ast.FunctionDef):
                continue
            if any("cache" in ast.unparse(each) for each in node.decorator_list):
                above = node.decorator_list[0].lineno - 3
                yield f"{place}: {node.name}", "\n".join(lines[above : node.end_lineno])


def test_what_is_kept_says_what_it_would_cost_anew() -> None:
    cached = dict(_cached())
    assert len(cached) > 10
    assert {name for name, text in cached.items() if not FIGURE.search(text)} == ONCE


#: A dictionary that forgets by age or by tag.
_KEEPS: Final = re.compile(r"(?:OrderedDict|TaggedCache)\[")


def _stores() -> Iterator[str]:
    for place in texts():
        for owner in nodes(place):
            if isinstance(owner, ast.ClassDef):
                for node in ast.walk(owner):
                    match node:
                        case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=kind):
                            if _KEEPS.match(ast.unparse(kind)):
                                yield f"{place}: {owner.name}.{name}"


def test_what_an_object_keeps_is_in_the_table_with_its_figure_and_its_bound() -> None:
    page = (ROOT / "docs" / "kept-in-memory.md").read_text(encoding="utf-8")
    caches, counts = page.split("## Counts")
    assert len(list(_stores())) > 10
    listed = re.findall(r"`([\w/]+\.py: \w+\.\w+)`", page)
    assert set(_stores()) <= set(listed)
    for row in re.findall(r"^\| `.*", caches + counts, re.MULTILINE):
        assert re.search(r"\d|what each says|one command", row), row
    for place, name in (one.rsplit(".", 1) for one in listed):
        file = place.split(": ")[0]
        assert f"self.{name}" in texts()[file], f"{place}.{name} is gone"
