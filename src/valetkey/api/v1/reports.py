"""Reports of what was tried, as a whole and line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from valetkey.api.v1.refusing import code_of, detail
from valetkey.domain import verification
from valetkey.domain.errors import ValetkeyError
from valetkey.wire.reports import Check, Report, ReportLine


def check_shape(check: verification.Check) -> Check:
    """Return a check's shape."""
    return Check(
        name=check.name,
        claim=check.claim,
        outcome=check.outcome.value,
        seconds=round(check.seconds, 3),
        advisory=check.advisory,
        cause=check.cause or None,
        fix=check.fix or None,
        aws_error=check.aws_error or None,
        subject=check.subject or None,
        layer=str(check.layer) or None,
    )


def report_shape(report: verification.Report, subject: str) -> Report:
    """Return a report's shape; ``subject`` is ``kind:id``."""
    return Report(
        subject=subject,
        passed=report.passed,
        conclusive=report.conclusive,
        checks=[check_shape(check) for check in report.checks],
    )


async def report_lines(
    events: AsyncIterator[object], subject: str, request_id: str
) -> AsyncIterator[bytes]:
    """Render what is being tried as NDJSON: checks as they come, then the report or an error."""
    try:
        async for event in events:
            yield msgspec.json.encode(_line(event, subject)) + b"\n"
    except ValetkeyError as error:
        told = detail(code_of(error), error.message, error.hint, error.details, request_id)
        yield msgspec.json.encode(ReportLine(error=told)) + b"\n"


def _line(event: object, subject: str) -> ReportLine:
    if isinstance(event, verification.Check):
        return ReportLine(check=check_shape(event))
    # An integration's verification ends in the integration and the report.
    report = event[1] if isinstance(event, tuple) else event
    if not isinstance(report, verification.Report):
        raise TypeError(f"neither a check nor a report: {type(report).__name__}")
    return ReportLine(report=report_shape(report, subject))
