"""What a verification found."""

from __future__ import annotations

from valetkey.api.wire.base import Out
from valetkey.domain.verification import Check, Report


class CheckOut(Out, frozen=True):
    """One claim; ``outcome`` is passed, failed, skipped or unknown, ``seconds`` its duration."""

    name: str
    claim: str
    outcome: str
    cause: str
    fix: str
    aws_error: str
    seconds: float

    @classmethod
    def of(cls, check: Check) -> CheckOut:
        """Return a check's shape."""
        return cls(
            name=check.name,
            claim=check.claim,
            outcome=check.outcome,
            cause=check.cause,
            fix=check.fix,
            aws_error=check.aws_error,
            seconds=round(check.seconds, 3),
        )


class ReportOut(Out, frozen=True):
    """Checks in order; ``conclusive`` is false when AWS gave one of them no answer."""

    subject: str
    passed: bool
    conclusive: bool
    checks: list[CheckOut]

    @classmethod
    def of(cls, report: Report, subject: str) -> ReportOut:
        """Return a report's shape; ``subject`` is ``integration:ID`` or ``driver:ID``."""
        return cls(
            subject=subject,
            passed=report.passed,
            conclusive=report.conclusive,
            checks=[CheckOut.of(check) for check in report.checks],
        )
