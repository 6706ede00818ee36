"""The audit chain: appended under a lock, so that it never forks; read in pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select, text

from valetkey.db.repositories.rows import Repository, from_row
from valetkey.db.tables.audit import audit_records as t
from valetkey.domain.audit import ALL_RECORDS, GENESIS, AuditEvent, AuditFilter, AuditRecord, link

_PAGE: Final = 1000
#: Any number will do, as long as every process uses it: pg_advisory_xact_lock(AUDIT_LOCK).
AUDIT_LOCK: Final = 0x56414C4B


class SqlAuditTrail(Repository):
    """Implements ports.AuditTrail."""

    async def append(self, events: Sequence[AuditEvent]) -> Sequence[AuditRecord]:
        sequence, previous = await self._head()
        records = []
        for event in events:
            sequence += 1
            records.append(link(sequence, previous, event))
            previous = records[-1].hash
        await self._insert_all(t, map(_to_row, records))
        return records

    async def _head(self) -> tuple[int, str]:
        if self._connection.dialect.name == "postgresql":
            # Held until the transaction ends; SQLite's write transaction is such a lock already.
            await self._connection.execute(text(f"SELECT pg_advisory_xact_lock({AUDIT_LOCK})"))
        query = select(t.c.sequence, t.c.hash).order_by(t.c.sequence.desc()).limit(1)
        row = await self._one(query)
        return (row.sequence, row.hash) if row else (0, GENESIS)

    async def read(
        self,
        *,
        after: int = 0,
        limit: int | None = None,
        where: AuditFilter = ALL_RECORDS,
        newest_first: bool = False,
    ) -> AsyncIterator[AuditRecord]:
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left)
            query = select(t).where(*_conditions(where)).limit(page)
            if newest_first:
                query = query.order_by(t.c.sequence.desc())
                query = query.where(t.c.sequence < after) if after else query
            else:
                query = query.order_by(t.c.sequence).where(t.c.sequence > after)
            rows = await self._all(query)
            for row in rows:
                yield _from_row(row)
            if len(rows) < page:
                return
            after = rows[-1].sequence
            left = None if left is None else left - len(rows)

    async def length(self) -> int:
        row = await self._one(select(t.c.sequence).order_by(t.c.sequence.desc()).limit(1))
        return int(row.sequence) if row else 0


def _conditions(where: AuditFilter) -> list[ColumnElement[bool]]:
    names = ("org_id", "action", "actor", "outcome", "subject")
    given = {name: getattr(where, name) for name in names}
    conditions = [t.c[name] == value for name, value in given.items() if value]
    if where.since is not None:
        conditions.append(t.c.at >= where.since)
    if where.until is not None:
        conditions.append(t.c.at < where.until)
    return conditions


def _to_row(record: AuditRecord) -> dict[str, Any]:
    event = record.event
    row = {name: getattr(event, name) for name in AuditEvent.__slots__}
    details = json.dumps(dict(event.details), sort_keys=True, separators=(",", ":"))
    place = {"sequence": record.sequence, "previous": record.previous, "hash": record.hash}
    return row | place | {"details": details}


def _from_row(row: Row[Any]) -> AuditRecord:
    event = from_row(AuditEvent, row, details=json.loads(row.details))
    return AuditRecord(row.sequence, event, row.previous, row.hash)
