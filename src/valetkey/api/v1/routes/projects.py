"""Projects, and who belongs to them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.orgs import which_org
from valetkey.api.v1.pages import part
from valetkey.api.v1.routes.endings import ending_shape, living
from valetkey.api.v1.routes.members import find_member, known_member
from valetkey.domain import people as domain
from valetkey.domain.access import OrgRole, Principal, ProjectRole
from valetkey.domain.errors import InvalidInput
from valetkey.wire import leases as leases_wire
from valetkey.wire import projects as wire
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


_shape: Final = ShapeMapper(wire.Project, domain.Project, added=("role",))
_project_member: Final = ShapeMapper(
    wire.ProjectMember,
    domain.ProjectMember,
    named={"id": "user_id"},
    by={"role": lambda role: _TO_WIRE[role]},
    added=("live_leases", "live_until"),
)


def _project(principal: Principal, project: domain.Project) -> wire.Project:
    return _shape(project, role=project_role(principal, project))


async def list_projects(call: ApiCall[wire.ProjectsQuery, Nothing]) -> Page[wire.Project]:
    principal, query = call.caller.principal, call.query
    found = [
        project
        for project in await call.services.people.projects(call.caller)
        if query.org_id in {None, project.org_id} and query.name in {None, project.name}
    ]
    return part(found, query, lambda each: (each.name, each.id), lambda it: _project(principal, it))


async def create_project(call: ApiCall[Nothing, wire.NewProject]) -> wire.Project:
    org_id = which_org(call.caller, call.body.org_id)
    made = await call.services.people.create_project(call.caller, org_id, call.body.name)
    return msgspec.structs.replace(_project(call.caller.principal, made), role="owner")


async def get_project(call: ApiCall[Nothing, Nothing]) -> wire.Project:
    found = await call.services.people.project(call.caller, call["projectId"])
    return _project(call.caller.principal, found)


async def update_project(call: ApiCall[Nothing, wire.ProjectChange]) -> wire.Project:
    body, unset = call.body, msgspec.UNSET
    default = body.default_location_id
    changed = await call.services.people.update_project(
        call.caller,
        call["projectId"],
        name=None if body.name is unset else body.name,
        default_location_id=None if default is unset else default or "",
    )
    return _project(call.caller.principal, changed)


async def delete_project(call: ApiCall[Nothing, Nothing]) -> Nothing:
    await call.services.people.delete_project(call.caller, call["projectId"])
    return Nothing()


async def list_project_members(call: ApiCall[Paging, Nothing]) -> Page[wire.ProjectMember]:
    found = await call.services.people.project_members(call.caller, call["projectId"])
    return part(found, call.query, lambda each: (each.email, each.user_id), _project_member)


async def get_project_member(call: ApiCall[Nothing, Nothing]) -> wire.ProjectMember:
    found = await call.services.people.project_members(call.caller, call["projectId"])
    return _project_member(known_member(found, call))


async def put_project_member(call: ApiCall[Nothing, wire.ProjectMembership]) -> wire.ProjectMember:
    member, ending = await call.services.people.put_project_member(
        call.caller, call["projectId"], call["userId"], role_of(call.body.role)
    )
    return _project_member(member, **living(ending))


def role_of(word: str) -> ProjectRole:
    if word not in _FROM_WIRE:
        raise InvalidInput("There is no such role.", hint=f"Use {', '.join(_FROM_WIRE)}.")
    return _FROM_WIRE[word]


async def remove_project_member(call: ApiCall[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await call.services.people.remove_project_member(
        call.caller, call["projectId"], call["userId"]
    )
    return await ending_shape(call, ending)


async def _project_member_now(work: Any, call: ApiCall[Any, Any]) -> wire.ProjectMember | None:
    found = find_member(await work.projects.members(call["projectId"]), call)
    return _project_member(found) if found is not None else None


ROUTES: Final = (
    route(wire.LIST_PROJECTS, list_projects),
    route(wire.CREATE_PROJECT, create_project),
    route(wire.GET_PROJECT, get_project),
    route(wire.UPDATE_PROJECT, update_project),
    route(wire.DELETE_PROJECT, delete_project),
    route(wire.LIST_PROJECT_MEMBERS, list_project_members),
    route(wire.GET_PROJECT_MEMBER, get_project_member, now=_project_member_now),
    route(wire.PUT_PROJECT_MEMBER, put_project_member),
    route(wire.REMOVE_PROJECT_MEMBER, remove_project_member),
)
