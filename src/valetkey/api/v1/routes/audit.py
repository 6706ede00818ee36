"""The audit trail: list, export, check."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, LinesResponse, route
from valetkey.api.v1.orgs import which_org
from valetkey.api.v1.pages import cursor, page_of, read_cursor
from valetkey.domain import audit as domain
from valetkey.wire import audit as wire
from valetkey.wire.base import Nothing, Page

#: What a spreadsheet takes for the start of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: Final = msgspec.structs.fields(wire.AuditRecord)


shape: Final = ShapeMapper(
    wire.AuditRecord,
    domain.AuditRecord,
    within="event.",
    named={"sequence": "sequence", "previous": "previous", "hash": "hash"},
)
_verdict: Final = ShapeMapper(wire.ChainVerdict, domain.ChainVerdict)


async def list_audit_records(call: ApiCall[wire.AuditQuery, Nothing]) -> Page[wire.AuditRecord]:
    query = call.query
    where = domain.AuditFilter(
        action=query.action or "",
        actor=query.actor or "",
        outcome=query.outcome or "",
        subject=query.subject or "",
        since=query.since,
        until=query.until,
    )
    after = read_cursor(query.cursor, tuple[int])
    found = call.services.audit.of_org(
        call.caller,
        which_org(call.caller, query.org_id),
        after=after[0] if after else 0,
        limit=query.limit + 1,
        where=where,
        newest_first=query.order == "newestFirst",
    )
    records = [record async for record in found]
    shown = records[: query.limit]
    following = cursor(shown[-1].sequence) if len(records) > query.limit else None
    return page_of(shown, shape, following)


async def export_audit_records(call: ApiCall[wire.ExportQuery, Nothing]) -> LinesResponse:
    org_id = which_org(call.caller, call.query.org_id)
    await call.services.audit.require_reader(call.caller, org_id)
    records = call.services.audit.of_org(call.caller, org_id)
    if call.query.format == "csv":
        return LinesResponse(_csv_lines(records), "text/csv; charset=utf-8")
    return LinesResponse(_json_lines(records))


async def _json_lines(records: AsyncIterator[domain.AuditRecord]) -> AsyncIterator[bytes]:
    async for record in records:
        yield msgspec.json.encode(shape(record)) + b"\n"


async def _csv_lines(records: AsyncIterator[domain.AuditRecord]) -> AsyncIterator[bytes]:
    """Yield a heading and a line for each record; details are JSON."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(column.encode_name for column in _COLUMNS)
    async for record in records:
        shown = shape(record)
        writer.writerow(_cell(getattr(shown, column.name)) for column in _COLUMNS)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: Any) -> str:
    """Return a cell's text; one that a spreadsheet would take for a formula gets a quote."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return msgspec.json.encode(value, order="deterministic").decode()
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
    return f"'{text}" if text.startswith(_FORMULA) else text


async def check_audit(call: ApiCall[wire.AuditOrgQuery, Nothing]) -> wire.ChainVerdict:
    await call.services.audit.require_reader(call.caller, which_org(call.caller, call.query.org_id))
    return _verdict(await call.services.audit.verify())


ROUTES: Final = (
    route(wire.LIST_AUDIT_RECORDS, list_audit_records),
    route(wire.EXPORT_AUDIT_RECORDS, None, lines=export_audit_records),
    route(wire.CHECK_AUDIT, check_audit),
)
