"""What a verification found."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from valetkey.catalog.dataloop.wire.base import Out
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.verification import Check, Report


class CheckOut(Out, frozen=True):
    """One claim; ``outcome`` is passed, failed, skipped or unknown, ``seconds`` its duration;
    ``subject`` is the driver that it is about, ``layer`` who refuses at AWS. An ``advisory`` check
    is worth knowing and stops nobody from working."""

    name: str
    claim: str
    outcome: str
    cause: str
    fix: str
    aws_error: str
    seconds: float
    subject: str
    layer: str
    advisory: bool

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
            subject=check.subject,
            layer=check.layer,
            advisory=check.advisory,
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


async def report_lines(events: AsyncIterator[object], subject: str) -> AsyncIterator[bytes]:
    """Render a verification that is under way as NDJSON: a line for each check as soon as it is
    known, then one for the report; or, where it comes to nothing, one with the ``error``."""
    try:
        async for event in events:
            yield _line(event, subject)
    except ValetkeyError as error:
        told = {"message": error.message, "code": error.code, "hint": error.hint}
        yield msgspec.json.encode({"error": told}) + b"\n"


def _line(event: object, subject: str) -> bytes:
    if isinstance(event, Check):
        return msgspec.json.encode({"check": CheckOut.of(event)}) + b"\n"
    # An integration's verification ends in the integration and the report.
    report = event[1] if isinstance(event, tuple) else event
    if not isinstance(report, Report):
        raise TypeError(f"neither a check nor a report: {type(report).__name__}")
    return msgspec.json.encode({"report": ReportOut.of(report, subject)}) + b"\n"
