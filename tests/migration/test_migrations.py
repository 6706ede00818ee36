"""The migrations make the tables that the code describes, once, whoever runs them."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

import valetkey.catalog.db.tables  # noqa: F401  # the catalog's, into the same metadata
from valetkey.db.engine import make_engine
from valetkey.db.schema import migrate, schema_state
from valetkey.db.tables import metadata

#: What the other database alone has: SQLite a key for which PostgreSQL has triggers, and each its
#: own indexes for what is in metadata.
OTHERS = {
    "postgresql": {"fk_items_dataset", "ix_items_documents"},
    "sqlite": {"ix_items_metadata", "ix_items_written"},
}


def _differences(connection: Connection) -> list[object]:
    others = OTHERS[connection.dialect.name]

    def is_for_this_one(_item: object, name: str | None, *_: object) -> bool:
        return name not in others

    context = MigrationContext.configure(connection, opts={"include_object": is_for_this_one})
    return list(compare_metadata(context, metadata))


async def test_migrating_an_empty_database_makes_the_described_tables(database_url: str) -> None:
    assert (await schema_state(database_url)).present is None
    await migrate(database_url)
    assert (await schema_state(database_url)).current
    engine = make_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
    before = await migrate(database_url)
    assert before.current


async def test_two_that_migrate_at_once_both_succeed(database_url: str) -> None:
    await asyncio.gather(migrate(database_url), migrate(database_url))
    assert (await schema_state(database_url)).current
