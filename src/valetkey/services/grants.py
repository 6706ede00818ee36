"""Grants on locations, and the groups that they may be for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from valetkey.domain.access import Action
from valetkey.domain.credentials import MAX_TTL
from valetkey.domain.errors import InvalidInput
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.ids import IdFactory
from valetkey.domain.location import Location
from valetkey.domain.names import clean_name
from valetkey.domain.people import Project, User
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.scope import AccessLevel, normalize_folder
from valetkey.domain.tags import user_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_location, load_project, missing


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What a person gives for a grant: whom it is for (an e-mail address, or a group's name or
    id), and what it opens. Folders are below the location's own; ``""`` is all of it."""

    subject_kind: SubjectKind
    subject: str
    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    max_ttl: timedelta = MAX_TTL


class Grants:
    """Grants are the project owner's, groups the organisation owner's."""

    def __init__(self, storage: Storage, audit: AuditLog, clock: Clock, new_id: IdFactory) -> None:
        self._storage = storage
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Caller, location_id: str, new: NewGrant) -> Grant:
        """Grant folders and levels of a location to somebody of the organisation, or to a group.

        Raises InvalidInput (nobody of that name here, no folder, no level), NotFound, Denied.
        """
        location, project = await self._location(caller, location_id)
        if not new.prefixes or not new.levels:
            raise InvalidInput(
                "The grant gives nothing.",
                hint="Name at least one folder ('' is all of the location) and one level.",
                field="prefixes",
            )
        prefixes = tuple(sorted({normalize_folder(prefix) for prefix in new.prefixes}))
        async with self._storage.begin() as work:
            subject_id, name = await _subject(work, project.org_id, new)
            grant = Grant(
                id=self._new_id(),
                location_id=location.id,
                subject_kind=new.subject_kind,
                subject_id=subject_id,
                subject_name=name,
                prefixes=prefixes,
                levels=new.levels,
                max_ttl=new.max_ttl,
                creator=caller.principal.email,
                created_at=self._clock.now(),
            )
            await work.grants.add(grant)
            await _tell(work, grant)
            await self._note(work, caller, project.org_id, "grant.create", grant)
        return grant

    async def of_location(self, caller: Caller, location_id: str) -> Sequence[Grant]:
        """List a location's grants, oldest first. Raises NotFound, Denied."""
        await self._location(caller, location_id)
        async with self._storage.read() as work:
            return await work.grants.of_location(location_id)

    async def delete(self, caller: Caller, location_id: str, grant_id: str) -> None:
        """Take a grant back; cached credentials of whom it was for are forgotten at once.

        Raises NotFound, Denied.
        """
        _, project = await self._location(caller, location_id)
        async with self._storage.begin() as work:
            grant = await work.grants.get(grant_id)
            if grant is None or grant.location_id != location_id:
                raise missing(f"grant:{grant_id}")
            await work.grants.delete(grant_id)
            await _tell(work, grant)
            await self._note(work, caller, project.org_id, "grant.delete", grant)

    async def groups(self, caller: Caller, org_id: str) -> Sequence[Group]:
        """List an organisation's groups by name. Raises NotFound, Denied."""
        await self._in_org(caller, Action.READ_ORG, org_id)
        async with self._storage.read() as work:
            return await work.groups.of_org(org_id)

    async def create_group(self, caller: Caller, org_id: str, name: str) -> Group:
        """Make an empty group. Raises InvalidInput, Conflict (name taken), NotFound, Denied."""
        await self._in_org(caller, Action.MANAGE_ORG, org_id)
        group = Group(self._new_id(), org_id, clean_name(name), self._clock.now())
        async with self._storage.begin() as work:
            await work.groups.add(group)
            await self._note_group(work, caller, "group.create", group)
        return group

    async def delete_group(self, caller: Caller, org_id: str, group_id: str) -> None:
        """Forget a group and its grants. Raises NotFound, Denied."""
        await self._in_org(caller, Action.MANAGE_ORG, org_id)
        async with self._storage.begin() as work:
            group = await _group(work, org_id, group_id)
            await work.invalidations.publish(map(user_tag, await work.groups.members(group.id)))
            await work.groups.delete(group.id)
            await self._note_group(work, caller, "group.delete", group)

    async def members(self, caller: Caller, org_id: str, group_id: str) -> Sequence[User]:
        """List a group's members by e-mail address. Raises NotFound, Denied."""
        await self._in_org(caller, Action.READ_ORG, org_id)
        async with self._storage.read() as work:
            group = await _group(work, org_id, group_id)
            ids = await work.groups.members(group.id)
            users = [await work.users.get(user_id) for user_id in ids]
        return sorted(filter(None, users), key=lambda user: user.email)

    async def put_member(self, caller: Caller, org_id: str, group_id: str, email: str) -> User:
        """Put somebody of the organisation into a group. Raises InvalidInput, NotFound, Denied."""
        await self._in_org(caller, Action.MANAGE_ORG, org_id)
        async with self._storage.begin() as work:
            group = await _group(work, org_id, group_id)
            user = await _member(work, org_id, email)
            await work.groups.put_member(group.id, user.id)
            await work.invalidations.publish([user_tag(user.id)])
            await self._note_group(work, caller, "group.add", group, member=user.email)
        return user

    async def remove_member(self, caller: Caller, org_id: str, group_id: str, email: str) -> None:
        """Take somebody out of a group. Raises NotFound, Denied."""
        await self._in_org(caller, Action.MANAGE_ORG, org_id)
        async with self._storage.begin() as work:
            group = await _group(work, org_id, group_id)
            user = await work.users.by_email(email.strip().lower())
            if user is None or not await work.groups.remove_member(group.id, user.id):
                raise missing(f"member:{email}")
            await work.invalidations.publish([user_tag(user.id)])
            await self._note_group(work, caller, "group.remove", group, member=user.email)

    async def _location(self, caller: Caller, location_id: str) -> tuple[Location, Project]:
        async with self._storage.read() as work:
            location = await load_location(work, location_id)
            project = await load_project(work, location.project_id)
        await self._guard.require(
            caller,
            Action.MANAGE_PROJECT,
            org_id=project.org_id,
            project_id=project.id,
            subject=f"location:{location_id}",
        )
        return location, project

    async def _in_org(self, caller: Caller, action: Action, org_id: str) -> None:
        await self._guard.require(caller, action, org_id=org_id, subject=f"organisation:{org_id}")

    async def _note(
        self, work: UnitOfWork, caller: Caller, org_id: str, action: str, grant: Grant
    ) -> None:
        event = self._audit.event(
            caller,
            action,
            f"location:{grant.location_id}",
            org_id=org_id,
            grant_id=grant.id,
            to=f"{grant.subject_kind}:{grant.subject_name}",
            prefixes=list(grant.prefixes),
            access=sorted(grant.levels),
            max_ttl=int(grant.max_ttl.total_seconds()),
        )
        await work.audit.append([event])

    async def _note_group(
        self, work: UnitOfWork, caller: Caller, action: str, group: Group, **facts: Any
    ) -> None:
        event = self._audit.event(
            caller, action, f"group:{group.id}", org_id=group.org_id, name=group.name, **facts
        )
        await work.audit.append([event])


async def _subject(work: UnitOfWork, org_id: str, new: NewGrant) -> tuple[str, str]:
    """Return the id and the name of whom a grant is for. Raises InvalidInput."""
    if new.subject_kind is SubjectKind.USER:
        user = await _member(work, org_id, new.subject)
        return user.id, user.email
    groups = await work.groups.of_org(org_id)
    found = next((group for group in groups if new.subject in {group.id, group.name}), None)
    if found is None:
        raise InvalidInput(
            f"There is no group {new.subject[:80]!r} in this organisation.",
            hint="List the groups, or make one.",
            field="group",
        )
    return found.id, found.name


async def _member(work: UnitOfWork, org_id: str, email: str) -> User:
    user = await work.users.by_email(email.strip().lower())
    memberships: Iterable[Any] = await work.organizations.memberships(user.id) if user else ()
    if user is None or org_id not in {member.org_id for member in memberships}:
        raise InvalidInput(
            f"{email[:80]!r} is not a member of the organisation.",
            hint="Add them to the organisation first.",
            field="user",
        )
    return user


async def _group(work: UnitOfWork, org_id: str, group_id: str) -> Group:
    group = await work.groups.get(group_id)
    if group is None or group.org_id != org_id:
        raise missing(f"group:{group_id}")
    return group


async def _tell(work: UnitOfWork, grant: Grant) -> None:
    """Have everybody whom a grant concerns looked at anew."""
    concerned: Sequence[str] = [grant.subject_id]
    if grant.subject_kind is SubjectKind.GROUP:
        concerned = await work.groups.members(grant.subject_id)
    await work.invalidations.publish(map(user_tag, concerned))
