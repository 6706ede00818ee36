"""What has drifted from the plan: what the integration's own key shows, and how to see the rest."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from valetkey.domain.integration import Integration
from valetkey.domain.verification import Check, Outcome, Report

#: Checks that fail when somebody changes a policy or a setting at AWS; the others fail for what is
#: stored here, or for the network.
_OF_THE_PLAN: Final = frozenset(
    {
        *("assume", "trust", "session-length", "external-id"),
        *("public-access", "list", "write", "read", "delete", "role-width", "kms", "cors"),
    }
)


def drifted(report: Report) -> Sequence[Check]:
    """Return what is seen to be otherwise than the plan has it."""
    failed = [check for check in report.checks if check.outcome is Outcome.FAILED]
    return [check for check in failed if check.name in _OF_THE_PLAN]


def admin_command(integration: Integration) -> str:
    """Return the command that compares the policies themselves with the plan."""
    # A name that begins with a hyphen would be an option; the id never does.
    name = integration.id if integration.name.startswith("-") else integration.name
    return f"valetkey integrations verify {shlex.quote(name)} --as-admin"
