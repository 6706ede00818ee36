"""Projects: the list, and one project with its team, its default location, its programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.leases import show_left
from valetkey.console.locations import ShownLocation, chosen_location, location_menu
from valetkey.console.menus import ListPart
from valetkey.console.page import lives_on
from valetkey.console.web import fields, reload
from valetkey.domain.access import Action, ProjectRole
from valetkey.domain.errors import Conflict, InvalidInput, NotFound
from valetkey.domain.people import Project, User
from valetkey.identity.leaving import Departed

HERE: Final = "/projects"
ROLES: Final = {
    ProjectRole.OWNER: "owner",
    ProjectRole.DEVELOPER: "developer",
    ProjectRole.ANNOTATION_MANAGER: "annotation manager",
    ProjectRole.ANNOTATOR: "annotator",
}


@get("/projects")
async def list_projects(request: HttpRequest, reader: Reader) -> Response[str]:
    """List the projects that the reader may see."""
    shown = sorted(reader.projects, key=lambda project: project.name)
    return reader.page(
        "projects/list.html",
        here=HERE,
        shown=ListPart.of(request, shown, lambda project: project.name),
        org=reader.org,
    )


@post("/projects")
async def create_project(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Make a project."""
    form = await fields(request)
    try:
        made = await services.people.create_project(
            reader.caller, reader.org.id, form.get("project-name", "")
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"name": "project-name"}, otherwise="project-name-error")
    return reload(f"/projects/{made.id}?done=project-created")


@get("/projects/{project_id:str}")
async def show_project(
    request: HttpRequest, services: Services, reader: Reader, project_id: Segment
) -> Response[str]:
    """Show one project."""
    project = await services.people.project(reader.caller, project_id)
    may_manage = reader.may(Action.MANAGE_PROJECT, project)
    team = await services.people.project_members(reader.caller, project_id)
    accounts: Sequence[User] = ()
    if may_manage:
        accounts = await services.service_accounts.of_project(reader.caller, project_id)
    programs = {account.id for account in accounts}
    people = [member for member in team if member.user_id not in programs]
    return reader.page(
        "projects/page.html",
        here=HERE,
        project=project,
        team=ListPart.of(request, people, lambda member: member.email),
        accounts=accounts,
        account_roles={member.user_id: member.role for member in team},
        may_manage=may_manage,
        role_names=ROLES,
        locations=location_menu(await _locations(services, reader, project)),
    )


async def _locations(services: Services, reader: Reader, project: Project) -> list[ShownLocation]:
    if not reader.may(Action.READ_LOCATIONS, project):
        return []
    found = await services.locations.of_project(reader.caller, project.id)
    return [ShownLocation(location, project) for location in found]


@post("/projects/{project_id:str}")
async def change_project(
    request: HttpRequest, services: Services, reader: Reader, project_id: Segment
) -> HttpResponse:
    """Change a project's name, and where datasets go that name no location."""
    form = await fields(request)
    project = await services.people.project(reader.caller, project_id)
    try:
        text, default = form.get("location", "").strip(), ""
        if text:
            shown = await _locations(services, reader, project)
            default = chosen_location(text, shown).location.id
        await services.people.update_project(
            reader.caller, project_id, name=form.get("name"), default_location_id=default
        )
    except (InvalidInput, Conflict) as error:
        names = {"name": "name", "location": "location", "defaultLocationId": "location"}
        return refused(error, names, otherwise="name-error")
    return reload(f"/projects/{project_id}?done=project-changed")


@post("/projects/{project_id:str}/members")
async def put_member(
    request: HttpRequest, services: Services, reader: Reader, project_id: Segment
) -> HttpResponse:
    """Give somebody a role in a project."""
    form = await fields(request)
    try:
        _, ending = await services.people.put_project_member(
            reader.caller, project_id, form.get("email", ""), role_of(form.get("role", ""))
        )
    except (InvalidInput, NotFound) as error:
        return refused(error, {"email": "email"}, otherwise="email-error")
    return reload(f"/projects/{project_id}?done=member-saved{lives_on(ending)}")


@get("/projects/{project_id:str}/members/remove")
async def ask_to_remove(
    request: HttpRequest, services: Services, reader: Reader, project_id: Segment
) -> Response[str]:
    """Ask before somebody leaves a project."""
    project = await services.people.project(reader.caller, project_id)
    email = request.query_params.get("email", "")[:300]
    return reader.part("projects/remove.html", project=project, email=email)


@post("/projects/{project_id:str}/members/remove", status_code=200)
async def remove_member(
    request: HttpRequest, services: Services, reader: Reader, project_id: Segment
) -> HttpResponse:
    """Take somebody out of a project, and say what lives on of what they were vended."""
    email = (await fields(request)).get("email", "")
    project = await services.people.project(reader.caller, project_id)
    await services.people.remove_project_member(reader.caller, project_id, email)
    return await show_left(
        services,
        reader,
        Departed("", email),
        here=HERE,
        back=f"/projects/{project_id}",
        of=project.name,
    )


def role_of(text: str) -> ProjectRole:
    """Read a role. Raises InvalidInput."""
    try:
        return ProjectRole(text)
    except ValueError:
        raise InvalidInput("There is no such role.", hint="Choose one of the list.") from None


ROUTES = (
    list_projects,
    create_project,
    show_project,
    change_project,
    put_member,
    ask_to_remove,
    remove_member,
)
