"""The journal of a PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from valetkey.db.errors import unavailable
from valetkey.db.journal.rows import (
    HEAD,
    LEASE_COLUMNS,
    RECORD_COLUMNS,
    Head,
    Row,
    head_of,
    lease_values,
    linked,
)
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.domain.audit import GENESIS, Entry
from valetkey.domain.lease import Lease

_ARRAYS: Final = {"sequence": "bigint[]", "at": "timestamptz[]"}
_COLUMNS: Final = ",".join(RECORD_COLUMNS)
#: Takes the lock before the first row: the rows come out of a join with it.
_FOLLOW: Final = (
    f"WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock({AUDIT_LOCK})) "  # noqa: S608  # our own names
    f"INSERT INTO audit_records ({_COLUMNS}) SELECT {','.join(f'r.{c}' for c in RECORD_COLUMNS)} "
    "FROM lock CROSS JOIN unnest("
    + ",".join(f"${n}::{_ARRAYS.get(c, 'text[]')}" for n, c in enumerate(RECORD_COLUMNS, 1))
    + f") AS r({_COLUMNS})"
)
_ADD_LEASE: Final = (
    f"INSERT INTO leases ({','.join(LEASE_COLUMNS)}) "  # noqa: S608  # our own names
    f"VALUES ({','.join(f'${number}' for number in range(1, len(LEASE_COLUMNS) + 1))}) "
    "ON CONFLICT DO NOTHING"
)


class PostgresJournal:
    """A connection of its own, made when it is first needed and again when it was lost.

    A batch is one statement, and so one round trip.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None
        self._lock = asyncio.Lock()
        self._head: Head | None = None

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        async with self._lock:
            try:
                self._head = await self._appended(await self._connected(), entries, leases)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._disconnect()
                raise unavailable(error) from None
            except BaseException:
                self._disconnect()
                raise

    async def close(self) -> None:
        self._disconnect()

    async def _appended(
        self, connection: Any, entries: Sequence[Entry], leases: Sequence[Lease]
    ) -> Head:
        if self._head is not None and entries and not leases:
            rows = linked(entries, self._head)
            if await _follow(connection, rows):
                return head_of(rows)
        return await _append(connection, entries, leases)

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._head = None
            self._connection = await asyncpg.connect(
                self._dsn,
                timeout=5.0,
                command_timeout=10.0,
                server_settings={
                    "application_name": "valetkey audit",
                    # Whatever the server's default: a commit is durable before we go on.
                    "synchronous_commit": "on",
                },
            )
        return self._connection

    def _disconnect(self) -> None:
        """Close, which undoes what was not committed."""
        self._head = None
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def _follow(connection: Any, rows: Sequence[Row]) -> bool:
    """Append rows in one statement; tell whether they still followed the newest record."""
    try:
        await connection.execute(_FOLLOW, *zip(*rows, strict=True))
    except asyncpg.UniqueViolationError:
        return False
    return True


async def _append(connection: Any, entries: Sequence[Entry], leases: Sequence[Lease]) -> Head:
    """Append entries and leases in one transaction; return the new head."""
    # The lock comes first: a head that is read after it is the newest one.
    await connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({AUDIT_LOCK})")
    head = await connection.fetchrow(HEAD) or (0, GENESIS)
    if leases:
        await connection.executemany(_ADD_LEASE, [lease_values(each) for each in leases])
    rows = linked(entries, tuple(head))
    await connection.copy_records_to_table("audit_records", columns=RECORD_COLUMNS, records=rows)
    await connection.execute("COMMIT")
    return head_of(rows) if rows else tuple(head)
