"""Verification is a report of positive claims, each with its cause and its fix when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How one check ended. ``skipped``: not tried, because an earlier one failed or a right is
    missing to look; ``unknown``: tried, and the answer says neither."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One claim. ``claim`` is a sentence that holds when the check passed; ``cause`` and ``fix``
    are sentences (a fix may be JSON to paste or a command); ``aws_error`` is AWS's own code and
    text; ``seconds`` is how long it took."""

    name: str
    claim: str
    outcome: Outcome
    cause: str = ""
    fix: str = ""
    aws_error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """Checks in the order of the reference page."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return bool(self.checks) and not any(
            check.outcome is Outcome.FAILED for check in self.checks
        )

    @property
    def conclusive(self) -> bool:
        """Tell whether every check that was tried got an answer."""
        return not any(check.outcome is Outcome.UNKNOWN for check in self.checks)

    @property
    def first_failure(self) -> Check | None:
        return next((check for check in self.checks if check.outcome is Outcome.FAILED), None)
