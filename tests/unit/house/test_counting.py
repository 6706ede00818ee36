"""Whatever is counted is told with its word: one entry, two entries. In one way."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

import pytest

from support.sources import SOURCE, nodes, texts
from valetkey.counting import counted

COUNTED: Final = frozenset(
    [
        "accounts",
        "attempts",
        "bytes",
        "calls",
        "changes",
        "characters",
        "checks",
        "conditions",
        "credentials",
        "datasets",
        "days",
        "documents",
        "entries",
        "files",
        "folders",
        "grants",
        "groups",
        "hours",
        "ids",
        "integrations",
        "items",
        "keys",
        "leases",
        "letters",
        "levels",
        "lines",
        "locations",
        "members",
        "minutes",
        "months",
        "nodes",
        "objects",
        "operations",
        "pages",
        "parts",
        "people",
        "places",
        "policies",
        "prefixes",
        "processes",
        "projects",
        "records",
        "refusals",
        "requests",
        "revocations",
        "roles",
        "rows",
        "seconds",
        "sessions",
        "shards",
        "sign-ins",
        "statements",
        "steps",
        "stores",
        "times",
        "tokens",
        "uploads",
        "urls",
        "users",
        "values",
        "versions",
        "weeks",
        "workers",
    ]
)
#: How it was done before there was one way.
BY_HAND: Final = re.compile(r"""["']{2} if [^{}]*== 1 else ["']""")
_AFTER: Final = re.compile(r" (?:(?:more|other|live|active|API|AWS|STS|version) )*([A-Za-z-]+)")
_SHOWN: Final = re.compile(r"\{\{[^{}]*\}\}(?:</\w+>)?" + _AFTER.pattern)


@pytest.mark.parametrize(
    ("count", "one", "said"),
    [
        (1, "entry", "1 entry"),
        (0, "entry", "0 entries"),
        (2000, "API token", "2,000 API tokens"),
        (1, "day", "1 day"),
        (2, "day", "2 days"),
        (3, "prefix", "3 prefixes"),
        (1.0, "second", "1 second"),
        (0.5, "second", "0.5 seconds"),
    ],
)
def test_one_is_not_told_as_many(count: float, one: str, said: str) -> None:
    assert counted(count, one) == said


def _by_hand(within: Sequence[ast.AST]) -> list[int]:
    """Return where a number that may be one stands before a word for many."""
    found = []
    for node in within:
        if isinstance(node, ast.JoinedStr):
            for number, words in zip(node.values, node.values[1:], strict=False):
                if not isinstance(number, ast.FormattedValue) or not isinstance(
                    words, ast.Constant
                ):
                    continue
                after = _AFTER.match(str(words.value))
                is_fixed = re.search(r"\b_?[A-Z][A-Z_]{2,}", ast.unparse(number.value))
                if after and after[1].lower() in COUNTED and not is_fixed:
                    found.append(number.lineno)
    return found


def test_no_message_counts_by_hand() -> None:
    found = [f"{place}:{line}" for place in texts() for line in _by_hand(nodes(place))]
    assert found == []


def test_no_page_counts_by_hand() -> None:
    found = []
    for path in SOURCE.rglob("*.html"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = {word.lower() for word in _SHOWN.findall(line)}
            if words & COUNTED or BY_HAND.search(line):
                found.append(f"{path.relative_to(SOURCE)}:{number}")
    assert found == []
