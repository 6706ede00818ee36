"""The database: repositories within one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self

from valetkey.domain.audit import ALL_RECORDS, AuditEvent, AuditFilter, AuditRecord, Entry
from valetkey.domain.integration import Integration
from valetkey.domain.lease import LeaseRecord
from valetkey.domain.location import Location
from valetkey.domain.people import (
    Organization,
    OrgMember,
    Project,
    ProjectMember,
    User,
)
from valetkey.domain.ports.identity import (
    ApiTokenRepository,
    BrowserSessionRepository,
    KnownSources,
    PasswordLinkRepository,
    SignInTries,
)
from valetkey.domain.ports.keys import (
    BlockRepository,
    RevocationRepository,
    RotationRepository,
    SealedRows,
    WorkLeases,
)
from valetkey.domain.ports.requests import KeptRequests
from valetkey.domain.ports.vending import (
    ChangeListener,
    GrantRepository,
    GroupRepository,
    Invalidations,
    LeaseRepository,
)
from valetkey.domain.sealing import SealedSecret


class UserRepository(Protocol):
    """People and service accounts."""

    async def add(self, user: User) -> None:
        """Raises Conflict when the address is taken."""
        ...

    async def get(self, user_id: str) -> User | None:
        """Return a user; None if there is none."""
        ...

    async def by_email(self, email: str) -> User | None:
        """Return the user with an address; None if there is none."""
        ...

    async def by_emails(self, emails: Collection[str]) -> Sequence[User]:
        """Return the users with these addresses, in no order; up to 1,000 at a time."""
        ...

    async def of_project(self, project_id: str) -> Sequence[User]:
        """Return a project's service accounts by name."""
        ...

    async def end_sign_ins(self, user: User, password_hash: str) -> bool:
        """Store a password's hash (empty for none) and the next generation, if the stored
        generation is still ``user``'s; tell whether it was."""
        ...

    async def delete(self, user_id: str) -> bool:
        """Forget a user with memberships, grants, tokens and sessions."""
        ...


class OrganizationRepository(Protocol):
    """Organisations and who belongs to them."""

    async def add(self, org: Organization) -> None:
        """Store a new organisation."""
        ...

    async def get(self, org_id: str) -> Organization | None:
        """Return an organisation; None if there is none."""
        ...

    async def save(self, org: Organization) -> Organization:
        """Store the newer self of what was read, and return it with its new version.

        Raises VersionMismatch if somebody else did so meanwhile.
        """
        ...

    async def of_user(self, user_id: str) -> Sequence[Organization]:
        """Return the organisations that somebody belongs to, oldest first."""
        ...

    async def members(self, org_id: str) -> Sequence[OrgMember]:
        """Return who belongs to an organisation, by e-mail address."""
        ...

    async def memberships(self, user_id: str) -> Sequence[OrgMember]:
        """Return somebody's memberships, of all organisations."""
        ...

    async def put_member(self, member: OrgMember) -> None:
        """Add a member, or change the role of one."""
        ...

    async def remove_member(self, org_id: str, user_id: str) -> bool:
        """Take somebody out; tell whether they were in."""
        ...


class ProjectRepository(Protocol):
    """Projects and who belongs to them."""

    async def add(self, project: Project) -> None:
        """Raises Conflict when the organisation has a project of this name."""
        ...

    async def get(self, project_id: str) -> Project | None:
        """Return a project; None if there is none."""
        ...

    async def save(self, project: Project) -> Project:
        """As Organizations.save; raises Conflict too (name taken)."""
        ...

    async def of_org(self, org_id: str) -> Sequence[Project]:
        """Return an organisation's projects, oldest first."""
        ...

    async def members(self, project_id: str) -> Sequence[ProjectMember]:
        """Return who has a role in a project, by e-mail address."""
        ...

    async def memberships(self, user_id: str) -> Sequence[ProjectMember]:
        """Return somebody's roles, in all projects."""
        ...

    async def put_member(self, member: ProjectMember) -> None:
        """Give somebody a role, or change it."""
        ...

    async def remove_member(self, project_id: str, user_id: str) -> bool:
        """Take somebody out; tell whether they were in."""
        ...

    async def delete(self, project_id: str) -> bool:
        """Forget a project with its memberships; tell whether there was one.

        Raises InUse while it has locations or service accounts.
        """
        ...


class IntegrationRepository(Protocol):
    """Names are unique within an organisation: ``add`` and ``save`` raise Conflict."""

    async def add(self, integration: Integration, sealed_secret: SealedSecret) -> None:
        """Store a new integration with its secret, which is bound to its id."""
        ...

    async def get(self, integration_id: str) -> Integration | None:
        """Return an integration, without its secret; None if there is none."""
        ...

    async def of_org(self, org_id: str) -> Sequence[Integration]:
        """Return an organisation's integrations by name."""
        ...

    async def save(self, integration: Integration) -> Integration:
        """As Organizations.save."""
        ...

    async def sealed_secret(self, integration_id: str) -> SealedSecret | None:
        """Return the secret as it is stored; None if there is no integration."""
        ...

    async def replace_secret(self, integration_id: str, sealed_secret: SealedSecret) -> None:
        """Store another secret in place of the present one."""
        ...

    async def delete(self, integration_id: str) -> bool:
        """Raises InUse while locations stand on it."""
        ...


class LocationRepository(Protocol):
    """Names are unique within a project: ``add`` and ``save`` raise Conflict."""

    async def add(self, location: Location) -> None:
        """Store a new location."""
        ...

    async def get(self, location_id: str) -> Location | None:
        """Return a location; None if there is none."""
        ...

    async def of_project(self, project_id: str) -> Sequence[Location]:
        """Return a project's locations by name."""
        ...

    async def of_org(self, org_id: str, *, name: str = "") -> Sequence[tuple[Project, Location]]:
        """Return all of an organisation, by project and name, with their projects; or those of one
        name."""
        ...

    async def of_integration(self, integration_id: str) -> Sequence[Location]:
        """Return the locations that an integration opens, by name."""
        ...

    async def save(self, location: Location) -> Location:
        """As Organizations.save."""
        ...

    async def ancestors(self, location: Location) -> Sequence[Location]:
        """Return what a location lies within, the nearest first."""
        ...

    async def below(self, location_id: str) -> Sequence[Location]:
        """Return what lies within a location, however deep, at most MOST_BELOW."""
        ...

    async def delete(self, location_id: str) -> bool:
        """Forget a location; tell whether there was one."""
        ...


class AuditTrail(Protocol):
    """The append-only chain. ``append`` links each event to the one before, in one transaction."""

    async def append(self, events: Sequence[AuditEvent]) -> Sequence[AuditRecord]:
        """Store events as the next links of the chain, and return what they became."""
        ...

    def read(
        self,
        *,
        after: int = 0,
        limit: int | None = None,
        where: AuditFilter = ALL_RECORDS,
        newest_first: bool = False,
    ) -> AsyncIterator[AuditRecord]:
        """Iterate over those records that are meant, in order, ``sequence`` > ``after``; memory
        stays flat. With ``newest_first`` the other way round: ``sequence`` < ``after``, 0 is from
        the newest on."""
        ...

    async def length(self) -> int:
        """Return the newest record's sequence; 0 before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Installation:
    """This database's identity, and the sealed key that signs its tokens."""

    id: str
    created_at: datetime
    sealed_token_key: SealedSecret


class Installations(Protocol):
    """The one row that says whose database this is."""

    async def get(self) -> Installation | None:
        """Return whose database this is; None if it is nobody's yet."""
        ...

    async def add(self, installation: Installation) -> None:
        """Raises Conflict when the database already has one."""
        ...


class UnitOfWork(Protocol):
    """One transaction's repositories."""

    async def lock(self, noun: str, entity_id: str) -> None:
        """Keep everybody else from changing an entity, or what belongs to it, until this
        transaction ends. Wait for whoever does so now."""
        ...

    async def require_clock(self) -> None:
        """Raise ClockOff where this process's clock is far off the database's: to be called where
        work is taken, which is held by moments of clocks."""
        ...

    async def moment(self, ours: datetime) -> datetime:
        """Return the moment by which leases are taken, kept and over: the database's own, so that
        all who share it mean the same one; ``ours``, where it has no clock of its own. Raises
        ClockOff where the two are far apart."""
        ...

    @property
    def installations(self) -> Installations: ...
    @property
    def users(self) -> UserRepository: ...
    @property
    def organizations(self) -> OrganizationRepository: ...
    @property
    def projects(self) -> ProjectRepository: ...
    @property
    def api_tokens(self) -> ApiTokenRepository: ...
    @property
    def browser_sessions(self) -> BrowserSessionRepository: ...
    @property
    def password_links(self) -> PasswordLinkRepository: ...
    @property
    def known_sources(self) -> KnownSources: ...
    @property
    def sign_in_tries(self) -> SignInTries: ...
    @property
    def integrations(self) -> IntegrationRepository: ...
    @property
    def locations(self) -> LocationRepository: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def groups(self) -> GroupRepository: ...
    @property
    def grants(self) -> GrantRepository: ...
    @property
    def leases(self) -> LeaseRepository: ...
    @property
    def invalidations(self) -> Invalidations: ...
    @property
    def rotations(self) -> RotationRepository: ...
    @property
    def work_leases(self) -> WorkLeases: ...
    @property
    def revocations(self) -> RevocationRepository: ...
    @property
    def blocks(self) -> BlockRepository: ...
    @property
    def sealed(self) -> SealedRows: ...
    @property
    def kept_requests(self) -> KeptRequests: ...


class Pool(StrEnum):
    """Connections that a part of the server has to itself: no other part uses them up."""

    #: Who asks, and may they: what every credential waits for.
    VENDING = "vending"
    GENERAL = "general"
    #: What reads or writes much, and may take long.
    HEAVY = "heavy"
    #: What looks through much, and is stopped when nobody waits for it.
    SEARCH = "search"


class Storage(Protocol):
    """The database. All methods, and everything inside ``begin``, raise StorageUnavailable when
    it is gone, locked, read-only or full, within seconds whatever it does."""

    def through(self, pool: Pool) -> Self:
        """Return the same database, by other connections."""
        ...

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Start a transaction: committed on a clean exit, rolled back on any exception."""
        ...

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Start a transaction that only reads: it waits for no writer, and none waits for it."""
        ...

    async def record(self, entries: Sequence[Entry], leases: Sequence[LeaseRecord]) -> None:
        """Append audit records, and store the leases that they name and their holders, by the
        quickest way there is, in a transaction of its own. What is stored already is let be. Raises
        Unstorable where it is one of these that the database refuses: nothing is stored then."""
        ...

    def listen(self, listener: ChangeListener) -> None:
        """Tell a listener, from now on, of every tag that a committed transaction published."""
        ...

    async def ping(self) -> None:
        """Ask whether the database answers, by a connection that nobody else uses."""
        ...

    async def probe(self) -> datetime | None:
        """Commit something, by the same connection: a full or read-only disk answers a ping. Return
        what time it is there; None where it has no clock of its own."""
        ...

    async def close(self) -> None:
        """Give all connections back."""
        ...
