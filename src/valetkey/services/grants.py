"""Grants on locations, and the groups that they may be for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from valetkey.domain.access import Action
from valetkey.domain.credentials import MAX_TTL
from valetkey.domain.errors import InvalidInput
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.ids import IdFactory
from valetkey.domain.names import clean_name, clean_reason
from valetkey.domain.people import User
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.scope import AccessLevel, normalize_folder
from valetkey.domain.tags import user_tag
from valetkey.services.access import Access, Change, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import Ending, live_leases
from valetkey.services.lookup import missing
from valetkey.services.nouns import GROUP, LOCATION, ORGANIZATION

CREATE: Final = Verb("grant.create", Action.MANAGE_PROJECT)
READ: Final = Verb("grant.read", Action.MANAGE_PROJECT)
DELETE: Final = Verb("grant.delete", Action.MANAGE_PROJECT)
READ_GROUPS: Final = Verb("group.read", Action.READ_ORG)
CREATE_GROUP: Final = Verb("group.create", Action.MANAGE_ORG)
RENAME_GROUP: Final = Verb("group.update", Action.MANAGE_ORG)
DELETE_GROUP: Final = Verb("group.delete", Action.MANAGE_ORG)
ADD_MEMBER: Final = Verb("group.add", Action.MANAGE_ORG)
REMOVE_MEMBER: Final = Verb("group.remove", Action.MANAGE_ORG)


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What a person gives for a grant: whom it is for (an e-mail address, or a group's name or
    id), what it opens, until when, and why. Folders are below the location's own; ``""`` is all of
    it."""

    subject_kind: SubjectKind
    subject: str
    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    max_ttl: timedelta = MAX_TTL
    ends_at: datetime | None = None
    reason: str = ""


class Grants:
    """Grants are the project owner's, groups the organisation owner's."""

    def __init__(self, storage: Storage, audit: AuditLog, clock: Clock, new_id: IdFactory) -> None:
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Caller, location_id: str, new: NewGrant) -> Grant:
        """Grant folders and levels of a location to somebody of the organisation, or to a group.

        Raises InvalidInput (nobody of that name here, no folder, no level, an end that has passed),
        NotFound, Denied.
        """
        prefixes = self._checked(new)
        async with self._access.changing(caller, CREATE, LOCATION, location_id) as change:
            work, org_id = change.work, change.home.org_id
            subject_id, name = await _subject(work, org_id, new)
            grant = Grant(
                id=self._new_id(),
                location_id=change.entity.id,
                subject_kind=new.subject_kind,
                subject_id=subject_id,
                subject_name=name,
                prefixes=prefixes,
                levels=new.levels,
                max_ttl=new.max_ttl,
                creator=caller.principal.email,
                created_at=self._clock.now(),
                ends_at=new.ends_at,
                reason=clean_reason(new.reason),
            )
            await work.grants.add(grant)
            change.publish(map(user_tag, await _concerned(work, grant)))
            change.note(**_facts(grant))
        return grant

    def _checked(self, new: NewGrant) -> tuple[str, ...]:
        if not new.prefixes or not new.levels:
            raise InvalidInput(
                "The grant gives nothing.",
                hint="Name at least one folder ('' is all of the location) and one level.",
                field="prefixes",
            )
        if new.ends_at is not None and new.ends_at <= self._clock.now():
            raise InvalidInput(
                "The grant's end has passed already.",
                hint="Give a time to come, or none.",
                field="endsAt",
            )
        return tuple(sorted({normalize_folder(prefix) for prefix in new.prefixes}))

    async def of_location(self, caller: Caller, location_id: str) -> Sequence[Grant]:
        """List a location's grants, oldest first. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, LOCATION, location_id) as read:
            return await read.work.grants.of_location(location_id)

    async def get(self, caller: Caller, location_id: str, grant_id: str) -> Grant:
        """Return one grant of a location. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, LOCATION, location_id) as read:
            return await _grant(read.work, location_id, grant_id)

    async def delete(self, caller: Caller, location_id: str, grant_id: str) -> Ending:
        """Take a grant back; cached credentials of whom it was for are forgotten at once. Return
        which leases of the location they hold.

        Raises NotFound, Denied.
        """
        async with self._access.changing(caller, DELETE, LOCATION, location_id) as change:
            grant = await _grant(change.work, location_id, grant_id)
            concerned = await _concerned(change.work, grant)
            ending = await self._ending(change, concerned, [location_id])
            await change.work.grants.delete(grant_id)
            change.publish(map(user_tag, concerned))
            change.note(**_facts(grant))
        return ending

    async def _ending(
        self, change: Change[Any, UnitOfWork], users: Sequence[str], locations: Sequence[str]
    ) -> Ending:
        org_id, now = change.home.org_id, self._clock.now()
        return Ending(await live_leases(change.work, org_id, now, users=users, locations=locations))

    async def groups(self, caller: Caller, org_id: str) -> Sequence[Group]:
        """List an organisation's groups by name. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_GROUPS, ORGANIZATION, org_id) as read:
            return await read.work.groups.of_org(org_id)

    async def group(self, caller: Caller, org_id: str, group_id: str) -> Group:
        """Return one group. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_GROUPS, GROUP, group_id) as read:
            return _of(read.entity, org_id)

    async def create_group(self, caller: Caller, org_id: str, name: str) -> Group:
        """Make an empty group. Raises InvalidInput, Conflict (name taken), NotFound, Denied."""
        group = Group(self._new_id(), org_id, clean_name(name), self._clock.now())
        async with self._access.changing(caller, CREATE_GROUP, ORGANIZATION, org_id) as change:
            await change.work.groups.add(group)
            change.note(f"group:{group.id}", name=group.name)
        return group

    async def rename_group(self, caller: Caller, org_id: str, group_id: str, name: str) -> Group:
        """Give a group another name. Raises InvalidInput, Conflict (taken), NotFound, Denied."""
        async with self._access.changing(caller, RENAME_GROUP, GROUP, group_id) as change:
            change.entity = replace(_of(change.entity, org_id), name=clean_name(name))
        return change.entity

    async def delete_group(self, caller: Caller, org_id: str, group_id: str) -> Ending:
        """Forget a group and its grants. Return which leases its members hold of the locations
        that it had grants on. Raises NotFound, Denied."""
        async with self._access.changing(caller, DELETE_GROUP, GROUP, group_id) as change:
            group, work = _of(change.entity, org_id), change.work
            members = await work.groups.members(group.id)
            ending = await self._ending(change, members, await _locations_of(work, group))
            change.publish(map(user_tag, members))
            await work.groups.delete(group.id)
            change.note()
        return ending

    async def members(self, caller: Caller, org_id: str, group_id: str) -> Sequence[User]:
        """List a group's members by e-mail address. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_GROUPS, GROUP, group_id) as read:
            ids = await read.work.groups.members(_of(read.entity, org_id).id)
            users = [await read.work.users.get(user_id) for user_id in ids]
        return sorted(filter(None, users), key=lambda user: user.email)

    async def put_member(self, caller: Caller, org_id: str, group_id: str, email: str) -> User:
        """Put somebody of the organisation into a group. Raises InvalidInput, NotFound, Denied."""
        async with self._access.changing(caller, ADD_MEMBER, GROUP, group_id) as change:
            group, work = _of(change.entity, org_id), change.work
            await work.lock(ORGANIZATION.name, org_id)
            user = await _member(work, org_id, email)
            await work.groups.put_member(group.id, user.id)
            change.publish([user_tag(user.id)])
            change.note(member=user.email)
        return user

    async def remove_member(self, caller: Caller, org_id: str, group_id: str, email: str) -> Ending:
        """Take somebody out of a group. Return which leases they hold of the locations that it has
        grants on. Raises NotFound, Denied."""
        async with self._access.changing(caller, REMOVE_MEMBER, GROUP, group_id) as change:
            group, work = _of(change.entity, org_id), change.work
            user = await work.users.by_email(email.strip().lower())
            if user is None or not await work.groups.remove_member(group.id, user.id):
                raise missing(f"member:{email}")
            ending = await self._ending(change, [user.id], await _locations_of(work, group))
            change.publish([user_tag(user.id)])
            change.note(member=user.email)
        return ending


def _facts(grant: Grant) -> dict[str, Any]:
    return {
        "grant_id": grant.id,
        "to": f"{grant.subject_kind}:{grant.subject_name}",
        "prefixes": list(grant.prefixes),
        "access": sorted(grant.levels),
        "max_ttl": int(grant.max_ttl.total_seconds()),
        "ends_at": grant.ends_at.isoformat() if grant.ends_at else "",
        "reason_given": grant.reason,
    }


async def _grant(work: UnitOfWork, location_id: str, grant_id: str) -> Grant:
    grant = await work.grants.get(grant_id)
    if grant is None or grant.location_id != location_id:
        raise missing(f"grant:{grant_id}")
    return grant


async def _subject(work: UnitOfWork, org_id: str, new: NewGrant) -> tuple[str, str]:
    """Return the id and the name of whom a grant is for, who is there until it is stored: who is
    being removed meanwhile, or which group, is granted nothing. Raises InvalidInput."""
    if new.subject_kind is SubjectKind.USER:
        await work.lock(ORGANIZATION.name, org_id)
        user = await _member(work, org_id, new.subject)
        return user.id, user.email
    groups = await work.groups.of_org(org_id)
    found = next((group for group in groups if new.subject in {group.id, group.name}), None)
    if found is not None:
        await work.lock(GROUP.name, found.id)
        found = await work.groups.get(found.id)
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


def _of(group: Group, org_id: str) -> Group:
    if group.org_id != org_id:
        raise missing(f"group:{group.id}")
    return group


async def _concerned(work: UnitOfWork, grant: Grant) -> Sequence[str]:
    """Return the ids of everybody whom a grant concerns."""
    if grant.subject_kind is SubjectKind.GROUP:
        return await work.groups.members(grant.subject_id)
    return [grant.subject_id]


async def _locations_of(work: UnitOfWork, group: Group) -> Sequence[str]:
    return [grant.location_id for grant in await work.grants.of_group(group.id)]
