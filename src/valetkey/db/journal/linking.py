"""Appending to the chain of records in PostgreSQL itself, in one statement.

A record's hash covers the one before it. Whoever makes it must know that one, and keep it the
newest until theirs is stored: a lock, held over as many round trips as that takes, each of which
waits for its turn in a busy process. A function in the database holds it for no longer than the
work and the commit take there. It is the connection's own (``pg_temp``): nobody else sees it, it
ends with the connection, and there is nothing to migrate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from valetkey.db.changes import NEWEST
from valetkey.db.journal.rows import HEAD, RECORD_COLUMNS, Head
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.domain.audit import GENESIS, Entry

#: What a record has of its entry: all but its number and both hashes.
_CELLS: Final = RECORD_COLUMNS[1:-2]
_ARRAYS: Final = [
    f"their_{column} {'timestamptz' if column == 'at' else 'text'}[]" for column in _CELLS
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
    FOR place IN 1 .. cardinality(canonical) LOOP
        previous_hashes := previous_hashes || last_hash;
        last_hash := encode(
            sha256(convert_to(last_hash || chr(10) || canonical[place], 'UTF8')), 'hex'
        );
        hashes := hashes || last_hash;
    END LOOP;
    last_sequence := head + cardinality(canonical);
    INSERT INTO audit_records (sequence, {", ".join(_CELLS)}, previous, hash)
    SELECT head + new.place, {", ".join(f"new.{column}" for column in _CELLS)},
        new.previous, new.hash
    FROM unnest({", ".join(f"their_{column}" for column in _CELLS)}, previous_hashes, hashes)
        WITH ORDINALITY AS new({", ".join(_CELLS)}, previous, hash, place);
END $$
"""  # noqa: S608  # our own names
_CALL: Final = (
    "SELECT last_sequence, last_hash, newest_change FROM pg_temp.append_records("  # noqa: S608  # as above
    f"{', '.join(f'${place}' for place in range(1, len(_CELLS) + 2))})"
)


async def prepare_linking(connection: Any) -> bool:
    """Make the function; return whether it may be made. Raises what asyncpg does."""
    try:
        await connection.execute(_FUNCTION)
    except asyncpg.InsufficientPrivilegeError:  # the role may make nothing that is temporary
        return False
    return True


async def link_there(connection: Any, entries: Sequence[Entry]) -> tuple[Head, int]:
    """Append entries in one statement; return the new head, and the newest change's number. Raises
    what asyncpg does."""
    columns = zip(*(entry.cells(entry.at) for entry in entries), strict=True)
    canonical = [entry.canonical() for entry in entries]
    told = await connection.fetchrow(_CALL, *columns, canonical)
    return (told["last_sequence"], told["last_hash"]), told["newest_change"]
