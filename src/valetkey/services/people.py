"""Organisations, projects and who belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from valetkey.domain.access import Action, OrgRole, ProjectRole, role_gives, role_word
from valetkey.domain.errors import Conflict, InvalidInput, NotFound
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.location import Location
from valetkey.domain.names import clean_name
from valetkey.domain.people import (
    Organization,
    OrgMember,
    Project,
    ProjectMember,
    User,
    parse_email,
)
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.secret import Secret
from valetkey.domain.tags import user_tag
from valetkey.identity.joining import admit
from valetkey.identity.leaving import Departed, Leaving
from valetkey.identity.passwords import PasswordCheck
from valetkey.services.access import Access, Change, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import Ending, live_leases
from valetkey.services.lookup import missing
from valetkey.services.nouns import ORGANIZATION, PROJECT

READ_ORG: Final = Verb("organisation.read", Action.READ_ORG)
UPDATE_ORG: Final = Verb("organisation.update", Action.MANAGE_ORG)
PUT_MEMBER: Final = Verb("member.put", Action.MANAGE_ORG)
REMOVE_MEMBER: Final = Verb("member.remove", Action.MANAGE_ORG)
CREATE_PROJECT: Final = Verb("project.create", Action.CREATE_PROJECT)
READ_PROJECT: Final = Verb("project.read", Action.READ_PROJECT)
UPDATE_PROJECT: Final = Verb("project.update", Action.MANAGE_PROJECT)
DELETE_PROJECT: Final = Verb("project.delete", Action.MANAGE_PROJECT)
PUT_PROJECT_MEMBER: Final = Verb("member.put", Action.MANAGE_PROJECT)
REMOVE_PROJECT_MEMBER: Final = Verb("member.remove", Action.MANAGE_PROJECT)


class People:
    """Organisations, projects and members."""

    def __init__(
        self,
        storage: Storage,
        passwords: PasswordCheck,
        leaving: Leaving,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._passwords = passwords
        self._leaving = leaving
        self._clock = clock
        self._new_id = new_id

    async def organizations(self, caller: Caller) -> Sequence[Organization]:
        """List the organisations that the caller belongs to."""
        async with self._storage.read() as work:
            return await work.organizations.of_user(caller.principal.user_id)

    async def organization(self, caller: Caller, org_id: str) -> Organization:
        """Return one organisation. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_ORG, ORGANIZATION, org_id) as read:
            return read.entity

    async def update_org(
        self, caller: Caller, org_id: str, *, name: str | None = None
    ) -> Organization:
        """Give an organisation another name; None stays. Raises InvalidInput, NotFound, Denied."""
        async with self._access.changing(caller, UPDATE_ORG, ORGANIZATION, org_id) as change:
            if name is not None:
                change.entity = replace(change.entity, name=clean_name(name))
        return change.entity

    async def known_by(self, emails: Collection[str]) -> Mapping[str, User]:
        """Return the accounts that there are with these addresses, by them: whose address
        somebody was shown, they may know by its id."""
        if not emails:
            return {}
        async with self._storage.read() as work:
            return {user.email: user for user in await work.users.by_emails(emails)}

    async def org_members(self, caller: Caller, org_id: str) -> Sequence[OrgMember]:
        """List an organisation's members. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_ORG, ORGANIZATION, org_id) as read:
            return await read.work.organizations.members(org_id)

    async def put_org_member(
        self,
        caller: Caller,
        org_id: str,
        email: str,
        role: OrgRole,
        *,
        password: Secret | None = None,
        by_link: bool = False,
    ) -> tuple[OrgMember, Ending | None]:
        """Add somebody to an organisation, or change the role of a member. Return what an owner
        who steps down still holds that no role of theirs gives any more.

        ``password`` is for somebody new here, or who has left; with ``by_link`` they have none
        until they use a password link. Raises InvalidInput, Conflict (the last owner can't
        step down), NotFound, Denied.
        """
        address = parse_email(email)
        # Nobody without the right is worth the work of a hash.
        await self._access.require(caller, PUT_MEMBER, ORGANIZATION, org_id)
        new_user = await self._new_user(address, password, by_link=by_link)
        async with self._access.changing(caller, PUT_MEMBER, ORGANIZATION, org_id) as change:
            work = change.work
            user = await admit(work, address, new_user)
            was_owner = await _is_owner(work, org_id, user)
            if role is not OrgRole.OWNER:
                await _keep_an_owner(work, org_id, user.id)
            member = OrgMember(org_id, user.id, user.email, role)
            await work.organizations.put_member(member)
            change.publish([user_tag(user.id)])
            change.note(f"member:{member.email}", role=role.value)
            lower = was_owner and role is not OrgRole.OWNER
            ending = await self._held_by_owner(work, org_id, user) if lower else None
        return member, ending

    async def remove_org_member(self, caller: Caller, org_id: str, email: str) -> Departed:
        """Take somebody out of an organisation: memberships, grants, tokens, sign-ins and AWS
        sessions end. The answer says what could not be ended, and until when it lives.

        Raises Conflict (the last owner stays), InvalidInput (a service account), NotFound, Denied.
        """
        async with self._access.changing(caller, REMOVE_MEMBER, ORGANIZATION, org_id) as change:
            work = change.work
            user = await _user(work, email)
            await _keep_an_owner(work, org_id, user.id)
            memberships = await work.organizations.memberships(user.id)
            if org_id not in {member.org_id for member in memberships}:
                raise missing(f"member:{email}")
            left = await self._leaving.end_membership(work, change.caller, org_id, user)
            change.note(f"member:{user.email}", tokens=left.tokens)
        return await self._leaving.revoke_leases(caller, org_id, left)

    async def create_project(self, caller: Caller, org_id: str, name: str) -> Project:
        """Make a project; the caller is its owner. Raises InvalidInput, Conflict, NotFound."""
        now, principal = self._clock.now(), caller.principal
        project = Project(self._new_id(), org_id, clean_name(name), principal.email, now, now)
        owner = ProjectMember(project.id, principal.user_id, principal.email, ProjectRole.OWNER)
        async with self._access.changing(caller, CREATE_PROJECT, ORGANIZATION, org_id) as change:
            await change.work.projects.add(project)
            await change.work.projects.put_member(owner)
            change.publish([user_tag(principal.user_id)])
            change.note(f"project:{project.id}", name=project.name)
        return project

    async def projects(self, caller: Caller) -> Sequence[Project]:
        """List the projects that the caller may see, oldest first."""
        principal = caller.principal
        async with self._storage.read() as work:
            found = [
                project
                for org_id in principal.org_roles
                for project in await work.projects.of_org(org_id)
            ]
        return [
            project
            for project in sorted(found, key=lambda project: project.id)
            if project.id in principal.project_roles
            or principal.org_roles[project.org_id] is OrgRole.OWNER
        ]

    async def project(self, caller: Caller, project_id: str) -> Project:
        """Return one project. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_PROJECT, PROJECT, project_id) as read:
            return read.entity

    async def update_project(
        self,
        caller: Caller,
        project_id: str,
        *,
        name: str | None = None,
        default_location_id: str | None = None,
    ) -> Project:
        """Give a project another name, or another location where datasets go that name none (an
        empty id: none); None stays.

        Raises InvalidInput (no location of the project), Conflict (taken), NotFound, Denied.
        """
        async with self._access.changing(caller, UPDATE_PROJECT, PROJECT, project_id) as change:
            before = after = change.entity
            if name is not None:
                after = replace(after, name=clean_name(name))
            if default_location_id is not None:
                after = replace(after, default_location_id=default_location_id)
            if default_location_id and default_location_id != before.default_location_id:
                locations = await change.work.locations.of_project(project_id)
                _require_one_of(locations, default_location_id)
            if after != before:
                change.entity = replace(after, updated_at=self._clock.now())
        return change.entity

    async def delete_project(self, caller: Caller, project_id: str) -> None:
        """Delete a project. Raises InUse while it has locations, NotFound, Denied."""
        async with self._access.changing(caller, DELETE_PROJECT, PROJECT, project_id) as change:
            await change.work.projects.delete(project_id)
            change.note()

    async def project_members(self, caller: Caller, project_id: str) -> Sequence[ProjectMember]:
        """List a project's members. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ_PROJECT, PROJECT, project_id) as read:
            return await read.work.projects.members(project_id)

    async def put_project_member(
        self, caller: Caller, project_id: str, email: str, role: ProjectRole
    ) -> tuple[ProjectMember, Ending | None]:
        """Give somebody of the organisation a role in a project, or change it. Return, where their
        role gives no credentials any more, which leases they hold of the project's locations.

        Raises NotFound (not a member of the organisation), Denied.
        """
        async with self._access.changing(caller, PUT_PROJECT_MEMBER, PROJECT, project_id) as change:
            work, org_id = change.work, change.home.org_id
            # Who is being removed from the organisation must not come back by this door.
            await work.lock(ORGANIZATION.name, org_id)
            user = await _user(work, email)
            memberships = await work.organizations.memberships(user.id)
            if org_id not in {member.org_id for member in memberships}:
                raise missing(f"member:{email}")
            member = ProjectMember(project_id, user.id, user.email, role)
            before = await _roles(work, user)
            await work.projects.put_member(member)
            change.publish([user_tag(user.id)])
            change.note(f"member:{user.email}", project_id=project_id, role=role_word(role))
            lower = _vends(before.get(project_id)) and not _vends(role)
            ending = await self._ending(change, user) if lower else None
        return member, ending

    async def remove_project_member(self, caller: Caller, project_id: str, email: str) -> Ending:
        """Take somebody out of a project; their own grants on its locations end too, and their
        tokens that are limited to these. Return which leases they hold of its locations.

        Raises NotFound, Denied.
        """
        async with self._access.changing(
            caller, REMOVE_PROJECT_MEMBER, PROJECT, project_id
        ) as change:
            user = await _user(change.work, email)
            if not await change.work.projects.remove_member(project_id, user.id):
                raise missing(f"member:{email}")
            tokens = await self._leaving.end_in_project(
                change.work, change.caller, project_id, user
            )
            ending = await self._ending(change, user)
            change.publish([user_tag(user.id)])
            change.note(f"member:{user.email}", project_id=project_id, tokens=tokens)
        return ending

    async def _ending(self, change: Change[Project, UnitOfWork], user: User) -> Ending:
        locations = await change.work.locations.of_project(change.entity.id)
        return await self._held(change.work, change.home.org_id, user, locations)

    async def _held_by_owner(self, work: UnitOfWork, org_id: str, user: User) -> Ending:
        roles = await _roles(work, user)
        locations = [
            location
            for project, location in await work.locations.of_org(org_id)
            if not _vends(roles.get(project.id))
        ]
        return await self._held(work, org_id, user, locations)

    async def _held(
        self, work: UnitOfWork, org_id: str, user: User, locations: Sequence[Location]
    ) -> Ending:
        ids, now = [location.id for location in locations], self._clock.now()
        return Ending(await live_leases(work, org_id, now, users=[user.id], locations=ids))

    async def _new_user(self, email: str, password: Secret | None, *, by_link: bool) -> User | None:
        if password is None and not by_link:
            return None
        password_hash = "" if password is None else await self._passwords.hash(password)
        now = self._clock.now()
        return User(self._new_id(), email, password_hash, now)


def _require_one_of(locations: Sequence[Location], location_id: str) -> None:
    if location_id not in {each.id for each in locations}:
        raise InvalidInput(
            f"There is no location {ascii(location_id)[:80]} in this project.",
            hint="List the project's locations and use one's id.",
            field="defaultLocationId",
        )


async def _is_owner(work: UnitOfWork, org_id: str, user: User) -> bool:
    memberships = await work.organizations.memberships(user.id)
    return any(each.org_id == org_id and each.role is OrgRole.OWNER for each in memberships)


async def _roles(work: UnitOfWork, user: User) -> Mapping[str, ProjectRole]:
    """Return somebody's roles by the ids of projects."""
    return {each.project_id: each.role for each in await work.projects.memberships(user.id)}


def _vends(role: ProjectRole | None) -> bool:
    return role_gives(role, Action.VEND)


async def _user(work: UnitOfWork, who: str) -> User:
    """Return somebody by e-mail address or by id: Dataloop's SDK knows members by either."""
    user = await work.users.by_email(who.strip().lower())
    if user is None and is_id(who):
        user = await work.users.get(who)
    if user is None:
        raise NotFound(f"There is no member {who!r}.", hint="List the members.")
    return user


async def _keep_an_owner(work: UnitOfWork, org_id: str, leaving_user_id: str) -> None:
    """Refuse to let the last owner go: nobody could manage the organisation any more."""
    members = await work.organizations.members(org_id)
    owners = {member.user_id for member in members if member.role is OrgRole.OWNER}
    if owners == {leaving_user_id}:
        raise Conflict(
            "This is the organisation's last owner.",
            hint="Make somebody else an owner first.",
            code="last_owner",
        )
