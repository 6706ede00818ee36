"""Times in addresses."""

from __future__ import annotations

import pytest

from support.memory import Memory
from support.own_api import open_own_api

pytest_plugins = ["support.memory"]


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
    ],
)
async def test_a_time_that_utc_does_not_have_is_refused_as_one_that_is_none(
    memory: Memory, text: str
) -> None:
    async with open_own_api(memory) as http:
        answer = await http.get("/audit/records", params={"since": text})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "since"
