"""The audit trail in the browser: newest first, filtered, drawn, exported, and its chain walked."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Stream

from valetkey.console.chart import ChartMaker
from valetkey.console.dependencies import Reader, Services
from valetkey.console.http import HttpRequest
from valetkey.console.menus import end_of_day, start_of_day
from valetkey.console.tokens import location_names
from valetkey.domain.audit import AuditEvent, AuditFilter, AuditRecord
from valetkey.domain.errors import InvalidInput

HERE: Final = "/audit"
SHOWN: Final = 100
#: How far back the page looks; the export has everything.
RECENT: Final = 20_000
_COLUMNS: Final = (
    "sequence",
    "at",
    "actor",
    "action",
    "outcome",
    "subject",
    "reason",
    "source",
    "request_id",
    "details",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; what is empty does not narrow. Texts match anywhere, in any case.
    ``since`` and ``until`` are days (UTC), both included."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """Read it from an address."""
        return cls(**{name: query.get(name, "")[:200].strip() for name in cls.__slots__})

    def matches(self, event: AuditEvent) -> bool:
        """Tell whether an event is looked for."""
        found = f"{event.subject} {event.details.get('name', '')}"
        return (
            self.actor.lower() in event.actor.lower()
            and self.action.lower() in event.action.lower()
            and self.subject.lower() in found.lower()
            and self.outcome in {"", event.outcome}
        )

    @property
    def when(self) -> AuditFilter:
        """The time that is meant, as the storage finds it. Raises InvalidInput."""
        return AuditFilter(
            since=start_of_day(self.since, "since"), until=end_of_day(self.until, "until")
        )

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters that stand for it."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


@get("/audit")
async def show_audit(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Show the newest records that fit, and the chart of all that fit."""
    await services.audit.require_reader(reader.caller, reader.org.id)
    wanted, problem = Filter.of(request.query_params), None
    newest: deque[AuditRecord] = deque(maxlen=SHOWN)
    now = services.clock.now()
    looked, found = 0, 0
    try:
        maker = ChartMaker(min(now, wanted.when.until or now))
        async for record in _records(services, reader, wanted):
            looked += 1
            if wanted.matches(record.event):
                newest.append(record)
                maker.add(record.event)
                found += 1
    except InvalidInput as error:
        problem, maker = error, ChartMaker(now)
    names = await location_names(services, reader)
    return reader.page(
        "audit/trail.html",
        here=HERE,
        wanted=wanted,
        problem=problem,
        records=[(record, about(record.event, names)) for record in reversed(newest)],
        found=found,
        most=RECENT if looked >= RECENT else 0,
        chart=maker.chart(),
    )


def _records(services: Services, reader: Reader, wanted: Filter) -> AsyncIterator[AuditRecord]:
    """Iterate over a bounded number of records: the first of a time that is named, otherwise the
    newest."""
    if not (wanted.since or wanted.until):
        return services.audit.recent(reader.caller, reader.org.id, among=RECENT)
    return services.audit.of_org(reader.caller, reader.org.id, where=wanted.when, limit=RECENT)


@dataclass(frozen=True, slots=True)
class RecordSubject:
    """What a record is about, in people's words: a name, and of what was vended the folders and
    the access."""

    name: str
    folders: tuple[str, ...] = ()
    access: str = ""


def about(event: AuditEvent, names: Mapping[str, str]) -> RecordSubject:
    """Return what a record is about; ``names`` are those of locations that are there, by id."""
    details = event.details
    kind, _, subject_id = event.subject.partition(":")
    known = names.get(subject_id, "") if kind == "location" else ""
    folders, access = details.get("prefixes", ()), details.get("access", ())
    return RecordSubject(
        str(details.get("name", "")) or known,
        tuple(map(str, folders)) if isinstance(folders, list) else (),
        ", ".join(map(str, access)) if isinstance(access, list) else "",
    )


@post("/audit/verify", status_code=200)
async def verify_chain(services: Services, reader: Reader) -> Response[str]:
    """Walk the whole chain."""
    await services.audit.require_reader(reader.caller, reader.org.id)
    return reader.part("audit/verdict.html", verdict=await services.audit.verify())


@get("/audit/export")
async def export(request: HttpRequest, services: Services, reader: Reader) -> Stream:
    """Download every record that fits, oldest first, as CSV or JSON lines."""
    await services.audit.require_reader(reader.caller, reader.org.id)
    wanted = Filter.of(request.query_params)
    wanted.when  # noqa: B018  # before the answer has begun: raises for what is no day
    form = "csv" if request.query_params.get("format") == "csv" else "jsonl"
    kind = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}[form]
    return Stream(
        _lines(services, reader, wanted, as_csv=form == "csv"),
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="valetkey-audit.{form}"'},
    )


async def _lines(
    services: Services, reader: Reader, wanted: Filter, *, as_csv: bool
) -> AsyncIterator[str]:
    if as_csv:
        yield _csv(_COLUMNS)
    async for record in services.audit.of_org(reader.caller, reader.org.id, where=wanted.when):
        if wanted.matches(record.event):
            values = _values(record)
            yield _csv(values.values()) if as_csv else json.dumps(values) + "\n"


def _values(record: AuditRecord) -> dict[str, Any]:
    event = record.event
    plain = {name: getattr(event, name) for name in _COLUMNS[2:-1]}
    at = event.at.astimezone(UTC).isoformat()
    return {"sequence": record.sequence, "at": at} | plain | {"details": dict(event.details)}


def _csv(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])
    return line.getvalue()


def _cell(value: Any) -> str:
    text = json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)
    # A spreadsheet takes these for the start of a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


ROUTES = (show_audit, verify_chain, export)
