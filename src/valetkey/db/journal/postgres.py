"""The journal of a PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from time import monotonic
from typing import Any, Final

import asyncpg

from valetkey.db.changes import NEWEST
from valetkey.db.errors import REFUSED_BY_DRIVER, unavailable, unstorable
from valetkey.db.journal.linking import link_there, prepare_linking
from valetkey.db.journal.rows import (
    HEAD,
    LEASE_TABLES,
    RECORD_COLUMNS,
    Head,
    Row,
    head_of,
    lease_table,
    lease_values,
    linked,
)
from valetkey.db.limits import Limits
from valetkey.db.postgres import AUDIT, GONE, connect
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.domain.audit import GENESIS, Entry
from valetkey.domain.lease import LeaseRecord

#: A statement may be prepared for each number of rows up to this, and is kept.
_MOST_ROWS: Final = 64
#: Whoever found the head as it had left it so often in a row is taken to be alone.
_ALONE: Final = 16
#: What is wrong with a record, not with the database.
_REFUSED: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    ValueError,  # asyncpg's for what it can't encode
    *REFUSED_BY_DRIVER,
)
_NOT_TEXT: Final = {"sequence": "bigint", "at": "timestamptz"}
_TYPES: Final = tuple(_NOT_TEXT.get(column, "text") for column in RECORD_COLUMNS)
_ADD_LEASE: Final = {
    name: f"INSERT INTO {name} ({','.join(table.columns.keys())}) "  # noqa: S608  # our own names
    f"VALUES ({','.join(f'${number}' for number in range(1, len(table.columns) + 1))}) "
    "ON CONFLICT DO NOTHING"
    for name, table in LEASE_TABLES.items()
}


class PostgresJournal:
    """A connection of its own, made when it is first needed and again when it was lost.

    A batch is one statement, and so one round trip: where others write too, no lock is held while
    this process is busy with something else. Alone, the hashes are made here, from the head that
    the last batch left; beside others they are made there (``linking``), as whoever had made them
    here would find another head, time and again.
    """

    def __init__(self, dsn: str, limits: Limits) -> None:
        self._dsn = dsn
        self._limits = limits
        self._used_at = 0.0
        self._connection: Any = None
        self._lock = asyncio.Lock()
        self._head: Head | None = None
        #: How many batches in a row found the head as the one before had left it.
        self._undisturbed = 0
        self._links_there = False

    async def record(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> int:
        async with self._lock:
            try:
                connection = await self._connected()
                self._head, newest = await self._appended(connection, entries, leases)
                self._used_at = monotonic()
            except _REFUSED:
                self._disconnect()
                raise unstorable() from None
            except (*GONE, asyncpg.PostgresError) as error:
                self._disconnect()
                raise unavailable(error) from None
            except BaseException:
                self._disconnect()
                raise
            return newest

    async def close(self) -> None:
        self._disconnect()

    async def _appended(
        self, connection: Any, entries: Sequence[Entry], leases: Sequence[LeaseRecord]
    ) -> tuple[Head, int]:
        if not entries:
            return await _append(connection, entries, leases)
        is_alone = self._undisturbed >= _ALONE or not self._links_there
        is_short = not leases and len(entries) <= _MOST_ROWS
        if self._head is not None and is_alone and is_short:
            rows = linked(entries, self._head)
            newest = await _follow(connection, rows)
            if newest is not None:
                return head_of(rows), newest
            self._undisturbed = 0
        if not self._links_there:
            return await _append(connection, entries, leases)
        head, newest = await link_there(connection, entries, leases)
        found = head[0] - len(entries)
        unchanged = self._head is not None and found == self._head[0]
        self._undisturbed = self._undisturbed + 1 if unchanged else 0
        return head, newest

    async def _connected(self) -> Any:
        await self._drop_if_dead()
        if self._connection is None:
            self._connection = await connect(
                self._dsn,
                self._limits,
                AUDIT,
                statements=2 * _MOST_ROWS,
                # Whatever the server's default: a commit is durable before we go on.
                synchronous_commit="on",
            )
            self._links_there = await prepare_linking(self._connection)
        return self._connection

    async def _drop_if_dead(self) -> None:
        """Don't let a batch find out that the connection is gone: its records would be refused."""
        if self._connection is None:
            return
        if not self._connection.is_closed():
            if monotonic() - self._used_at < self._limits.quiet:
                return
            with suppress(*GONE, asyncpg.PostgresError):
                await self._connection.execute("SELECT 1", timeout=self._limits.ping)
                return
        self._disconnect()

    def _disconnect(self) -> None:
        """Close, which undoes what was not committed."""
        self._head = None
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


# 0.15 ms without, for a batch of 32.
@lru_cache(maxsize=_MOST_ROWS)
def _add_records(rows: int) -> str:
    """Return a statement that takes the lock before it inserts so many rows: they come out of a
    join with it."""
    width = len(RECORD_COLUMNS)
    values = ",".join(
        f"({','.join(f'${start + place}::{kind}' for place, kind in enumerate(_TYPES))})"
        for start in range(1, 1 + width * rows, width)
    )
    return (
        f"WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock({AUDIT_LOCK})) "  # noqa: S608  # our own names
        f"INSERT INTO audit_records ({','.join(RECORD_COLUMNS)}) "
        f"SELECT new.* FROM lock CROSS JOIN (VALUES {values}) AS new RETURNING {NEWEST}"
    )


async def _follow(connection: Any, rows: Sequence[Row]) -> int | None:
    """Append rows in one statement; return the newest change's number, or None if they did not
    follow the newest record any more. The number is read when the lock is held: it is a sequence's,
    which no snapshot is taken of."""
    try:
        told = await connection.fetch(_add_records(len(rows)), *chain.from_iterable(rows))
    except asyncpg.UniqueViolationError:
        return None
    newest: int = max(each[0] for each in told)
    return newest


async def _append(
    connection: Any, entries: Sequence[Entry], leases: Sequence[LeaseRecord]
) -> tuple[Head, int]:
    """Append entries and leases in one transaction; return the new head, and the newest change's
    number."""
    # The lock comes first: a head that is read after it is the newest one.
    await connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({AUDIT_LOCK})")
    head = await connection.fetchrow(HEAD) or (0, GENESIS)
    newest = await connection.fetchval(f"SELECT {NEWEST}")  # our own names
    for table, statement in _ADD_LEASE.items():
        if values := [lease_values(each) for each in leases if lease_table(each) == table]:
            await connection.executemany(statement, values)
    rows = linked(entries, tuple(head))
    await connection.copy_records_to_table("audit_records", columns=RECORD_COLUMNS, records=rows)
    await connection.execute("COMMIT")
    return (head_of(rows) if rows else tuple(head)), newest
