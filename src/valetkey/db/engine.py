"""Connections to SQLite and PostgreSQL, so set that a commit is durable.

SQLite: write-ahead log, so that readers and the writer don't wait for each other; ``synchronous``
FULL, so that a commit is an fsync; a transaction takes the write lock when it begins, so that it
can't fail half-way because another one wrote in between.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from valetkey.db.files import HeldFile
from valetkey.db.limits import LIMITS, Limits
from valetkey.db.postgres import make_pool
from valetkey.db.sqlite import BEGIN_WRITING, ThreadedConnection
from valetkey.db.write_turns import WriteTurns
from valetkey.domain.errors import ConfigurationError

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
#: SQLite waits this long for another process's write lock.
BUSY_SECONDS: Final = 5.0
_WAL_RETRY_SECONDS: Final = 0.01
_PRAGMAS: Final = (
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
)


def database_url(text: str) -> URL:
    """Read a database URL: ``sqlite:///path/file.db`` or ``postgresql://user@host/name``.

    Raises ConfigurationError, without repeating a password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    kind = url.get_backend_name().replace("postgres", "postgresql", 1) if url else ""
    kind = "postgresql" if kind.startswith("postgresql") else kind
    if url is None or kind not in _DRIVERS:
        raise ConfigurationError(
            "The database URL is not one of SQLite or PostgreSQL.",
            hint="Use sqlite:///folder/valetkey.db or postgresql://user:password@host/name.",
        )
    return url.set(drivername=_DRIVERS[kind])


def database_file(text: str) -> Path | None:
    """Return the file of a database URL; None for a server, or for memory.

    Raises ConfigurationError.
    """
    url = database_url(text)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How an engine's connections behave: at most ``pool`` of them.

    Without ``references`` SQLite does not act on them: a migration that makes a table anew would
    have others' rows deleted with the old one; so much ``nice``r are SQLite's threads. ``name`` is
    shown in PostgreSQL's list of sessions, and ``settings`` are those of its sessions.
    """

    limits: Limits = LIMITS
    busy_seconds: float = BUSY_SECONDS
    pool: int = 8
    references: bool = True
    name: str = ""
    nice: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)


def make_engine(
    text: str,
    options: EngineOptions | None = None,
    *,
    file: HeldFile | None = None,
    turns: WriteTurns | None = None,
) -> AsyncEngine:
    """Return an engine for a database URL. ``file`` is SQLite's and ``turns`` are those at writing
    to it, if several engines share it. Raises ConfigurationError."""
    options = options or EngineOptions()
    url = database_url(text)
    if url.get_backend_name() != "sqlite":
        return make_pool(url, options.limits, options.pool, options.name, options.settings)
    engine = create_async_engine(
        url,
        connect_args={
            "timeout": options.busy_seconds,
            "factory": _SqliteConnection,
            "async_creator_fn": partial(
                ThreadedConnection.open, turns or WriteTurns(), nice=options.nice
            ),
        },
        pool_size=options.pool,
        max_overflow=0,
        pool_timeout=options.limits.pool,
    )
    place = database_file(text)
    event.listen(engine.sync_engine, "connect", partial(_require_writable, place))
    prepare = partial(_prepare_sqlite, options.busy_seconds, options.references)
    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    if place is not None:
        _hold(engine, file or HeldFile(place))
    return engine


class _SqliteConnection(sqlite3.Connection):
    """A connection that gives up its locks when it is closed.

    SQLite keeps a closed connection, its transaction and its locks alive for as long as a statement
    of it is (sqlite.org/c3ref/close.html). A cancelled statement lives on in the traceback: nobody
    could write until that is forgotten.
    """

    def close(self) -> None:
        try:
            if self.in_transaction:
                self.rollback()
        finally:
            super().close()


def _hold(engine: AsyncEngine, file: HeldFile) -> None:
    """Use one file and no other: neither connect anew nor begin anything once it is gone."""

    def check(*_: Any) -> None:
        file.check()

    event.listen(engine.sync_engine, "do_connect", check)
    event.listen(engine.sync_engine, "begin", check, insert=True)


def _require_writable(file: Path | None, _connection: Any, _: Any) -> None:
    # SQLite opens a file that may only be read without a word, and even begins to write: a server
    # would start, and fail at its first record.
    if file is not None and not os.access(file, os.W_OK):
        raise sqlite3.OperationalError("attempt to write a readonly database")


def _prepare_sqlite(busy_seconds: float, references: bool, connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    _write_ahead(cursor, busy_seconds)
    for pragma in (*_PRAGMAS, f"PRAGMA foreign_keys={'ON' if references else 'OFF'}"):
        cursor.execute(pragma)
    cursor.close()


def _write_ahead(cursor: Any, busy_seconds: float) -> None:
    # SQLite does not wait for the lock that the first change to WAL needs: two processes that
    # open a new file at once would fail one another. So the wait is ours.
    until = time.monotonic() + busy_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until:
                raise
            await_only(asyncio.sleep(_WAL_RETRY_SECONDS))
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("valetkey_reading", False):
        driver: Any = connection.connection.driver_connection
        driver.begin_reading()
    else:
        connection.exec_driver_sql(BEGIN_WRITING)
