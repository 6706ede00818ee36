"""How long anything may wait for the database. Nothing waits without a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. The server itself gives up a statement (``statement``) and a lock (``lock``), and
    the connection stays good. Where it does not even do that, the connection is taken for dead
    after ``command``."""

    #: Making a connection, signing in included.
    connect: float = 5.0
    #: Waiting for a free connection of the pool.
    pool: float = 5.0
    #: Waiting for somebody else's lock.
    lock: float = 5.0
    #: One statement; 0: as long as it takes.
    statement: float = 15.0
    #: A statement of those that read or write much.
    heavy_statement: float = 60.0
    #: All statements of one search.
    search: float = 10.0
    #: What the answer may take longer than the statement, on its way.
    margin: float = 2.0
    #: Asking a connection whether it is alive.
    ping: float = 1.0
    #: A connection that was not used for so long is asked before it is used.
    quiet: float = 1.0
    #: A transaction in which nothing happens is ended by the server, and its locks with it: all
    #: records wait for the lock of one whose client is gone.
    idle_in_transaction: float = 15.0

    @property
    def command(self) -> float | None:
        """What a command may take until the connection is taken for dead."""
        return self.statement + self.margin if self.statement else None

    @property
    def heavy(self) -> Self:
        """The limits of what reads or writes much."""
        return replace(self, statement=self.heavy_statement)

    def within(self, seconds: float) -> Self:
        """Return limits of which none of waiting and of statements is longer."""
        return replace(
            self,
            connect=min(self.connect, seconds),
            pool=min(self.pool, seconds),
            lock=min(self.lock, seconds),
            statement=min(self.statement or seconds, seconds),
        )


LIMITS: Final = Limits()
