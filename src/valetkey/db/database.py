"""A database's connections: pools for each part of the server, and those that stand alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from valetkey.db.changes import ChangeListeners
from valetkey.db.engine import (
    BUSY_SECONDS,
    EngineOptions,
    database_file,
    database_url,
    make_engine,
)
from valetkey.db.errors import translated
from valetkey.db.files import HeldFile
from valetkey.db.journal import journal_for
from valetkey.db.limits import LIMITS, Limits
from valetkey.db.write_turns import WriteTurns
from valetkey.domain.ports import Clock, Pool

#: How many connections all pools have at most. Those of audit, health and changes are one each.
CONNECTIONS: Final = 24
#: Of so many, each pool has its part.
_PARTS: Final = {Pool.VENDING: 3, Pool.GENERAL: 4, Pool.HEAVY: 3, Pool.SEARCH: 2}
#: What stands between a request and its credential is given up sooner.
_VENDING_SECONDS: Final = 5.0
#: What looks through many items of a SQLite file takes the processor when nobody else wants it.
_NICE: Final = 10
#: What is searched for decides how: a plan for any values, which PostgreSQL takes for a statement's
#: sixth time on, took 350 ms where the first five took 125, among a million items.
_PLANS: Final = {"plan_cache_mode": "force_custom_plan"}
#: Whoever asks for the server's health waits less than two seconds.
_HEALTH_SECONDS: Final = 1.0
_PROBE: Final = text(
    "INSERT INTO work_leases (name, owner, until) VALUES ('write probe', '', CURRENT_TIMESTAMP) "
    "ON CONFLICT (name) DO UPDATE SET until = excluded.until "
    "RETURNING CURRENT_TIMESTAMP"
)
#: A row that is written over finds room in its own page, on a full disk too. A table's first row
#: finds none: PostgreSQL extends its file at once. Undone, it leaves nothing, and 5 kB of log.
_NEED_ROOM: Final = (
    text("SET LOCAL temp_tablespaces = ''"),  # where the database is, not where sorting goes
    text("CREATE TEMPORARY TABLE need_room AS SELECT 1 AS something"),
)
#: PostgreSQL's "insufficient privilege".
_MAY_NOT: Final = "42501"


class Database:
    """Opens nothing by itself: each connection is made when it is first needed."""

    def __init__(
        self,
        url: str,
        *,
        busy_seconds: float = BUSY_SECONDS,
        limits: Limits = LIMITS,
        connections: int = CONNECTIONS,
        clock: Clock | None = None,
    ) -> None:
        """Raises ConfigurationError."""
        self.url, self.limits, self.clock = database_url(url), limits, clock
        place = database_file(url)
        self._file = HeldFile(place, keeps_log=True) if place is not None else None
        turns = WriteTurns()

        usual = EngineOptions(limits=limits, busy_seconds=busy_seconds)

        def engine(options: EngineOptions) -> AsyncEngine:
            return make_engine(url, options, file=self._file, turns=turns)

        of_pool = {
            pool: replace(usual, pool=size) for pool, size in pool_sizes(connections).items()
        }
        quick = limits.within(_VENDING_SECONDS)
        self.pools = {
            Pool.VENDING: engine(replace(of_pool[Pool.VENDING], limits=quick, name="vending")),
            Pool.GENERAL: engine(of_pool[Pool.GENERAL]),
            Pool.HEAVY: engine(replace(of_pool[Pool.HEAVY], limits=limits.heavy, name="heavy")),
            Pool.SEARCH: engine(
                replace(of_pool[Pool.SEARCH], name="search", nice=_NICE, settings=_PLANS)
            ),
        }
        health = replace(
            usual,
            pool=1,
            limits=limits.within(_HEALTH_SECONDS),
            busy_seconds=min(busy_seconds, _HEALTH_SECONDS),
            name="health",
        )
        self._health = engine(health)
        self.changes = ChangeListeners(self.url, limits)
        self.journal = journal_for(
            self.url, busy_seconds=busy_seconds, limits=quick, turns=turns, file=self._file
        )

    async def ping(self) -> None:
        """Raise StorageUnavailable unless the database answers."""
        with translated():
            async with self._health.connect() as connection:
                await connection.execution_options(valetkey_reading=True)
                await connection.execute(text("SELECT 1"))

    async def probe(self) -> datetime | None:
        """Raise StorageUnavailable unless something can be committed: a full disk and a replica
        answer all the same. Return what time it is at PostgreSQL; None for SQLite."""
        with translated():
            async with self._health.begin() as connection:
                moment = (await connection.execute(_PROBE)).scalar_one()
            if not isinstance(moment, datetime):
                return None
            await self._need_room()
        return moment

    async def _need_room(self) -> None:
        """Take room on PostgreSQL's disk, and give it back. Whoever may make nothing temporary
        there hears of a full disk when something is to be stored."""
        try:
            async with self._health.connect() as connection:
                for statement in _NEED_ROOM:
                    await connection.execute(statement)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != _MAY_NOT:
                raise

    async def close(self) -> None:
        """Close all connections."""
        await self.changes.close()
        await self.journal.close()
        for engine in (*self.pools.values(), self._health):
            await engine.dispose()
        if self._file is not None:
            self._file.close()


def pool_sizes(connections: int) -> dict[Pool, int]:
    """Return how many of so many connections each pool has, two at least."""
    whole = sum(_PARTS.values())
    return {pool: max(2, connections * part // whole) for pool, part in _PARTS.items()}
