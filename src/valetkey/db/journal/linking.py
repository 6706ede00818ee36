"""Appending to the chain of records in PostgreSQL itself, with the leases that they name, in one
statement.

A record's hash covers the one before it. Whoever makes it must know that one, and keep it the
newest until theirs is stored: a lock, held over as many round trips as that takes, each of which
waits for its turn in a busy process. A function in the database holds it for no longer than the
work and the commit take there. It is the connection's own (``pg_temp``): nobody else sees it, it
ends with the connection, and there is nothing to migrate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql.base import PGDialect

from valetkey.db.changes import NEWEST
from valetkey.db.journal.rows import HEAD, LEASE_TABLES, Head, lease_table, lease_values
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.db.tables.audit import audit_records
from valetkey.domain.audit import GENESIS, Entry
from valetkey.domain.lease import LeaseRecord

#: What a record has of its entry: all but its number and both hashes.
_CELLS: Final = tuple(audit_records.columns)[1:-2]
_CELL_NAMES: Final = ", ".join(column.name for column in _CELLS)
_DIALECT: Final = PGDialect()  # type: ignore[no-untyped-call]  # as it is there


def _columns(owner: str, columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f"{owner}_{column.name}" for column in columns)


def _arrays(owner: str, columns: Iterable[Column[Any]]) -> list[str]:
    """Return the parameters that take rows, an array for each column."""
    return [f"{owner}_{each.name} {each.type.compile(dialect=_DIALECT)}[]" for each in columns]


def _add_leases(table: Table) -> str:
    columns, first = table.columns, next(iter(table.columns))
    return f"""
    IF cardinality({table.name}_{first.name}) > 0 THEN
        INSERT INTO {table.name} ({", ".join(columns.keys())})
        SELECT * FROM unnest({_columns(table.name, columns)}) ON CONFLICT DO NOTHING;
    END IF;"""  # noqa: S608  # our own names


_ARRAYS: Final = [
    *(each for table in LEASE_TABLES.values() for each in _arrays(table.name, table.columns)),
    *_arrays("their", _CELLS),
]
#: Each query in a function that is volatile sees what is committed when it begins: the head is the
#: newest, as it is read when the lock is held.
_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION pg_temp.append_records(
    {", ".join(_ARRAYS)}, canonical text[],
    OUT last_sequence bigint, OUT last_hash text, OUT newest_change bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    head bigint;
    previous_hashes text[] := ARRAY[]::text[];
    hashes text[] := ARRAY[]::text[];
BEGIN
    PERFORM pg_advisory_xact_lock({AUDIT_LOCK});
    SELECT newest.sequence, newest.hash INTO head, last_hash FROM ({HEAD}) AS newest;
    head := coalesce(head, 0);
    last_hash := coalesce(last_hash, '{GENESIS}');
    newest_change := {NEWEST};
    {"".join(map(_add_leases, LEASE_TABLES.values()))}
    FOR place IN 1 .. cardinality(canonical) LOOP
        previous_hashes := previous_hashes || last_hash;
        last_hash := encode(
            sha256(convert_to(last_hash || chr(10) || canonical[place], 'UTF8')), 'hex'
        );
        hashes := hashes || last_hash;
    END LOOP;
    last_sequence := head + cardinality(canonical);
    INSERT INTO audit_records (sequence, {_CELL_NAMES}, previous, hash)
    SELECT head + new.place, {", ".join(f"new.{column.name}" for column in _CELLS)},
        new.previous, new.hash
    FROM unnest({_columns("their", _CELLS)}, previous_hashes, hashes)
        WITH ORDINALITY AS new({_CELL_NAMES}, previous, hash, place);
END $$
"""  # noqa: S608  # our own names
_CALL: Final = (
    "SELECT last_sequence, last_hash, newest_change FROM pg_temp.append_records("  # noqa: S608  # as above
    f"{', '.join(f'${place}' for place in range(1, len(_ARRAYS) + 2))})"
)


async def prepare_linking(connection: Any) -> bool:
    """Make the function; return whether it may be made. Raises what asyncpg does."""
    try:
        await connection.execute(_FUNCTION)
    except asyncpg.InsufficientPrivilegeError:  # the role may make nothing that is temporary
        return False
    return True


async def link_there(
    connection: Any, entries: Sequence[Entry], leases: Sequence[LeaseRecord]
) -> tuple[Head, int]:
    """Append entries, at least one, and leases in one statement; return the new head, and the
    newest change's number. Raises what asyncpg does."""
    given: list[Sequence[Any]] = []
    for name, table in LEASE_TABLES.items():
        rows = [lease_values(each) for each in leases if lease_table(each) == name]
        given += zip(*rows, strict=True) if rows else [()] * len(table.columns)
    given += zip(*(entry.cells(entry.at) for entry in entries), strict=True)
    canonical = [entry.canonical() for entry in entries]
    told = await connection.fetchrow(_CALL, *given, canonical)
    return (told["last_sequence"], told["last_hash"]), told["newest_change"]
