"""The quick way into the audit trail: one connection that does nothing else.

What the services' transactions append through SQLAlchemy, a journal appends in a transaction of
its own, many records at a time: it is what stands between a request and its credential. Both take
the same lock and link to the same head, so the chain never forks.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
from sqlalchemy.engine import URL

from valetkey.db.errors import unavailable
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.db.repositories.vending import lease_row
from valetkey.db.tables.audit import audit_records
from valetkey.db.tables.vending import leases as leases_table
from valetkey.domain.audit import GENESIS, Entry, chain_hash, stamp
from valetkey.domain.lease import Lease

_HEAD: Final = "SELECT sequence, hash FROM audit_records ORDER BY sequence DESC LIMIT 1"
_AUDIT_COLUMNS: Final = tuple(audit_records.columns.keys())
_LEASE_COLUMNS: Final = tuple(leases_table.columns.keys())

#: A statement may be prepared for each number of rows up to this, and is kept.
_MOST_ROWS: Final = 128

Row = tuple[Any, ...]
#: The newest record's number and hash.
Head = tuple[int, str]


class Journal(Protocol):
    """Appends records, and the leases that they name, in one durable transaction."""

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        """Raises StorageUnavailable; nothing of it is stored then. A lease that is stored already
        is let be."""
        ...

    async def close(self) -> None: ...


@lru_cache(maxsize=1024)
def _insertion(verb: str, table: str, columns: tuple[str, ...], rows: int = 1) -> str:
    """Return a statement that inserts so many rows."""
    row = f"({','.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({','.join(columns)}) VALUES {','.join([row] * rows)}"


_ADD_RECORD: Final = _insertion("INSERT", "audit_records", _AUDIT_COLUMNS)
_ADD_LEASE: Final = _insertion("INSERT OR IGNORE", "leases", _LEASE_COLUMNS)


def journal_for(url: URL, *, busy_seconds: float) -> Journal:
    """Return the journal of a database. Nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        return SqliteJournal(url.database or "", busy_seconds)
    return PostgresJournal(url.set(drivername="postgresql").render_as_string(hide_password=False))


def _linked(
    entries: Iterable[Entry],
    head: Head,
    moment: Callable[[datetime], Any] = lambda at: at,
) -> list[Row]:
    """Return the rows of entries that follow the head."""
    sequence, previous = head
    rows = []
    for entry in entries:
        sequence += 1
        digest = chain_hash(previous, entry)
        cells = entry.cells()
        rows.append((sequence, cells[0], moment(cells[1]), *cells[2:], previous, digest))
        previous = digest
    return rows


class SqliteJournal:
    """A connection in a thread of its own; the event loop serves others while it syncs.

    Threads take turns at the interpreter's lock, and each turn costs more than a row. So a batch
    is one statement, which is a transaction by itself: its rows follow the head as this journal
    left it. If somebody else has appended since, the first row's number is taken, the statement
    fails as a whole, and the batch is linked anew inside a transaction.
    """

    def __init__(self, path: str, busy_seconds: float) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._connection: sqlite3.Connection | None = None
        self._head: Head | None = None

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self._head is not None and not leases and len(entries) <= _MOST_ROWS:
                rows = _linked(entries, self._head, _sqlite_moment)
                if await loop.run_in_executor(self._thread, self._append, rows):
                    self._head = (rows[-1][0], rows[-1][-1])
                    return
            self._head = await loop.run_in_executor(self._thread, self._record, entries, leases)
        except BaseException:
            self._head = None
            raise

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _append(self, rows: Sequence[Row]) -> bool:
        """Append rows in one statement; tell whether they still followed the newest record."""
        statement = _insertion("INSERT", "audit_records", _AUDIT_COLUMNS, len(rows))
        with self._translated():
            try:
                self._connected().execute(statement, list(chain.from_iterable(rows)))
            except sqlite3.IntegrityError:
                return False
        return True

    def _record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> Head:
        """Append entries and leases in one transaction; return the new head."""
        with self._translated():
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            head = connection.execute(_HEAD).fetchone() or (0, GENESIS)
            rows = _linked(entries, head, _sqlite_moment)
            connection.executemany(_ADD_RECORD, rows)
            connection.executemany(_ADD_LEASE, map(_sqlite_lease, leases))
            connection.execute("COMMIT")
        return (rows[-1][0], rows[-1][-1]) if rows else head

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise our errors for SQLite's; whatever went wrong, nothing of it stays."""
        try:
            yield
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
                cached_statements=_MOST_ROWS + 8,
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
    text = stamp(moment)
    return f"{text[:10]} {text[11:26]}"
