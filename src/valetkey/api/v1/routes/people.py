"""Organisations, projects, and who belongs to them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.v1.asking import Ask, route
from valetkey.api.v1.orgs import which_org
from valetkey.api.v1.pages import part
from valetkey.domain import people as domain
from valetkey.domain.access import OrgRole, Principal, ProjectRole
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.secret import Secret
from valetkey.services.lookup import missing
from valetkey.wire import people as wire
from valetkey.wire.base import Nothing, Page, Paging

#: Dataloop's word for a developer is in the domain.
_TO_WIRE: Final[dict[ProjectRole, wire.ProjectRole]] = {
    ProjectRole.OWNER: "owner",
    ProjectRole.DEVELOPER: "developer",
    ProjectRole.ANNOTATION_MANAGER: "annotationManager",
    ProjectRole.ANNOTATOR: "annotator",
}
_FROM_WIRE: Final = {word: role for role, word in _TO_WIRE.items()}


def project_role(principal: Principal, project: domain.Project) -> wire.ProjectRole | None:
    """Return somebody's role in a project; an organisation's owner is owner of all of them."""
    if principal.org_roles.get(project.org_id) is OrgRole.OWNER:
        return "owner"
    role = principal.project_roles.get(project.id)
    return _TO_WIRE[role] if role is not None else None


def _org(principal: Principal, org: domain.Organization) -> wire.Org:
    role = principal.org_roles.get(org.id)
    return wire.Org(
        id=org.id,
        name=org.name,
        created_at=org.created_at,
        version=org.version,
        role=role.value if role is not None else None,
    )


def _org_member(member: domain.OrgMember) -> wire.OrgMember:
    return wire.OrgMember(
        id=member.user_id, email=member.email, role=member.role.value, org_id=member.org_id
    )


def _project(principal: Principal, project: domain.Project) -> wire.Project:
    return wire.Project(
        id=project.id,
        org_id=project.org_id,
        name=project.name,
        creator=project.creator,
        created_at=project.created_at,
        updated_at=project.updated_at,
        version=project.version,
        role=project_role(principal, project),
    )


def _project_member(member: domain.ProjectMember) -> wire.ProjectMember:
    return wire.ProjectMember(
        id=member.user_id,
        email=member.email,
        role=_TO_WIRE[member.role],
        project_id=member.project_id,
    )


async def list_orgs(ask: Ask[Paging, Nothing]) -> Page[wire.Org]:
    found = await ask.services.people.organizations(ask.caller)
    principal = ask.caller.principal
    return part(found, ask.query, lambda org: (org.name, org.id), lambda org: _org(principal, org))


async def get_org(ask: Ask[Nothing, Nothing]) -> wire.Org:
    found = await ask.services.people.organization(ask.caller, ask["orgId"])
    return _org(ask.caller.principal, found)


async def list_org_members(ask: Ask[Paging, Nothing]) -> Page[wire.OrgMember]:
    found = await ask.services.people.org_members(ask.caller, ask["orgId"])
    return part(found, ask.query, lambda each: (each.email, each.user_id), _org_member)


async def _known_org_member(ask: Ask[Any, Any]) -> domain.OrgMember:
    found = await ask.services.people.org_members(ask.caller, ask["orgId"])
    for member in found:
        if ask["userId"] in {member.user_id, member.email}:
            return member
    raise missing(f"member:{ask['userId'][:80]}")


async def add_org_member(ask: Ask[Nothing, wire.NewOrgMember]) -> wire.OrgMember:
    body = ask.body
    password = Secret(body.password) if body.password is not None else None
    may_tell = ask.caller.principal.org_roles.get(ask["orgId"]) is OrgRole.OWNER
    members = await ask.services.people.org_members(ask.caller, ask["orgId"]) if may_tell else ()
    if body.email.strip().lower() in {member.email for member in members}:
        raise Conflict(
            f"{body.email.strip().lower()} belongs to the organisation already.",
            hint="Change their role instead.",
            code="name_taken",
            field="email",
        )
    member = await ask.services.people.put_org_member(
        ask.caller,
        ask["orgId"],
        body.email,
        OrgRole(body.role),
        password=password,
        by_link=body.by_link,
    )
    return _org_member(member)


async def get_org_member(ask: Ask[Nothing, Nothing]) -> wire.OrgMember:
    return _org_member(await _known_org_member(ask))


async def update_org_member(ask: Ask[Nothing, wire.OrgMemberChange]) -> wire.OrgMember:
    member = await _known_org_member(ask)
    changed = await ask.services.people.put_org_member(
        ask.caller._replace(expected_version=None),
        member.org_id,
        member.email,
        OrgRole(ask.body.role),
    )
    return _org_member(changed)


async def remove_org_member(ask: Ask[Nothing, Nothing]) -> wire.Departure:
    left = await ask.services.people.remove_org_member(ask.caller, ask["orgId"], ask["userId"])
    return wire.Departure(
        email=left.email,
        tokens=left.tokens,
        sessions=left.browser_sessions,
        leases=left.leases,
        remaining=[
            wire.Remaining(kind=each.kind, id=each.id, until=each.until, reason=each.reason)
            for each in left.remaining
        ],
    )


async def create_password_link(ask: Ask[Nothing, wire.NewPasswordLink]) -> wire.PasswordLink:
    links, org_id = ask.services.password_links, ask["orgId"]
    link, secret = await links.create(ask.caller, org_id, ask.body.email)
    path = f"/console/password?link={secret.reveal()}"
    return wire.PasswordLink(path=path, created_at=link.created_at, expires_at=link.expires_at)


async def list_projects(ask: Ask[wire.ProjectsQuery, Nothing]) -> Page[wire.Project]:
    principal, query = ask.caller.principal, ask.query
    found = [
        project
        for project in await ask.services.people.projects(ask.caller)
        if query.org_id in {None, project.org_id} and query.name in {None, project.name}
    ]
    return part(found, query, lambda each: (each.name, each.id), lambda it: _project(principal, it))


async def create_project(ask: Ask[Nothing, wire.NewProject]) -> wire.Project:
    org_id = which_org(ask.caller, ask.body.org_id)
    made = await ask.services.people.create_project(ask.caller, org_id, ask.body.name)
    return msgspec.structs.replace(_project(ask.caller.principal, made), role="owner")


async def get_project(ask: Ask[Nothing, Nothing]) -> wire.Project:
    found = await ask.services.people.project(ask.caller, ask["projectId"])
    return _project(ask.caller.principal, found)


async def update_project(ask: Ask[Nothing, wire.ProjectChange]) -> wire.Project:
    people = ask.services.people
    if ask.body.name is msgspec.UNSET:
        return await get_project(Ask(ask.services, ask.caller, ask.path, Nothing(), Nothing()))
    changed = await people.rename_project(ask.caller, ask["projectId"], ask.body.name)
    return _project(ask.caller.principal, changed)


async def delete_project(ask: Ask[Nothing, Nothing]) -> Nothing:
    await ask.services.people.delete_project(ask.caller, ask["projectId"])
    return Nothing()


async def list_project_members(ask: Ask[Paging, Nothing]) -> Page[wire.ProjectMember]:
    found = await ask.services.people.project_members(ask.caller, ask["projectId"])
    return part(found, ask.query, lambda each: (each.email, each.user_id), _project_member)


async def get_project_member(ask: Ask[Nothing, Nothing]) -> wire.ProjectMember:
    for member in await ask.services.people.project_members(ask.caller, ask["projectId"]):
        if ask["userId"] in {member.user_id, member.email}:
            return _project_member(member)
    raise missing(f"member:{ask['userId'][:80]}")


async def put_project_member(ask: Ask[Nothing, wire.ProjectMembership]) -> wire.ProjectMember:
    member = await ask.services.people.put_project_member(
        ask.caller, ask["projectId"], ask["userId"], role_of(ask.body.role)
    )
    return _project_member(member)


def role_of(word: str) -> ProjectRole:
    if word not in _FROM_WIRE:
        raise InvalidInput("There is no such role.", hint=f"Use {', '.join(_FROM_WIRE)}.")
    return _FROM_WIRE[word]


async def remove_project_member(ask: Ask[Nothing, Nothing]) -> Nothing:
    await ask.services.people.remove_project_member(ask.caller, ask["projectId"], ask["userId"])
    return Nothing()


ROUTES: Final = (
    route(wire.LIST_ORGS, list_orgs),
    route(wire.GET_ORG, get_org),
    route(wire.LIST_ORG_MEMBERS, list_org_members),
    route(wire.ADD_ORG_MEMBER, add_org_member),
    route(wire.GET_ORG_MEMBER, get_org_member),
    route(wire.UPDATE_ORG_MEMBER, update_org_member),
    route(wire.REMOVE_ORG_MEMBER, remove_org_member),
    route(wire.CREATE_PASSWORD_LINK, create_password_link),
    route(wire.LIST_PROJECTS, list_projects),
    route(wire.CREATE_PROJECT, create_project),
    route(wire.GET_PROJECT, get_project),
    route(wire.UPDATE_PROJECT, update_project),
    route(wire.DELETE_PROJECT, delete_project),
    route(wire.LIST_PROJECT_MEMBERS, list_project_members),
    route(wire.GET_PROJECT_MEMBER, get_project_member),
    route(wire.PUT_PROJECT_MEMBER, put_project_member),
    route(wire.REMOVE_PROJECT_MEMBER, remove_project_member),
)
