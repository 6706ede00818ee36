"""The schema's version: what the database has, what this code needs, and how to get there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from valetkey.db.engine import make_engine
from valetkey.db.errors import translated

_MIGRATION_LOCK: Final = 0x564D4947


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Revisions: ``present`` is what the database has (None: no tables), ``needed`` ours."""

    present: str | None
    needed: str

    @property
    def current(self) -> bool:
        return self.present == self.needed


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _state(connection: Connection) -> SchemaState:
    present = MigrationContext.configure(connection).get_current_revision()
    needed = ScriptDirectory.from_config(_config()).get_current_head()
    assert needed is not None  # noqa: S101  # the package has migrations
    return SchemaState(present, needed)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        # References were not acted upon: they hold all the same, or nothing of it happens.
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise SQLAlchemyError(f"the migration would break references: {broken[:3]}")


async def schema_state(url: str) -> SchemaState:
    """Look at a database's version. Raises StorageUnavailable, ConfigurationError."""
    engine = make_engine(url)
    try:
        with translated():
            async with engine.connect() as connection:
                return await connection.run_sync(_state)
    finally:
        await engine.dispose()


async def migrate(url: str) -> SchemaState:
    """Bring a database to this code's version, all steps in one transaction.

    Two processes that migrate at once do it once: the second waits and finds nothing to do.
    Returns the state before. Raises StorageUnavailable, ConfigurationError.
    """
    engine = make_engine(url, references=False)
    try:
        with translated():
            async with engine.begin() as connection:
                before = await connection.run_sync(_state)
                await connection.run_sync(_upgrade)
                return before
    finally:
        await engine.dispose()
