"""The table of what must not come back names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs/rights-and-their-tests.md").read_text()


def test_each_test_that_the_table_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)
    assert len(named) > 40
    for file, name in named:
        text = (ROOT / file).read_text() if (ROOT / file).exists() else ""
        assert re.search(rf"^(async )?(def|class) {name}\b|^{name}\b", text, re.MULTILINE), (
            file,
            name,
        )


def test_each_number_of_what_was_seen_has_a_line() -> None:
    numbers = {int(number) for number in re.findall(r"^\| (\d+) \|", TABLE, re.MULTILINE)}
    assert numbers == set(range(1, 14))
