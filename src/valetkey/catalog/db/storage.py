"""The database as the catalog's services see it: a transaction with the catalog's tables too.

Searches have connections and a time of their own, so that nobody waits for a connection, or for
long, because somebody searches.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db import tables
from valetkey.catalog.db.commands import SqlCommands
from valetkey.catalog.db.datasets import SqlDatasets
from valetkey.catalog.db.exports import SqlExports
from valetkey.catalog.db.items import SqlItems
from valetkey.catalog.db.items.globs import SQLITE_FUNCTION
from valetkey.catalog.db.items.scans import IndexedCompiler
from valetkey.catalog.domain.dql.glob import glob_matches
from valetkey.counting import counted
from valetkey.db.database import CONNECTIONS, Database
from valetkey.db.engine import BUSY_SECONDS
from valetkey.db.errors import translated
from valetkey.db.limits import LIMITS, Limits
from valetkey.db.postgres import AUDIT, application
from valetkey.db.storage import LOCKED, SqlStorage, SqlUnitOfWork
from valetkey.domain.errors import TookTooLong
from valetkey.domain.ports import Clock, Pool

#: SQLite asks so often (in steps of its own, some hundred thousand of which take a tenth of a
#: second) whether it should go on. To ask takes the interpreter's lock, for which everything else
#: stops until this thread has had the processor.
_STEPS: Final = 200_000
#: How the databases say that they were stopped.
_STOPPED: Final = frozenset({"interrupted", "QueryCanceledError"})


#: One look costs a third of a millisecond. Records are written by connections of their own.
_RECORDING: Final = text(
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active'"
    " AND datname = current_database() AND application_name = :name)"
)


class SqlCatalogWork(SqlUnitOfWork):
    """Implements the catalog's UnitOfWork over one connection's transaction."""

    locked = LOCKED | {"command": tables.commands}

    def __init__(self, connection: AsyncConnection, clock: Clock | None = None) -> None:
        super().__init__(connection, clock)
        self.datasets = SqlDatasets(connection)
        self.items = SqlItems(connection)
        self.commands = SqlCommands(connection)
        self.exports = SqlExports(connection)

    async def recording(self) -> bool:
        if self._connection.dialect.name != "postgresql":
            # A file's records go before all that waits to write it (db/write_turns.py).
            return False
        found = await self._connection.execute(_RECORDING, {"name": application(AUDIT)})
        return bool(found.scalar_one())

    async def lock(self, noun: str, entity_id: str) -> None:
        if noun != "dataset":
            await super().lock(noun, entity_id)
            return
        # By the lock that those hold who write its items: they change the dataset's row after it.
        dataset = await self.datasets.get(entity_id)
        if dataset is not None:
            await self.items.lock(dataset)


class SqlCatalogStorage(SqlStorage[SqlCatalogWork]):
    """Implements the catalog's Storage, which is the broker's too."""

    @classmethod
    def at(
        cls,
        url: str,
        *,
        busy_seconds: float = BUSY_SECONDS,
        limits: Limits = LIMITS,
        connections: int = CONNECTIONS,
        clock: Clock | None = None,
    ) -> SqlCatalogStorage:
        """Open the database at a URL; nothing is connected yet. ``clock`` is what work is taken by:
        it must agree with PostgreSQL's. Raises ConfigurationError."""
        database = Database(
            url, busy_seconds=busy_seconds, limits=limits, connections=connections, clock=clock
        )
        if database.url.get_backend_name() == "sqlite":
            for pool in database.pools.values():
                event.listen(pool.sync_engine, "connect", _add_functions)
                pool.dialect.statement_compiler = IndexedCompiler
        return cls(database, SqlCatalogWork)

    @asynccontextmanager
    async def search(self) -> AsyncIterator[SqlCatalogWork]:
        seconds = self._database.limits.search
        with translated():
            async with self._database.pools[Pool.SEARCH].connect() as connection:
                await connection.execution_options(**self._reading)
                async with connection.begin(), _limited(connection, seconds):
                    yield SqlCatalogWork(connection)


def _add_functions(connection: Any, _: Any) -> None:
    connection.create_function(SQLITE_FUNCTION, 2, glob_matches, deterministic=True)


@asynccontextmanager
async def _limited(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    """Stop the statements inside after a time, and when their task is cancelled.

    asyncpg tells PostgreSQL of a cancellation; SQLite asks by itself, from its thread.
    """
    try:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))
            yield
        else:
            raw = await connection.get_raw_connection()
            sqlite: Any = raw.driver_connection
            await sqlite.set_progress_handler(_is_over(seconds), _STEPS)
            try:
                yield
            finally:
                await sqlite.set_progress_handler(None, 0)
    except DBAPIError as error:
        said = error.orig
        if said is not None and _STOPPED & {str(said), type(said.__cause__).__name__}:
            raise TookTooLong(
                f"The search took longer than {counted(seconds, 'second')}, and was stopped.",
                hint="Narrow it: name a folder ('/a/**'), or go on by id.",
            ) from None
        raise


def _is_over(seconds: float) -> Any:
    task, until = asyncio.current_task(), time.monotonic() + seconds

    def is_over() -> bool:
        return time.monotonic() > until or bool(task and task.cancelling())

    return is_over
