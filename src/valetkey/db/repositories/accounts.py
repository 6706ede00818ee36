"""The installation, people, organisations and projects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, delete, select, update

from valetkey.db.errors import conflict, in_use
from valetkey.db.repositories.rows import Repository, from_row, sealed_row, to_row
from valetkey.db.tables import accounts as t
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import Conflict
from valetkey.domain.people import (
    Organization,
    OrgMember,
    Project,
    ProjectMember,
    User,
    UserKind,
)
from valetkey.domain.ports import Installation
from valetkey.domain.sealing import SealedSecret


class SqlInstallations(Repository):
    """Implements ports.Installations."""

    async def get(self) -> Installation | None:
        row = await self._one(select(t.installations))
        if row is None:
            return None
        return Installation(row.id, row.created_at, from_row(SealedSecret, row))

    async def add(self, installation: Installation) -> None:
        row = {"only": "only", "id": installation.id, "created_at": installation.created_at}
        with conflict("This database already has an installation.", "Use it.", kind=Conflict):
            await self._insert(t.installations, row | sealed_row(installation.sealed_token_key))


class SqlUsers(Repository):
    """Implements ports.UserRepository."""

    async def add(self, user: User) -> None:
        with conflict(f"There is a user {user.email} already."):
            await self._insert(t.users, to_row(user))

    async def get(self, user_id: str) -> User | None:
        return _user(await self._one(select(t.users).where(t.users.c.id == user_id)))

    async def by_email(self, email: str) -> User | None:
        return _user(await self._one(select(t.users).where(t.users.c.email == email)))

    async def by_emails(self, emails: Collection[str]) -> Sequence[User]:
        query = select(t.users).where(t.users.c.email.in_(sorted(emails)))
        return [_user_of(row) for row in await self._all(query)]

    async def of_project(self, project_id: str) -> Sequence[User]:
        query = select(t.users).where(t.users.c.project_id == project_id).order_by(t.users.c.name)
        return [_user_of(row) for row in await self._all(query)]

    async def end_sign_ins(self, user: User, password_hash: str) -> bool:
        table = t.users
        match = (table.c.id == user.id, table.c.generation == user.generation)
        change = update(table).where(*match)
        return await self._change(
            change.values(password_hash=password_hash, generation=user.generation + 1)
        )

    async def delete(self, user_id: str) -> bool:
        return await self._change(delete(t.users).where(t.users.c.id == user_id))


class SqlOrganizations(Repository):
    """Implements ports.OrganizationRepository."""

    async def add(self, org: Organization) -> None:
        await self._insert(t.organizations, to_row(org))

    async def get(self, org_id: str) -> Organization | None:
        row = await self._one(select(t.organizations).where(t.organizations.c.id == org_id))
        return from_row(Organization, row) if row else None

    async def save(self, org: Organization) -> Organization:
        return replace(org, version=await self._save(t.organizations, to_row(org)))

    async def of_user(self, user_id: str) -> Sequence[Organization]:
        query = (
            select(t.organizations)
            .join(t.org_members, t.org_members.c.org_id == t.organizations.c.id)
            .where(t.org_members.c.user_id == user_id)
            .order_by(t.organizations.c.id)
        )
        return [from_row(Organization, row) for row in await self._all(query)]

    async def members(self, org_id: str) -> Sequence[OrgMember]:
        query = _org_members().where(t.org_members.c.org_id == org_id)
        return [_org_member(row) for row in await self._all(query)]

    async def memberships(self, user_id: str) -> Sequence[OrgMember]:
        query = _org_members().where(t.org_members.c.user_id == user_id)
        return [_org_member(row) for row in await self._all(query)]

    async def put_member(self, member: OrgMember) -> None:
        key = {"org_id": member.org_id, "user_id": member.user_id}
        await self._put(t.org_members, key, {"role": member.role.value})

    async def remove_member(self, org_id: str, user_id: str) -> bool:
        table = t.org_members
        match = (table.c.org_id == org_id, table.c.user_id == user_id)
        return await self._change(delete(table).where(*match))


class SqlProjects(Repository):
    """Implements ports.ProjectRepository."""

    async def add(self, project: Project) -> None:
        with conflict(f"There is a project {project.name!r} already."):
            await self._insert(t.projects, to_row(project))

    async def get(self, project_id: str) -> Project | None:
        row = await self._one(select(t.projects).where(t.projects.c.id == project_id))
        return from_row(Project, row) if row else None

    async def save(self, project: Project) -> Project:
        with conflict(f"There is a project {project.name!r} already."):
            return replace(project, version=await self._save(t.projects, to_row(project)))

    async def of_org(self, org_id: str) -> Sequence[Project]:
        query = select(t.projects).where(t.projects.c.org_id == org_id).order_by(t.projects.c.id)
        return [from_row(Project, row) for row in await self._all(query)]

    async def members(self, project_id: str) -> Sequence[ProjectMember]:
        query = _project_members().where(t.project_members.c.project_id == project_id)
        return [_project_member(row) for row in await self._all(query)]

    async def memberships(self, user_id: str) -> Sequence[ProjectMember]:
        query = _project_members().where(t.project_members.c.user_id == user_id)
        return [_project_member(row) for row in await self._all(query)]

    async def put_member(self, member: ProjectMember) -> None:
        key = {"project_id": member.project_id, "user_id": member.user_id}
        await self._put(t.project_members, key, {"role": member.role.value})

    async def remove_member(self, project_id: str, user_id: str) -> bool:
        table = t.project_members
        match = (table.c.project_id == project_id, table.c.user_id == user_id)
        return await self._change(delete(table).where(*match))

    async def delete(self, project_id: str) -> bool:
        with in_use("The project has locations or service accounts.", "Delete those first."):
            return await self._change(delete(t.projects).where(t.projects.c.id == project_id))


def _user(row: Row[Any] | None) -> User | None:
    return _user_of(row) if row else None


def _user_of(row: Row[Any]) -> User:
    return from_row(User, row, kind=UserKind(row.kind))


def _org_members() -> Select[Any]:
    query = select(t.org_members, t.users.c.email)
    return query.join(t.users, t.users.c.id == t.org_members.c.user_id).order_by(t.users.c.email)


def _org_member(row: Row[Any]) -> OrgMember:
    return from_row(OrgMember, row, role=OrgRole(row.role))


def _project_members() -> Select[Any]:
    query = select(t.project_members, t.users.c.email)
    return query.join(t.users, t.users.c.id == t.project_members.c.user_id).order_by(
        t.users.c.email
    )


def _project_member(row: Row[Any]) -> ProjectMember:
    return from_row(ProjectMember, row, role=ProjectRole(row.role))
