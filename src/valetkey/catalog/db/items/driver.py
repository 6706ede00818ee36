"""PostgreSQL past SQLAlchemy, whose adapter would look at each of thousands of values.

Rows that are known to be new are copied: COPY takes them as they are stored, without a plan, and
the driver writes them with less than half the work that arrays take. It can't say what to do with
a row that is there already, so it is done below a savepoint, and left where one was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.db.errors import REFUSED_BY_DRIVER, from_driver

_FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, *REFUSED_BY_DRIVER)
_BEGIN: Final = text("SELECT 1")


async def execute(connection: AsyncConnection, statement: str, values: Iterable[Any]) -> int:
    """Run a statement in the connection's transaction; return how many rows it touched."""
    driver = await _driver(connection)
    try:
        status: str = await driver.execute(statement, *values)
    except _FAILURES as error:
        raise from_driver(error) from None
    return int(status.rpartition(" ")[2])


async def copied(
    connection: AsyncConnection,
    table: str,
    columns: Sequence[str],
    records: AsyncIterator[tuple[Any, ...]],
) -> bool:
    """Copy rows into a table, in the connection's transaction. False if one of them was there
    already: then none is copied, and the transaction is as it was."""
    driver = await _driver(connection)
    try:
        async with connection.begin_nested():
            await driver.copy_records_to_table(table, columns=columns, records=records)
    except asyncpg.UniqueViolationError:
        return False
    except _FAILURES as error:
        raise from_driver(error) from None
    return True


async def _driver(connection: AsyncConnection) -> Any:
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    if not driver.is_in_transaction():
        await connection.execute(_BEGIN)
    return driver
