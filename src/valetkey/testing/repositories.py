"""Repositories in memory: dictionaries that keep the rules of the tables."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from valetkey.domain.audit import ALL_RECORDS, GENESIS, AuditEvent, AuditFilter, AuditRecord, link
from valetkey.domain.errors import Conflict, InUse, NameTaken, Unstorable
from valetkey.domain.location import MAX_DEPTH, MOST_BELOW, Location
from valetkey.domain.people import Organization, OrgMember, Project, ProjectMember, User
from valetkey.domain.ports import Installation
from valetkey.testing.commands import MemoryCommands
from valetkey.testing.datasets import MemoryDatasets, MemoryItems
from valetkey.testing.exports import MemoryExports
from valetkey.testing.idempotency import MemoryKeptRequests
from valetkey.testing.identity import (
    MemoryApiTokens,
    MemoryBrowserSessions,
    MemoryKnownSources,
    MemoryPasswordLinks,
    MemorySignInTries,
)
from valetkey.testing.integrations import MemoryIntegrations, MemorySealedRows
from valetkey.testing.keys import (
    MemoryBlocks,
    MemoryRevocations,
    MemoryRotations,
    MemoryWorkLeases,
)
from valetkey.testing.vending import (
    MemoryGrants,
    MemoryGroups,
    MemoryInvalidations,
    MemoryLeases,
)
from valetkey.testing.versions import save


class MemoryInstallations:
    """Implements ports.Installations."""

    def __init__(self) -> None:
        self._row: Installation | None = None

    async def get(self) -> Installation | None:
        return self._row

    async def add(self, installation: Installation) -> None:
        if self._row is not None:
            raise Conflict("This database already has an installation.", hint="Use it.")
        self._row = installation


class MemoryUsers:
    """Implements ports.UserRepository. ``forget`` is told of a user who is deleted, as a table's
    references would be."""

    def __init__(self, forget: Callable[[str], None]) -> None:
        self.rows: dict[str, User] = {}
        self.forget = forget

    async def add(self, user: User) -> None:
        if await self.by_email(user.email):
            raise NameTaken(f"There is a user {user.email} already.", hint="Choose another name.")
        self.rows[user.id] = user

    async def get(self, user_id: str) -> User | None:
        return self.rows.get(user_id)

    async def by_email(self, email: str) -> User | None:
        return next((user for user in self.rows.values() if user.email == email), None)

    async def by_emails(self, emails: Collection[str]) -> Sequence[User]:
        return [user for user in self.rows.values() if user.email in emails]

    async def of_project(self, project_id: str) -> Sequence[User]:
        found = [user for user in self.rows.values() if user.project_id == project_id]
        return sorted(found, key=lambda user: user.name)

    async def end_sign_ins(self, user: User, password_hash: str) -> bool:
        stored = self.rows.get(user.id)
        if stored is None or stored.generation != user.generation:
            return False
        self.rows[user.id] = replace(
            stored, password_hash=password_hash, generation=user.generation + 1
        )
        return True

    async def delete(self, user_id: str) -> bool:
        self.forget(user_id)
        return self.rows.pop(user_id, None) is not None


class MemoryOrganizations:
    """Implements ports.OrganizationRepository."""

    def __init__(self) -> None:
        self._rows: dict[str, Organization] = {}
        self._members: dict[tuple[str, str], OrgMember] = {}

    async def add(self, org: Organization) -> None:
        self._rows[org.id] = org

    async def get(self, org_id: str) -> Organization | None:
        return self._rows.get(org_id)

    async def save(self, org: Organization) -> Organization:
        return save(self._rows, org)

    async def of_user(self, user_id: str) -> Sequence[Organization]:
        mine = {member.org_id for member in await self.memberships(user_id)}
        return [org for org_id, org in sorted(self._rows.items()) if org_id in mine]

    async def members(self, org_id: str) -> Sequence[OrgMember]:
        found = [member for member in self._members.values() if member.org_id == org_id]
        return sorted(found, key=lambda member: member.email)

    async def memberships(self, user_id: str) -> Sequence[OrgMember]:
        return [member for member in self._members.values() if member.user_id == user_id]

    async def put_member(self, member: OrgMember) -> None:
        self._members[member.org_id, member.user_id] = member

    async def remove_member(self, org_id: str, user_id: str) -> bool:
        return self._members.pop((org_id, user_id), None) is not None

    def forget_user(self, user_id: str) -> None:
        """Do what the table's foreign key does."""
        self._members = {key: row for key, row in self._members.items() if key[1] != user_id}


class MemoryProjects:
    """Implements ports.ProjectRepository."""

    def __init__(self, locations: MemoryLocations, users: MemoryUsers) -> None:
        self._locations = locations
        self._users = users
        self._rows = locations.projects
        self._members: dict[tuple[str, str], ProjectMember] = {}

    async def add(self, project: Project) -> None:
        self._check_name(project)
        self._rows[project.id] = project

    async def save(self, project: Project) -> Project:
        self._check_name(project)
        return save(self._rows, project)

    def _check_name(self, new: Project) -> None:
        for row in self._rows.values():
            if (row.org_id, row.name) == (new.org_id, new.name) and row.id != new.id:
                raise NameTaken(f"There is a project {new.name!r} already.", hint="Rename it.")

    async def get(self, project_id: str) -> Project | None:
        return self._rows.get(project_id)

    async def of_org(self, org_id: str) -> Sequence[Project]:
        return [project for _, project in sorted(self._rows.items()) if project.org_id == org_id]

    async def members(self, project_id: str) -> Sequence[ProjectMember]:
        found = [member for member in self._members.values() if member.project_id == project_id]
        return sorted(found, key=lambda member: member.email)

    async def memberships(self, user_id: str) -> Sequence[ProjectMember]:
        return [member for member in self._members.values() if member.user_id == user_id]

    async def put_member(self, member: ProjectMember) -> None:
        self._members[member.project_id, member.user_id] = member

    async def remove_member(self, project_id: str, user_id: str) -> bool:
        return self._members.pop((project_id, user_id), None) is not None

    def forget_user(self, user_id: str) -> None:
        """Do what the table's foreign key does."""
        self._members = {key: row for key, row in self._members.items() if key[1] != user_id}

    async def delete(self, project_id: str) -> bool:
        accounts = await self._users.of_project(project_id)
        if accounts or await self._locations.of_project(project_id):
            raise InUse(
                "The project has locations or service accounts.", hint="Delete those first."
            )
        for key in [key for key in self._members if key[0] == project_id]:
            del self._members[key]
        return self._rows.pop(project_id, None) is not None


class MemoryLocations:
    """Implements ports.LocationRepository."""

    def __init__(self) -> None:
        self.grants = MemoryGrants()
        self.projects: dict[str, Project] = {}
        self._rows: dict[str, Location] = {}

    async def add(self, location: Location) -> None:
        self._check_name(location)
        self._rows[location.id] = location

    async def get(self, location_id: str) -> Location | None:
        return self._rows.get(location_id)

    async def of_project(self, project_id: str) -> Sequence[Location]:
        found = [row for row in self._rows.values() if row.project_id == project_id]
        return sorted(found, key=lambda row: row.name)

    async def of_org(self, org_id: str, *, name: str = "") -> Sequence[tuple[Project, Location]]:
        found = [
            (self.projects[row.project_id], row)
            for row in self._rows.values()
            if name in {"", row.name}
        ]
        ours = [pair for pair in found if pair[0].org_id == org_id]
        return sorted(ours, key=lambda pair: (pair[0].id, pair[1].name))

    async def of_integration(self, integration_id: str) -> Sequence[Location]:
        found = [row for row in self._rows.values() if row.integration_id == integration_id]
        return sorted(found, key=lambda row: row.name)

    async def save(self, location: Location) -> Location:
        self._check_name(location)
        return save(self._rows, location)

    async def ancestors(self, location: Location) -> Sequence[Location]:
        found: list[Location] = []
        while location.parent_id is not None and len(found) < MAX_DEPTH:
            location = self._rows[location.parent_id]
            found.append(location)
        return found

    async def below(self, location_id: str) -> Sequence[Location]:
        found: list[Location] = []
        level = {location_id}
        while level:
            children = [row for _, row in sorted(self._rows.items()) if row.parent_id in level]
            found += children
            level = {child.id for child in children}
        return found[:MOST_BELOW]

    async def delete(self, location_id: str) -> bool:
        if any(row.parent_id == location_id for row in self._rows.values()):
            raise InUse("Locations within it use this location.", hint="Delete those first.")
        self.grants.forget_location(location_id)
        return self._rows.pop(location_id, None) is not None

    def _check_name(self, new: Location) -> None:
        for row in self._rows.values():
            if (row.project_id, row.name) == (new.project_id, new.name) and row.id != new.id:
                raise NameTaken(f"There is a location {new.name!r} already.", hint="Rename it.")


class MemoryAuditTrail:
    """Implements ports.AuditTrail."""

    def __init__(self) -> None:
        self.is_recording = False
        self.records: list[AuditRecord] = []

    async def append(self, events: Sequence[AuditEvent]) -> Sequence[AuditRecord]:
        added = []
        for event in events:
            try:
                "".join(map(str, event.cells(""))).encode()
            except UnicodeEncodeError:
                raise Unstorable("A text can't be stored.", hint="Send another.") from None
            previous = self.records[-1].hash if self.records else GENESIS
            added.append(link(len(self.records) + 1, previous, event))
            self.records.append(added[-1])
        return added

    async def read(
        self,
        *,
        after: int = 0,
        limit: int | None = None,
        where: AuditFilter = ALL_RECORDS,
        newest_first: bool = False,
    ) -> AsyncIterator[AuditRecord]:
        below = self.records[: after - 1] if after else self.records
        rest = reversed(below) if newest_first else self.records[after:]
        wanted = (record for record in rest if where.matches(record.event))
        for record in itertools.islice(wanted, limit):
            yield record

    async def length(self) -> int:
        return len(self.records)


class MemoryUnitOfWork:
    """Implements ports.UnitOfWork; what a fork of it has is a transaction's."""

    def __init__(self) -> None:
        self.locations = MemoryLocations()
        self.commands = MemoryCommands()
        self.items = MemoryItems(self.commands)
        self.exports = MemoryExports(self.commands)
        self.datasets = MemoryDatasets(self.items)
        self.installations = MemoryInstallations()
        self.users = MemoryUsers(self.forget_user)
        self.organizations = MemoryOrganizations()
        self.projects = MemoryProjects(self.locations, self.users)
        self.api_tokens = MemoryApiTokens()
        self.browser_sessions = MemoryBrowserSessions()
        self.password_links = MemoryPasswordLinks()
        self.known_sources = MemoryKnownSources()
        self.sign_in_tries = MemorySignInTries()
        self.integrations = MemoryIntegrations(self.locations)
        self.audit = MemoryAuditTrail()
        self.grants = self.locations.grants
        self.groups = MemoryGroups(self.grants)
        self.leases = MemoryLeases()
        self.invalidations = MemoryInvalidations()
        self.rotations = MemoryRotations()
        self.work_leases = MemoryWorkLeases()
        self.revocations = MemoryRevocations()
        self.blocks = MemoryBlocks()
        self.sealed = MemorySealedRows(self.integrations)
        self.kept_requests = MemoryKeptRequests()

    async def lock(self, noun: str, entity_id: str) -> None:
        """Nothing to do: there is one transaction at a time."""

    async def require_clock(self) -> None:
        """Nothing to do: there is one clock."""

    async def moment(self, ours: datetime) -> datetime:
        """Return the one clock's."""
        return ours

    async def recording(self) -> bool:
        """Tell what a test has set."""
        return self.audit.is_recording

    def forget_user(self, user_id: str) -> None:
        self.organizations.forget_user(user_id)
        self.projects.forget_user(user_id)
        self.grants.forget_subject(user_id)
        for members in self.grants.groups.values():
            members.discard(user_id)
        self.api_tokens.forget_user(user_id)
        self.browser_sessions.forget_user(user_id)
        self.password_links.rows.pop(user_id, None)
        self.known_sources.forget_user(user_id)
