"""A cache has its figure: what a call costs without it stands at its place, measured."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

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
