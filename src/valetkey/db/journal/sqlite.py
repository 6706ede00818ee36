"""The journal of a SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Final

from valetkey.db.errors import unavailable
from valetkey.db.files import HeldFile
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
from valetkey.domain.audit import GENESIS, Entry, stamp
from valetkey.domain.lease import Lease

#: A statement may be prepared for each number of rows up to this, and is kept.
_MOST_ROWS: Final = 128
#: A commit may hold the event loop for so long; if recent ones took longer, so many batches go
#: through the thread before the disk is tried again.
_LONGEST_HOLD_SECONDS: Final = 0.005
_DETOURS: Final = 256
#: How much the last commit tells of the next one.
_WEIGHT: Final = 1 / 8
#: The part of SQLite's error codes that says what kind it is.
_PRIMARY: Final = 0xFF


class SqliteJournal:
    """Commits on the event loop while that is quick, and otherwise in a thread.

    A commit takes a fraction of a millisecond on a quick disk. To hand it to a thread costs more
    than that: both threads take several turns at the interpreter's lock, against those of the
    server. What would hold the loop goes to the thread: a file that another writer has locked,
    a batch that must be linked anew, and all of them while the disk is slow.
    """

    def __init__(self, path: str, busy_seconds: float) -> None:
        file = HeldFile(Path(path))
        self._quick = _File(file, 0.0)
        self._patient = _File(file, busy_seconds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._head: Head | None = None
        self._pace_seconds = 0.0
        self._detours = 0

    async def record(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> None:
        try:
            self._head = await self._appended(entries, leases)
        except BaseException:
            self._head = None
            raise

    async def close(self) -> None:
        self._quick.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._patient.close)
        self._thread.shutdown()

    async def _appended(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> Head:
        loop = asyncio.get_running_loop()
        if self._head is not None and 0 < len(entries) <= _MOST_ROWS:
            rows = linked(entries, self._head, _written)
            if self._detours == 0:
                done = self._hold(rows, leases)
            else:
                self._detours -= 1
                done = await loop.run_in_executor(self._thread, self._patient.follow, rows, leases)
            if done:
                return head_of(rows)
        return await loop.run_in_executor(self._thread, self._patient.append, entries, leases)

    def _hold(self, rows: Sequence[Row], leases: Sequence[Lease]) -> bool:
        """Commit on the event loop; see how long that held it."""
        begun = perf_counter()
        done = self._quick.follow(rows, leases)
        self._pace_seconds += (perf_counter() - begun - self._pace_seconds) * _WEIGHT
        if self._pace_seconds > _LONGEST_HOLD_SECONDS:
            self._pace_seconds, self._detours = 0.0, _DETOURS
        return done


class _File:
    """A connection, made when it is first needed and again when it was lost."""

    def __init__(self, file: HeldFile, busy_seconds: float) -> None:
        self._file = file
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None

    def follow(self, rows: Sequence[Row], leases: Sequence[Lease]) -> bool:
        """Append rows in one statement, with the leases that they name; tell whether it was done.
        It is not if they don't follow the newest record, or if somebody else has the lock."""
        with self._translated():
            connection = self._connected()
            try:
                if leases:
                    connection.execute("BEGIN IMMEDIATE")
                _insert(connection, rows)
                if leases:
                    connection.executemany(_ADD_LEASE, map(_lease_row, leases))
                    connection.execute("COMMIT")
            except sqlite3.Error as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if not _is_overtaken(error):
                    raise
                return False
        return True

    def append(self, entries: Sequence[Entry], leases: Sequence[Lease]) -> Head:
        """Append entries and leases in one transaction; return the new head."""
        with self._translated():
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            head = connection.execute(HEAD).fetchone() or (0, GENESIS)
            rows = linked(entries, head, _written)
            _insert(connection, rows)
            connection.executemany(_ADD_LEASE, map(_lease_row, leases))
            connection.execute("COMMIT")
        return head_of(rows) if rows else head

    def close(self) -> None:
        """Close, which undoes what was not committed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise our errors for SQLite's; whatever went wrong, nothing of it stays."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise unavailable(error) from None
        except BaseException:
            self.close()
            raise

    def _connected(self) -> sqlite3.Connection:
        self._file.check()
        if self._connection is None:
            # "rw": a file that is gone is an error, not a reason to begin an empty one.
            self._connection = sqlite3.connect(
                f"{self._file.path.as_uri()}?mode=rw",
                uri=True,
                timeout=self._busy_seconds,
                isolation_level=None,
                cached_statements=_MOST_ROWS + 8,
            )
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
                self._connection.execute(f"PRAGMA {pragma}")
        return self._connection


def _is_overtaken(error: sqlite3.Error) -> bool:
    """Tell whether somebody else was there first: has the number, or is writing now."""
    if isinstance(error, sqlite3.IntegrityError):
        return True
    return error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY


def _insertion(verb: str, table: str, columns: tuple[str, ...], rows: int = 1) -> str:
    row = f"({','.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({','.join(columns)}) VALUES {','.join([row] * rows)}"


@lru_cache(maxsize=_MOST_ROWS)
def _add_records(rows: int) -> str:
    """Return a statement that inserts so many rows."""
    return _insertion("INSERT", "audit_records", RECORD_COLUMNS, rows)


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert rows, as many in a statement as it takes: each statement costs a turn at the
    interpreter's lock."""
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        connection.execute(_add_records(len(some)), list(chain.from_iterable(some)))


_ADD_LEASE: Final = _insertion("INSERT OR IGNORE", "leases", LEASE_COLUMNS)


def _lease_row(lease: Lease) -> Row:
    return tuple(
        _moment(stamp(value)) if isinstance(value, datetime) else value
        for value in lease_values(lease)
    )


def _written(entry: Entry) -> str:
    return _moment(entry.stamp)


@lru_cache(maxsize=8)
def _moment(stamp: str) -> str:
    """Return a moment as SQLAlchemy stores it in SQLite. Those of a batch are the same."""
    return f"{stamp[:10]} {stamp[11:26]}"
