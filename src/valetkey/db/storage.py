"""The database as the services see it: transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, TypeVar

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.db.changes import SqlInvalidations
from valetkey.db.database import Database
from valetkey.db.errors import commit_unknown, translated
from valetkey.db.repositories.accounts import (
    SqlInstallations,
    SqlOrganizations,
    SqlProjects,
    SqlUsers,
)
from valetkey.db.repositories.audit import SqlAuditTrail
from valetkey.db.repositories.idempotency import SqlKeptRequests
from valetkey.db.repositories.identity import (
    SqlApiTokens,
    SqlBrowserSessions,
    SqlKnownSources,
    SqlPasswordLinks,
    SqlSignInTries,
)
from valetkey.db.repositories.keys import (
    SqlBlocks,
    SqlRevocations,
    SqlRotations,
    SqlWorkLeases,
)
from valetkey.db.repositories.sealed import SqlSealedRows
from valetkey.db.repositories.storage import SqlIntegrations, SqlLocations
from valetkey.db.repositories.vending import SqlGrants, SqlGroups, SqlLeases
from valetkey.db.tables import accounts, identity, storage, vending
from valetkey.domain.audit import Entry
from valetkey.domain.clocks import require_same
from valetkey.domain.lease import LeaseRecord
from valetkey.domain.ports import ChangeListener, Clock, Pool

#: Where the row of a noun is. What belongs to an entity is guarded by its row.
LOCKED: dict[str, Table] = {
    "organisation": accounts.organizations,
    "project": accounts.projects,
    "integration": storage.integrations,
    "location": storage.locations,
    "group": vending.groups,
    "lease": vending.leases,
    "service_account": accounts.users,
    "token": identity.api_tokens,
}


class SqlUnitOfWork:
    """Implements ports.UnitOfWork over one connection's transaction."""

    #: Where the row of a noun is.
    locked: ClassVar[Mapping[str, Table]] = LOCKED

    def __init__(self, connection: AsyncConnection, clock: Clock | None = None) -> None:
        self._connection = connection
        self._clock = clock
        self.installations = SqlInstallations(connection)
        self.users = SqlUsers(connection)
        self.organizations = SqlOrganizations(connection)
        self.projects = SqlProjects(connection)
        self.api_tokens = SqlApiTokens(connection)
        self.browser_sessions = SqlBrowserSessions(connection)
        self.password_links = SqlPasswordLinks(connection)
        self.known_sources = SqlKnownSources(connection)
        self.sign_in_tries = SqlSignInTries(connection)
        self.integrations = SqlIntegrations(connection)
        self.locations = SqlLocations(connection)
        self.audit = SqlAuditTrail(connection)
        self.groups = SqlGroups(connection)
        self.grants = SqlGrants(connection)
        self.leases = SqlLeases(connection)
        self.invalidations = SqlInvalidations(connection)
        self.rotations = SqlRotations(connection)
        self.work_leases = SqlWorkLeases(connection)
        self.revocations = SqlRevocations(connection)
        self.blocks = SqlBlocks(connection)
        self.sealed = SqlSealedRows(connection)
        self.kept_requests = SqlKeptRequests(connection)

    async def lock(self, noun: str, entity_id: str) -> None:
        if self._connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
            table = self.locked[noun]
            row = select(table.c.id).where(table.c.id == entity_id)
            await self._connection.execute(row.with_for_update(key_share=True))

    async def require_clock(self) -> None:
        if self._clock is not None:
            await self.moment(self._clock.now())

    async def moment(self, ours: datetime) -> datetime:
        # SQLite's is this machine's.
        if self._clock is None or self._connection.dialect.name != "postgresql":
            return ours
        asked = await self._connection.execute(select(func.clock_timestamp()))
        there: datetime = asked.scalar_one()
        require_same(ours, there)
        return there


W = TypeVar("W", bound=SqlUnitOfWork)


class SqlStorage(Generic[W]):
    """Implements ports.Storage for SQLite and PostgreSQL, through one of the database's pools.
    ``unit_of_work`` says which tables a transaction has: the broker's, or those of what stands on
    it too."""

    def __init__(
        self, database: Database, unit_of_work: type[W], pool: Pool = Pool.GENERAL
    ) -> None:
        self._database = database
        self._engine = database.pools[pool]
        self._unit_of_work = unit_of_work
        # What is read in one transaction is of one moment: SQLite's way anyway, PostgreSQL's by
        # this level.
        self._reading: dict[str, Any] = {"valetkey_reading": True}
        if self._engine.dialect.name == "postgresql":
            self._reading["isolation_level"] = "REPEATABLE READ"

    def through(self, pool: Pool) -> Self:
        return type(self)(self._database, self._unit_of_work, pool)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[W]:
        tags: AbstractSet[str] = frozenset()
        try:
            with translated():
                async with self._engine.connect() as connection, connection.begin() as transaction:
                    work = self._unit_of_work(connection, self._database.clock)
                    yield work
                    await work.invalidations.send()
                    tags = work.invalidations.tags
                    with commit_unknown():
                        await transaction.commit()
        finally:
            # Also where the commit was cut short: it may stand all the same.
            self._database.changes.announce(tags)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[W]:
        with translated():
            async with self._engine.connect() as connection:
                await connection.execution_options(**self._reading)
                async with connection.begin():
                    yield self._unit_of_work(connection, self._database.clock)

    async def record(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> None:
        newest = await self._database.journal.record(entries, leases)
        await self._database.changes.catch_up(newest)

    def listen(self, listener: ChangeListener) -> None:
        self._database.changes.listen(listener)

    async def ping(self) -> None:
        await self._database.ping()

    async def probe(self) -> datetime | None:
        return await self._database.probe()

    async def close(self) -> None:
        await self._database.close()
