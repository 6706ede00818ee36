"""Parts of long lists, whatever an address asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from valetkey.console.menus import PAGE, ListPart

FOUND = [f"{number:04}" for number in range(2 * PAGE + 1)]


@pytest.mark.parametrize(
    ("page", "shown"),
    [("", 0), ("1", 1), ("2", 2), ("99", 2), ("-1", 0), ("x", 0), ("٣", 0), ("9" * 5000, 0)],
)
def test_an_address_shows_a_part_that_there_is(page: str, shown: int) -> None:
    request: Any = SimpleNamespace(query_params={"page": page})
    part = ListPart.of(request, FOUND, str)
    assert (part.page, part.items[0], part.total) == (shown, FOUND[shown * PAGE], len(FOUND))
