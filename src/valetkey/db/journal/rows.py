"""Entries and leases as rows of their tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final

from valetkey.db.repositories.rows import to_row
from valetkey.db.repositories.vending import lease_row
from valetkey.db.tables.audit import audit_records
from valetkey.db.tables.vending import lease_holders, leases
from valetkey.domain.audit import Entry, chain_hash
from valetkey.domain.lease import Lease, LeaseRecord

RECORD_COLUMNS: Final = tuple(audit_records.columns.keys())
#: What leases are stored in, by name.
LEASE_TABLES: Final = {table.name: table for table in (leases, lease_holders)}
#: Reads the newest record's number and hash.
HEAD: Final = "SELECT sequence, hash FROM audit_records ORDER BY sequence DESC LIMIT 1"

Row = tuple[Any, ...]
#: The newest record's number and hash.
Head = tuple[int, str]


def linked(
    entries: Iterable[Entry],
    head: Head,
    moment: Callable[[Entry], Any] = attrgetter("at"),
) -> list[Row]:
    """Return the rows of entries that follow the head; ``moment`` makes a cell of an entry's
    time."""
    sequence, previous = head
    rows = []
    for entry in entries:
        sequence += 1
        digest = chain_hash(previous, entry)
        rows.append((sequence, *entry.cells(moment(entry)), previous, digest))
        previous = digest
    return rows


def head_of(rows: list[Row]) -> Head:
    """Return the head that rows leave."""
    return rows[-1][0], rows[-1][-1]


def lease_table(lease: LeaseRecord) -> str:
    """Return the name of the table that a lease, or a holder of one, is stored in."""
    return "leases" if isinstance(lease, Lease) else "lease_holders"


def lease_values(lease: LeaseRecord) -> Row:
    """Return the row of a lease, or of a holder of one."""
    if isinstance(lease, Lease):
        row = lease_row(lease) | {"prefixes": json.dumps(list(lease.prefixes))}
    else:
        row = to_row(lease)
    return tuple(row[column.name] for column in LEASE_TABLES[lease_table(lease)].columns)
