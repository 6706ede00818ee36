"""Projects and their members."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import JSONBody

from valetkey.api.dependencies import Caller, Services
from valetkey.api.requests import FORM
from valetkey.catalog.dataloop.routes.users import role
from valetkey.catalog.dataloop.wire.people import (
    MemberOut,
    ProjectIn,
    ProjectMemberIn,
    ProjectOut,
    ProjectPatchIn,
    RemovedOut,
)
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Conflict, InvalidInput, NotFound
from valetkey.domain.people import Project


def _shape(caller: Caller, project: Project) -> ProjectOut:
    return ProjectOut.of(project, role(caller.principal, project))


@post("/projects", tags=["projects"], opt={FORM: True})
async def create_project(
    services: Services, caller: Caller, data: JSONBody[ProjectIn]
) -> ProjectOut:
    """Make a project; the caller is its owner. Dataloop's SDK sends a form."""
    org_id = data.org or next(iter(caller.principal.org_roles), "")
    try:
        project = await services.people.create_project(caller, org_id, data.name)
    except Conflict as conflict:
        # Dataloop answers 400 with these words, and its SDK expects them.
        raise InvalidInput(
            f"Failed to create project. {conflict.message}", hint=conflict.hint, field="name"
        ) from None
    return ProjectOut.of(project, ProjectRole.OWNER)


@get("/projects", tags=["projects"])
async def list_projects(services: Services, caller: Caller) -> list[ProjectOut]:
    """List the projects that the caller may see."""
    return [_shape(caller, project) for project in await services.people.projects(caller)]


@get("/projects/{project_id:str}", tags=["projects"])
async def show_project(services: Services, caller: Caller, project_id: str) -> ProjectOut:
    """Show a project."""
    return _shape(caller, await services.people.project(caller, project_id))


@get("/projects/{name:str}/name", tags=["projects"])
async def find_projects(services: Services, caller: Caller, name: str) -> list[ProjectOut]:
    """Find projects by name."""
    found = [project for project in await services.people.projects(caller) if project.name == name]
    if not found:
        raise NotFound(f"There is no project {name!r}.", hint="List the projects.")
    return [_shape(caller, project) for project in found]


@patch("/projects/{project_id:str}", tags=["projects"])
async def change_project(
    services: Services, caller: Caller, project_id: str, data: JSONBody[ProjectPatchIn]
) -> ProjectOut:
    """Rename a project, or set where its datasets go that name no driver."""
    people = services.people
    try:
        changed = await people.update_project(
            caller, project_id, name=data.name, default_location_id=data.default_driver
        )
    except Conflict as conflict:
        raise InvalidInput(conflict.message, hint=conflict.hint, field="name") from None
    return _shape(caller, changed)


@delete("/projects/{project_id:str}", tags=["projects"])
async def delete_project(services: Services, caller: Caller, project_id: str) -> None:
    """Delete a project that has no drivers."""
    await services.people.delete_project(caller, project_id)


@get("/projects/{project_id:str}/members", tags=["projects"])
async def list_members(services: Services, caller: Caller, project_id: str) -> list[MemberOut]:
    """List a project's members."""
    members = await services.people.project_members(caller, project_id)
    return [MemberOut.of(member) for member in members]


async def _put(
    services: Services, caller: Caller, project_id: str, email: str, data: JSONBody[ProjectMemberIn]
) -> MemberOut:
    member, _ = await services.people.put_project_member(
        caller, project_id, email, data.project_role
    )
    return MemberOut.of(member)


@post("/projects/{project_id:str}/members/{email:str}", tags=["projects"])
async def add_member(
    services: Services, caller: Caller, project_id: str, email: str, data: JSONBody[ProjectMemberIn]
) -> MemberOut:
    """Give somebody of the organisation a role in the project."""
    return await _put(services, caller, project_id, email, data)


@patch("/projects/{project_id:str}/members/{email:str}", tags=["projects"])
async def change_member(
    services: Services, caller: Caller, project_id: str, email: str, data: JSONBody[ProjectMemberIn]
) -> MemberOut:
    """Change a member's role."""
    return await _put(services, caller, project_id, email, data)


@delete("/projects/{project_id:str}/members/{email:str}", status_code=200, tags=["projects"])
async def remove_member(
    services: Services, caller: Caller, project_id: str, email: str
) -> RemovedOut:
    """Take somebody out of a project. Dataloop's SDK reads the answer, so there is one."""
    await services.people.remove_project_member(caller, project_id, email)
    return RemovedOut(email=email)


ROUTES = (
    create_project,
    list_projects,
    show_project,
    find_projects,
    change_project,
    delete_project,
    list_members,
    add_member,
    change_member,
    remove_member,
)
