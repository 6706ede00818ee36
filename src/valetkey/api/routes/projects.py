"""Projects and their members."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from litestar import Request, delete, get, patch, post

from valetkey.api import wire
from valetkey.api.routes.accounts import role_in
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Conflict, InvalidInput, NotFound
from valetkey.domain.people import Project
from valetkey.services.audit import Caller
from valetkey.services.registry import Services


def _out(caller: Caller, project: Project) -> dict[str, Any]:
    return wire.project_out(project, role_in(caller, project.id, project.org_id))


async def _new_project(request: Request[Any, Any, Any]) -> wire.NewProject:
    """Read a project from JSON or, as Dataloop's SDK sends it, from a form."""
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
        return wire.NewProject(name=form.get("name", [""])[0], org=form.get("org", [""])[0])
    try:
        return msgspec.json.decode(body, type=wire.NewProject)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidInput(
            "The body is not a project.", hint='Send {"name": "..."}.', field="name"
        ) from None


@post("/projects", status_code=201, tags=["projects"])
async def create_project(
    request: Request[Any, Any, Any], services: Services, caller: Caller
) -> dict[str, Any]:
    """Make a project; the caller is its owner."""
    new = await _new_project(request)
    org_id = new.org or next(iter(caller.principal.org_roles), "")
    try:
        project = await services.people.create_project(caller, org_id, new.name)
    except Conflict as conflict:
        # Dataloop answers 400 with these words, and its SDK expects them.
        raise InvalidInput(
            f"Failed to create project. {conflict.message}", hint=conflict.hint, field="name"
        ) from None
    return wire.project_out(project, ProjectRole.OWNER.value)


@get("/projects", tags=["projects"])
async def list_projects(services: Services, caller: Caller) -> list[dict[str, Any]]:
    """List the projects that the caller may see."""
    return [_out(caller, project) for project in await services.people.projects(caller)]


@get("/projects/{project_id:str}", tags=["projects"])
async def show_project(services: Services, caller: Caller, project_id: str) -> dict[str, Any]:
    """Show a project."""
    return _out(caller, await services.people.project(caller, project_id))


@get("/projects/{name:str}/name", tags=["projects"])
async def find_projects(services: Services, caller: Caller, name: str) -> list[dict[str, Any]]:
    """Find projects by name."""
    found = [p for p in await services.people.projects(caller) if p.name == name]
    if not found:
        raise NotFound(f"There is no project {name!r}.", hint="List the projects.")
    return [_out(caller, project) for project in found]


@delete("/projects/{project_id:str}", tags=["projects"])
async def delete_project(services: Services, caller: Caller, project_id: str) -> None:
    """Delete a project that has no drivers."""
    await services.people.delete_project(caller, project_id)


@get("/projects/{project_id:str}/members", tags=["projects"])
async def list_members(services: Services, caller: Caller, project_id: str) -> list[dict[str, Any]]:
    """List a project's members."""
    return [wire.member_out(m) for m in await services.people.project_members(caller, project_id)]


async def _put(
    services: Services, caller: Caller, project_id: str, email: str, role: str
) -> dict[str, Any]:
    member = await services.people.put_project_member(caller, project_id, email, _role(role))
    return wire.member_out(member)


@post("/projects/{project_id:str}/members/{email:str}", status_code=201, tags=["projects"])
async def add_member(
    services: Services, caller: Caller, project_id: str, email: str, data: wire.NewMember
) -> dict[str, Any]:
    """Give somebody of the organisation a role in the project."""
    return await _put(services, caller, project_id, email, data.role)


@patch("/projects/{project_id:str}/members/{email:str}", tags=["projects"])
async def change_member(
    services: Services, caller: Caller, project_id: str, email: str, data: wire.NewMember
) -> dict[str, Any]:
    """Change a member's role."""
    return await _put(services, caller, project_id, email, data.role)


@delete("/projects/{project_id:str}/members/{email:str}", tags=["projects"])
async def remove_member(services: Services, caller: Caller, project_id: str, email: str) -> None:
    """Take somebody out of a project."""
    await services.people.remove_project_member(caller, project_id, email)


def _role(text: str) -> ProjectRole:
    aliases = {"developer": ProjectRole.DEVELOPER}
    try:
        return aliases.get(text) or ProjectRole(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is not a role in a project.",
            hint=f"Use one of {', '.join(ProjectRole)}.",
            field="role",
        ) from None


HANDLERS: Final = (
    create_project,
    list_projects,
    show_project,
    find_projects,
    delete_project,
    list_members,
    add_member,
    change_member,
    remove_member,
)
