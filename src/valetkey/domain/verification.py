"""Verification is a report of positive claims, each with its cause and its fix when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: The objects that Valetkey's own checks write have names that begin so; they are nobody's data.
PROBE_PREFIX: Final = ".valetkey-probe-"


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
    text; ``seconds`` is how long it took.

    ``subject`` is the location that the claim is about (empty: the integration itself). ``layer``
    is which layer of AWS refuses, where that is known (see ``domain.diagnosis.Layer``). An
    ``advisory`` check is worth knowing, and stops nobody from working."""

    name: str
    claim: str
    outcome: Outcome
    cause: str = ""
    fix: str = ""
    aws_error: str = ""
    seconds: float = 0.0
    subject: str = ""
    layer: str = ""
    advisory: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Checks in the order of the reference page."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Tell whether something was tried, and nothing that is needed failed."""
        return bool(self.checks) and self.first_failure is None

    @property
    def conclusive(self) -> bool:
        """Tell whether every check that was tried, and is needed, got an answer."""
        return not any(
            check.outcome is Outcome.UNKNOWN and not check.advisory for check in self.checks
        )

    @property
    def first_failure(self) -> Check | None:
        """The check that names the cause: those after it could not be tried, or follow from it."""
        failed = (check for check in self.checks if check.outcome is Outcome.FAILED)
        return next((check for check in failed if not check.advisory), None)
