"""The journal of a SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import Final

from valetkey.db.errors import REFUSED_BY_DRIVER, unavailable, unstorable
from valetkey.db.files import HeldFile
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
from valetkey.db.write_turns import WriteTurns
from valetkey.domain.audit import GENESIS, Entry, stamp
from valetkey.domain.batches import batched
from valetkey.domain.lease import LeaseRecord

#: A statement may be prepared for each number of rows up to this, and is kept.
_MOST_ROWS: Final = 128


class SqliteJournal:
    """Commits in a thread of its own, so that a slow disk does not hold the event loop."""

    def __init__(
        self, file: HeldFile, busy_seconds: float, turns: WriteTurns | None = None
    ) -> None:
        """``turns`` are those that all who write to the file in this process share."""
        self._file = _File(file, busy_seconds, turns or WriteTurns())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._head: Head | None = None

    async def record(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> int:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._append, entries, leases)
        return 0  # this process makes all changes, and has heard of them

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown()

    def _append(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> None:
        head, self._head = self._head, None
        if head is not None and 0 < len(entries) <= _MOST_ROWS:
            rows = linked(entries, head, _written)
            if self._file.follow(rows, leases):
                self._head = head_of(rows)
                return
        self._head = self._file.append(entries, leases)


class _File:
    """A connection, made when it is first needed and again when it was lost."""

    def __init__(self, file: HeldFile, busy_seconds: float, turns: WriteTurns) -> None:
        self._file = file
        self._busy_seconds = busy_seconds
        self._turns = turns
        self._connection: sqlite3.Connection | None = None

    def follow(self, rows: Sequence[Row], leases: Sequence[LeaseRecord]) -> bool:
        """Append rows in one statement, with the leases that they name; tell whether it was done.
        It is not if they don't follow the newest record."""
        with self._writing() as connection:
            try:
                if leases:
                    connection.execute("BEGIN IMMEDIATE")
                _insert(connection, rows)
                if leases:
                    _insert_leases(connection, leases)
                    connection.execute("COMMIT")
            except sqlite3.IntegrityError:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                return False
        return True

    def append(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> Head:
        """Append entries and leases in one transaction; return the new head."""
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            head = connection.execute(HEAD).fetchone() or (0, GENESIS)
            rows = linked(entries, head, _written)
            _insert(connection, rows)
            _insert_leases(connection, leases)
            connection.execute("COMMIT")
        return head_of(rows) if rows else head

    def close(self) -> None:
        """Close, which undoes what was not committed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, before all others who write, and raise our errors for SQLite's;
        whatever went wrong, nothing of it stays."""
        try:
            connection = self._connected()
            with self._turns.taken(self._busy_seconds, record=True):
                yield connection
        except (sqlite3.IntegrityError, sqlite3.DataError, *REFUSED_BY_DRIVER):
            self.close()
            raise unstorable() from None
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


def _insertion(verb: str, table: str, columns: tuple[str, ...], rows: int = 1) -> str:
    row = f"({','.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({','.join(columns)}) VALUES {','.join([row] * rows)}"


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert rows, as many in a statement as it takes: each statement costs a turn at the
    interpreter's lock."""
    for some in batched(rows, _MOST_ROWS):
        add = _insertion("INSERT", "audit_records", RECORD_COLUMNS, len(some))
        connection.execute(add, list(chain.from_iterable(some)))


_ADD_LEASE: Final = {
    name: _insertion("INSERT OR IGNORE", name, tuple(table.columns.keys()))
    for name, table in LEASE_TABLES.items()
}


def _insert_leases(connection: sqlite3.Connection, leases: Sequence[LeaseRecord]) -> None:
    for lease in leases:
        connection.execute(_ADD_LEASE[lease_table(lease)], _lease_row(lease))


def _lease_row(lease: LeaseRecord) -> Row:
    return tuple(
        _moment(stamp(value)) if isinstance(value, datetime) else value
        for value in lease_values(lease)
    )


def _written(entry: Entry) -> str:
    return _moment(entry.stamp)


def _moment(stamp: str) -> str:
    """Return a moment as SQLAlchemy stores it in SQLite."""
    return f"{stamp[:10]} {stamp[11:26]}"
