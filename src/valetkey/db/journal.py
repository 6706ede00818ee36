"""The quick way into the audit trail: one connection that does nothing else.

What the services' transactions append through SQLAlchemy, a journal appends in a transaction of
its own, many records at a time: it is what stands between a request and its credential. Both take
the same lock and link to the same head, so the chain never forks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
from sqlalchemy.engine import URL

from valetkey.db.errors import unavailable
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.db.repositories.vending import lease_row
from valetkey.db.tables.audit import audit_records
from valetkey.db.tables.vending import leases as leases_table
from valetkey.domain.audit import GENESIS, Entry
from valetkey.domain.lease import Lease

_HEAD: Final = "SELECT sequence, hash FROM audit_records ORDER BY sequence DESC LIMIT 1"
_AUDIT_COLUMNS: Final = tuple(audit_records.columns.keys())
_LEASE_COLUMNS: Final = tuple(leases_table.columns.keys())

Row = tuple[Any, ...]


class Journal(Protocol):
    """Appends records, and the leases that they name, in one durable transaction."""

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        """Raises StorageUnavailable; nothing of it is stored then. A lease that is stored already
        is let be."""
        ...

    async def close(self) -> None: ...


def journal_for(url: URL, *, busy_seconds: float) -> Journal:
    """Return the journal of a database. Nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        return SqliteJournal(url.database or "", busy_seconds)
    return PostgresJournal(url.set(drivername="postgresql").render_as_string(hide_password=False))


def _linked(
    entries: Iterable[Entry],
    head: tuple[int, str],
    moment: Callable[[datetime], Any] = lambda at: at,
) -> Iterable[Row]:
    """Yield the rows of entries that follow the record with the head's sequence and hash."""
    sequence, previous = head
    for entry in entries:
        sequence += 1
        digest = hashlib.sha256(previous.encode() + b"\n" + entry.canonical()).hexdigest()
        yield (
            sequence,
            entry.id,
            moment(entry.at),
            entry.org_id,
            entry.actor,
            entry.action,
            entry.outcome,
            entry.subject,
            entry.reason,
            entry.request_id,
            entry.source,
            entry.details_text,
            previous,
            digest,
        )
        previous = digest


class SqliteJournal:
    """A connection in a thread of its own; the event loop serves others while it syncs."""

    def __init__(self, path: str, busy_seconds: float) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._connection: sqlite3.Connection | None = None
        audit_marks = ",".join("?" * len(_AUDIT_COLUMNS))
        lease_marks = ",".join("?" * len(_LEASE_COLUMNS))
        self._add_records = (
            f"INSERT INTO audit_records ({','.join(_AUDIT_COLUMNS)}) VALUES ({audit_marks})"  # noqa: S608  # our own names
        )
        self._add_leases = (
            f"INSERT OR IGNORE INTO leases ({','.join(_LEASE_COLUMNS)}) VALUES ({lease_marks})"  # noqa: S608
        )

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._record, entries, leases)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            head = connection.execute(_HEAD).fetchone() or (0, GENESIS)
            if leases:
                connection.executemany(self._add_leases, [_sqlite_lease(each) for each in leases])
            connection.executemany(self._add_records, _linked(entries, head, _sqlite_moment))
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise unavailable(error) from None
        except BaseException:
            self._disconnect()
            raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            # "rw": a file that is gone is an error, not a reason to begin an empty one.
            self._connection = sqlite3.connect(
                f"{Path(self._path).absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
            )
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                self._connection.execute(f"PRAGMA {pragma}")
        return self._connection

    def _disconnect(self) -> None:
        """Close, which undoes what was not committed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresJournal:
    """A connection of its own, made when it is first needed and again when it was lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None
        self._lock = asyncio.Lock()
        marks = ",".join(f"${number}" for number in range(1, len(_LEASE_COLUMNS) + 1))
        self._add_leases = (
            f"INSERT INTO leases ({','.join(_LEASE_COLUMNS)}) VALUES ({marks}) "  # noqa: S608  # our own names
            "ON CONFLICT DO NOTHING"
        )

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        async with self._lock:
            try:
                await self._record(await self._connected(), entries, leases)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._disconnect()
                raise unavailable(error) from None
            except BaseException:
                self._disconnect()
                raise

    async def close(self) -> None:
        self._disconnect()

    async def _record(
        self, connection: Any, entries: Sequence[Entry], leases: Sequence[Lease]
    ) -> None:
        # The lock comes first: a head that is read after it is the newest one.
        await connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({AUDIT_LOCK})")
        head = await connection.fetchrow(_HEAD) or (0, GENESIS)
        if leases:
            await connection.executemany(self._add_leases, [_lease_values(each) for each in leases])
        await connection.copy_records_to_table(
            "audit_records", columns=_AUDIT_COLUMNS, records=_linked(entries, head)
        )
        await connection.execute("COMMIT")

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
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
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _lease_values(lease: Lease) -> Row:
    row = lease_row(lease) | {"prefixes": json.dumps(list(lease.prefixes))}
    return tuple(row[name] for name in _LEASE_COLUMNS)


def _sqlite_lease(lease: Lease) -> Row:
    values = _lease_values(lease)
    return tuple(_sqlite_moment(v) if isinstance(v, datetime) else v for v in values)


def _sqlite_moment(moment: datetime) -> str:
    """Return a moment as SQLAlchemy stores it in SQLite."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
