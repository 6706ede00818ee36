"""The quick way into the audit trail: a connection that does nothing else.

What the services' transactions append through SQLAlchemy, a journal appends in a transaction of
its own, many records at a time: it is what stands between a request and its credential. It
remembers the newest record, so that a batch needs no question before it. If somebody else has
appended since, the batch's first number is taken, the batch fails as a whole, and is linked anew
under the lock that all take. So the chain never forks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL

from valetkey.db.files import HeldFile
from valetkey.db.journal.postgres import PostgresJournal
from valetkey.db.journal.sqlite import SqliteJournal
from valetkey.db.limits import Limits
from valetkey.db.write_turns import WriteTurns
from valetkey.domain.audit import Entry
from valetkey.domain.lease import LeaseRecord

__all__ = ["Journal", "journal_for"]


class Journal(Protocol):
    """Appends records, and the leases that they name, in one durable transaction."""

    async def record(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> int:
        """Return the number of the newest change that was committed before these (``changes``).

        Raises StorageUnavailable, or Unstorable where it is one of these that the database
        refuses; nothing of them is stored then. A lease that is stored already is let be.
        """
        ...

    async def close(self) -> None: ...


def journal_for(
    url: URL, *, busy_seconds: float, limits: Limits, turns: WriteTurns, file: HeldFile | None
) -> Journal:
    """Return the journal of a database; ``file`` is SQLite's, and ``turns`` are those at writing
    to it. Nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        return SqliteJournal(file or HeldFile(Path(url.database or "")), busy_seconds, turns)
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresJournal(dsn, limits)
