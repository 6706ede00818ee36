"""The database as the catalog's services see it: a transaction with the catalog's tables too."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.db.commands import SqlCommands
from valetkey.catalog.db.datasets import SqlDatasets
from valetkey.catalog.db.items import SqlItems
from valetkey.catalog.db.items.globs import SQLITE_FUNCTION
from valetkey.catalog.domain.dql.glob import glob_matches
from valetkey.db.database import Database
from valetkey.db.engine import BUSY_SECONDS
from valetkey.db.limits import LIMITS, Limits
from valetkey.db.storage import SqlStorage, SqlUnitOfWork


class SqlCatalogWork(SqlUnitOfWork):
    """Implements the catalog's UnitOfWork over one connection's transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.datasets = SqlDatasets(connection)
        self.items = SqlItems(connection)
        self.commands = SqlCommands(connection)


class SqlCatalogStorage(SqlStorage[SqlCatalogWork]):
    """Implements the catalog's Storage, which is the broker's too."""

    @classmethod
    def at(
        cls, url: str, *, busy_seconds: float = BUSY_SECONDS, limits: Limits = LIMITS
    ) -> SqlCatalogStorage:
        """Open the database at a URL; nothing is connected yet. Raises ConfigurationError."""
        database = Database(url, busy_seconds=busy_seconds, limits=limits)
        if database.url.get_backend_name() == "sqlite":
            for pool in database.pools.values():
                event.listen(pool.sync_engine, "connect", _add_functions)
        return cls(database, SqlCatalogWork)


def _add_functions(connection: Any, _: Any) -> None:
    connection.create_function(SQLITE_FUNCTION, 2, glob_matches, deterministic=True)
