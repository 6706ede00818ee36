"""How the databases find the rows of each statement that something runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import event

from valetkey.catalog.db.storage import SqlCatalogWork

#: A statement and its values.
Statement = tuple[str, Any]
_PLANNED: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_SQLITE: Final = re.compile(r"(SCAN|SEARCH) (\w+)(?:.*? INDEX (\w+))?[^(]*(?:\((.*)\))?")
#: Indexes over the few rows that are under way, or that go again: they are read as a whole.
_OF_FEW: Final = frozenset({"uq_commands_syncing", "ix_commands_exports", "ix_items_deleted_ms"})
#: Conditions that all rows of a dataset fit.
_OF_ALL: Final = re.compile(r"\(?dataset ?= ?[^ ]+\)?|")
#: The first column of each of PostgreSQL's indexes.
_FIRSTS: Final = """
SELECT c.relname, a.attname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_attribute AS a ON a.attrelid = i.indexrelid AND a.attnum = 1"""


async def unbounded(
    work: SqlCatalogWork, tables: frozenset[str], run: Callable[[], Awaitable[object]]
) -> set[str]:
    """Return the tables of which all rows, or all of a dataset, are read by what is run."""
    found = set()
    async with _seen(work) as seen:
        await run()
    for statement in seen:
        for table, condition in await _reads(work, statement):
            if table in tables and _OF_ALL.fullmatch(condition):
                found.add(table)
    return found


@asynccontextmanager
async def _seen(work: SqlCatalogWork) -> AsyncIterator[list[Statement]]:
    """Note what SQLAlchemy runs, and what the driver runs past it."""
    seen: list[Statement] = []

    def see(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        note(statement, values)

    def note(statement: str, values: Any) -> None:
        first = values[0] if values and isinstance(values[0], list | tuple) else values
        if _PLANNED.match(statement) and "typeinfo_tree" not in statement:  # the driver's own
            seen.append((statement, tuple(first)))

    raw: Any = (await work._connection.get_raw_connection()).driver_connection
    logged = getattr(raw, "query_logger", None)
    event.listen(work._connection.sync_connection, "before_cursor_execute", see)
    try:
        if logged is None:
            yield seen
        else:
            with logged(lambda record: note(record.query, record.args)):
                yield seen
    finally:
        event.remove(work._connection.sync_connection, "before_cursor_execute", see)


async def _reads(work: SqlCatalogWork, statement: Statement) -> list[tuple[str, str]]:
    """Return the tables that a statement reads, each with the condition by which rows are found."""
    text, values = statement
    if work._connection.dialect.name == "sqlite":
        rows = await work._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        found = [match for row in rows if (match := _SQLITE.match(row.detail))]
        return [(each[2], each[4] or "the first") for each in found if each[1] == "SEARCH"] + [
            (each[2], "") for each in found if each[1] == "SCAN" and each[3] not in _OF_FEW
        ]
    driver: Any = (await work._connection.get_raw_connection()).driver_connection
    (row,) = await driver.fetch(f"EXPLAIN (FORMAT JSON) {text}", *values)
    firsts = dict(await driver.fetch(_FIRSTS))
    return list(_scans(row[0][0]["Plan"], firsts))


def _scans(
    node: dict[str, Any], firsts: Mapping[str, str], above: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield the scans of a plan. Without its first column, all of an index is read. A bitmap's
    index is below the table that is read by it."""
    kind, table = node["Node Type"], node.get("Relation Name", above)
    index, condition = node.get("Index Name", ""), node.get("Index Cond", "")
    if kind.endswith("Scan") and kind != "Bitmap Heap Scan" and table and index not in _OF_FEW:
        first = firsts.get(index)
        yield table, condition if first and re.search(rf"\b{first}\b", condition) else ""
    for each in node.get("Plans", ()):
        yield from _scans(each, firsts, table if kind.startswith("Bitmap") else "")
