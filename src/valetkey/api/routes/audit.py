"""The audit trail: list, export, verify."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from valetkey.api.dependencies import Caller, Services
from valetkey.api.wire.audit import AuditRecordOut, ChainVerdictOut
from valetkey.api.wire.base import Page
from valetkey.domain.audit import ALL_RECORDS, AuditFilter, AuditRecord
from valetkey.domain.errors import InvalidInput
from valetkey.services.revocation import only_org

_PAGE: Final = 100
#: What a spreadsheet takes for the start of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: Final = msgspec.structs.fields(AuditRecordOut)


def _moment(text: str, name: str) -> datetime | None:
    """Read a time with its zone. Raises InvalidInput."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        # Some moments are in a year that UTC has not.
        moment = found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise InvalidInput(
            f"{text[:40]!r} is not a time with its zone.",
            hint="Use ISO 8601, such as 2026-01-31T12:00:00Z.",
            field=name,
        )
    return moment


@get("/audit", tags=["audit"])
async def list_records(
    services: Services,
    caller: Caller,
    org: str = "",
    after: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = _PAGE,
    action: str = "",
    actor: str = "",
    outcome: str = "",
    subject: str = "",
    since: str = "",
    until: str = "",
) -> Page[AuditRecordOut]:
    """List an organisation's records in order; ``next`` goes into ``after`` for more.

    ``since`` (included) and ``until`` (not) are ISO 8601 times with their zone.
    """
    where = AuditFilter(
        action=action,
        actor=actor,
        outcome=outcome,
        subject=subject,
        since=_moment(since, "since"),
        until=_moment(until, "until"),
    )
    return await _page(services, caller, org or only_org(caller), after, limit, where)


@get("/orgs/{org_id:str}/audit", tags=["audit"])
async def list_records_of_org(
    services: Services,
    caller: Caller,
    org_id: str,
    after: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = _PAGE,
) -> Page[AuditRecordOut]:
    """List an organisation's records in order; ``next`` goes into ``after`` for more."""
    return await _page(services, caller, org_id, after, limit, ALL_RECORDS)


async def _page(
    services: Any, caller: Any, org_id: str, after: int, limit: int, where: AuditFilter
) -> Page[AuditRecordOut]:
    found = services.audit.of_org(caller, org_id, after=after, limit=limit, where=where)
    records: list[AuditRecord] = [record async for record in found]
    following = records[-1].sequence if len(records) == limit else None
    return Page(items=[AuditRecordOut.of(record) for record in records], next=following)


@get("/audit/export", tags=["audit"])
async def export_records(
    services: Services,
    caller: Caller,
    org: str = "",
    format_: Annotated[Literal["jsonl", "csv"], QueryParameter(name="format")] = "jsonl",
) -> Stream:
    """Stream an organisation's records, oldest first, as JSON lines or CSV."""
    org_id = org or only_org(caller)
    await services.audit.require_reader(caller, org_id)
    records = services.audit.of_org(caller, org_id)
    if format_ == "csv":
        return Stream(_csv_lines(records), media_type="text/csv; charset=utf-8")
    return Stream(_json_lines(records), media_type="application/x-ndjson")


async def _json_lines(records: AsyncIterator[AuditRecord]) -> AsyncIterator[bytes]:
    async for record in records:
        yield msgspec.json.encode(AuditRecordOut.of(record)) + b"\n"


async def _csv_lines(records: AsyncIterator[AuditRecord]) -> AsyncIterator[bytes]:
    """Yield a heading and a line for each record; details are JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(column.encode_name for column in _COLUMNS)
    async for record in records:
        out = AuditRecordOut.of(record)
        writer.writerow(_cell(getattr(out, column.name)) for column in _COLUMNS)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: Any) -> str:
    """Return a cell's text; one that a spreadsheet would take for a formula gets a quote."""
    if isinstance(value, dict):
        return msgspec.json.encode(value, order="deterministic").decode()
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


@get("/audit/verify", tags=["audit"])
async def verify_records(services: Services, caller: Caller, org: str = "") -> ChainVerdictOut:
    """Walk the whole chain; say which record was changed, removed or moved, if any."""
    await services.audit.require_reader(caller, org or only_org(caller))
    return ChainVerdictOut.of(await services.audit.verify())


ROUTES = (list_records, list_records_of_org, export_records, verify_records)
