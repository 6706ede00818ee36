"""What an integration's page tells of drift."""

from __future__ import annotations

import html
import shlex

import pytest

from support.console import Visitor
from support.memory import Memory
from valetkey.console.drift import drifted
from valetkey.domain.verification import Check, Outcome, Report

FAILED, PASSED, SKIPPED = Outcome.FAILED, Outcome.PASSED, Outcome.SKIPPED


@pytest.mark.parametrize(
    ("name", "outcome", "shown"),
    [
        ("trust", FAILED, True),
        ("session-length", FAILED, True),
        ("role-width", FAILED, True),
        ("public-access", FAILED, True),
        ("role-width", PASSED, False),
        ("role-width", SKIPPED, False),
        ("secret", FAILED, False),
        ("clock", FAILED, False),
    ],
)
def test_drift_is_what_fails_by_a_change_at_aws(name: str, outcome: Outcome, shown: bool) -> None:
    report = Report((Check(name, "It holds.", outcome, advisory=True),))
    assert bool(drifted(report)) is shown


@pytest.mark.parametrize("name", ["acme", "Acme's $(production)", "-x"])
async def test_the_page_has_the_command_for_an_administrator_to_paste(
    owner: Visitor, memory: Memory, name: str
) -> None:
    integration = await memory.integration(name)
    page = await owner.get(f"/integrations/{integration.id}")
    shown = page.text.partition('<pre id="admin-command"')[2].partition("</pre>")[0]
    words = shlex.split(html.unescape(shown.partition(">")[2]))
    named = integration.id if name.startswith("-") else name
    assert words == ["valetkey", "integrations", "verify", named, "--as-admin"]
