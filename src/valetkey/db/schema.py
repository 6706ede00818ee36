"""The schema's version: what the database has, what this code needs, and how to get there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.db.engine import EngineOptions, database_file, make_engine
from valetkey.db.errors import translated
from valetkey.db.files import make_private
from valetkey.db.limits import LIMITS
from valetkey.domain.errors import ConfigurationError

_MIGRATION_LOCK: Final = 0x564D4947
_MIGRATING: Final = replace(LIMITS, lock=0.0, statement=0.0, idle_in_transaction=0.0)


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Revisions: ``present`` is what the database has (None: no tables), ``needed`` ours.
    ``newer``: ours are not all that it has."""

    present: str | None
    needed: str
    newer: bool = False

    @property
    def current(self) -> bool:
        return self.present == self.needed


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _state(connection: Connection) -> SchemaState:
    present = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    needed = scripts.get_current_head()
    assert needed is not None  # noqa: S101  # the package has migrations
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState(present, needed, newer=present is not None and present not in known)


def require_known(state: SchemaState) -> None:
    """Refuse a database that a newer version has made. Raises ConfigurationError."""
    if state.newer:
        raise ConfigurationError(
            f"The database is at version {state.present}, which is newer than this version of "
            f"Valetkey ({state.needed} is the newest that it knows). Nothing was changed.",
            hint="Run the version of Valetkey that brought the database there, or a newer one; "
            "there is no way back but a backup from before.",
        )


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
                if connection.dialect.name == "postgresql":
                    await _require_limits(connection)
                return await connection.run_sync(_state)
    finally:
        await engine.dispose()


async def _require_limits(connection: AsyncConnection) -> None:
    """Refuse what does not pass on a session's settings: without its limits, a server would wait
    for ever, and a pooler that shares sessions gives notifications to nobody."""
    asked = text("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")
    if (await connection.execute(asked)).scalar_one() != str(int(LIMITS.lock * 1000)):
        raise ConfigurationError(
            "What stands between the server and PostgreSQL does not pass on the settings of a "
            "session, as PgBouncer with ignore_startup_parameters doesn't.",
            hint="Point the database URL at PostgreSQL itself: the server keeps its connections, "
            "and hears of changes by one of them.",
        )


async def migrate(url: str) -> SchemaState:
    """Bring a database to this code's version, all steps in one transaction.

    Two processes that migrate at once do it once: the second waits and finds nothing to do.
    Returns the state before. Raises StorageUnavailable, ConfigurationError.
    """
    file = database_file(url)
    if file is not None:
        make_private(file)
    # A migration takes as long as it takes; two at once wait for one another.
    engine = make_engine(url, EngineOptions(limits=_MIGRATING, references=False))
    try:
        with translated():
            async with engine.begin() as connection:
                before = await connection.run_sync(_state)
                require_known(before)
                await connection.run_sync(_upgrade)
                return before
    finally:
        await engine.dispose()
