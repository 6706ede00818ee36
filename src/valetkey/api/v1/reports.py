"""Reports of what was tried, as a whole and line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.error_responses import code_of, detail
from valetkey.domain import verification
from valetkey.domain.errors import ValetkeyError
from valetkey.wire import reports as wire

check_shape: Final = ShapeMapper(
    wire.Check,
    verification.Check,
    by={
        "seconds": lambda seconds: round(seconds, 3),
        "layer": lambda layer: str(layer) or None,
    },
)


_report: Final = ShapeMapper(
    wire.Report,
    verification.Report,
    by={"checks": lambda checks: [check_shape(check) for check in checks]},
    added=("subject",),
)


def report_shape(report: verification.Report, subject: str) -> wire.Report:
    """Return a report's shape; ``subject`` is ``kind:id``."""
    return _report(report, subject=subject)


async def report_lines(
    events: AsyncIterator[object], subject: str, request_id: str
) -> AsyncIterator[bytes]:
    """Render what is being tried as NDJSON: checks as they come, then the report or an error."""
    try:
        async for event in events:
            yield msgspec.json.encode(_line(event, subject)) + b"\n"
    except ValetkeyError as error:
        told = detail(code_of(error), error.message, error.hint, error.details, request_id)
        yield msgspec.json.encode(wire.ReportLine(error=told)) + b"\n"


def _line(event: object, subject: str) -> wire.ReportLine:
    if isinstance(event, verification.Check):
        return wire.ReportLine(check=check_shape(event))
    # An integration's verification ends in the integration and the report.
    report = event[1] if isinstance(event, tuple) else event
    if not isinstance(report, verification.Report):
        raise TypeError(f"neither a check nor a report: {type(report).__name__}")
    return wire.ReportLine(report=report_shape(report, subject))
