"""People and keys: the reader's own API keys and password, and who belongs here."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.session import browser_of, session_cookie
from valetkey.console.web import fields, go_to
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from valetkey.domain.people import OrgMember, Project, ProjectMember, User
from valetkey.domain.secret import Secret
from valetkey.identity.tokens import TOKEN_LIFETIME, NewToken, lifetime_of

HERE: Final = "/people"
LIFETIMES: Final = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"))
_ROLES: Final = {
    ProjectRole.OWNER: "owner",
    ProjectRole.DEVELOPER: "developer",
    ProjectRole.ANNOTATION_MANAGER: "annotation manager",
    ProjectRole.ANNOTATOR: "annotator",
}


@get("/people")
async def show_people(services: Services, reader: Reader) -> Response[str]:
    """Show the reader's keys, and for each project and the organisation who belongs to it."""
    members: list[OrgMember] = []
    teams: list[tuple[Project, list[ProjectMember]]] = []
    if reader.rights.manage_org:
        members = list(await services.people.org_members(reader.caller, reader.org.id))
    for project in reader.projects:
        team = await services.people.project_members(reader.caller, project.id)
        teams.append((project, list(team)))
    return reader.page(
        "people/people.html",
        here=HERE,
        keys=await services.tokens.own(reader.caller),
        sessions=await services.sessions.own(reader.caller),
        this_session=reader.caller.principal.session_id,
        members=members,
        teams=teams,
        role_names=_ROLES,
        lifetimes=LIFETIMES,
        org=reader.org,
    )


@post("/people/keys", status_code=201)
async def create_key(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[str]:
    """Make an API key. This answer alone holds it."""
    form = await fields(request)
    days = form.get("days", "")
    try:
        lifetime = lifetime_of(int(days)) if days.isascii() and days.isdecimal() else TOKEN_LIFETIME
        key, token = await services.tokens.create(
            reader.caller, NewToken(form.get("description", ""), lifetime)
        )
    except InvalidInput as error:
        return refused(error, {"description": "description"}, otherwise="description-error")
    return reader.part("people/key_made.html", key=key, token=token.reveal())


@post("/people/keys/{key_id:str}/revoke")
async def revoke_key(services: Services, reader: Reader, key_id: Segment) -> Response[Any]:
    """End one of the reader's own keys."""
    await services.tokens.revoke(reader.caller, key_id)
    return go_to("/people?done=key-revoked")


@get("/people/ask")
async def ask(request: Request[Any, Any, Any], reader: Reader) -> Response[str]:
    """Ask before somebody or a key goes, naming what the page named."""
    query = request.query_params
    kind = query.get("kind", "")
    if kind not in {"key", "member", "team"}:
        raise NotFound("There is nothing of that kind to ask about.", hint="Go back to the page.")
    return reader.part("people/ask.html", kind=kind, name=query.get("name", "")[:300], query=query)


@post("/people/members")
async def put_member(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[Any]:
    """Add a member of the organisation, or change one's role."""
    form = await fields(request)
    password = form.get("password", "")
    try:
        await services.people.put_org_member(
            reader.caller,
            reader.org.id,
            form.get("email", ""),
            _org_role(form.get("role", "")),
            password=Secret(password) if password else None,
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"email": "email", "password": "password"}, otherwise="email-error")
    return _reload("/people?done=member-saved")


@post("/people/members/remove")
async def remove_member(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[Any]:
    """Take somebody out of the organisation."""
    form = await fields(request)
    await services.people.remove_org_member(reader.caller, reader.org.id, form.get("email", ""))
    return go_to("/people?done=member-removed")


@post("/people/projects")
async def create_project(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[Any]:
    """Make a project."""
    form = await fields(request)
    try:
        await services.people.create_project(
            reader.caller, reader.org.id, form.get("project-name", "")
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"name": "project-name"}, otherwise="project-name-error")
    return _reload("/people?done=project-created")


@post("/people/projects/{project_id:str}/members")
async def put_team_member(
    request: Request[Any, Any, Any], services: Services, reader: Reader, project_id: Segment
) -> Response[Any]:
    """Give somebody a role in a project."""
    form = await fields(request)
    try:
        await services.people.put_project_member(
            reader.caller, project_id, form.get("email", ""), _project_role(form.get("role", ""))
        )
    except (InvalidInput, NotFound) as error:
        return refused(error, {}, otherwise=f"team-{project_id}-error")
    return _reload("/people?done=member-saved")


@post("/people/projects/{project_id:str}/members/remove")
async def remove_team_member(
    request: Request[Any, Any, Any], services: Services, reader: Reader, project_id: Segment
) -> Response[Any]:
    """Take somebody out of a project."""
    form = await fields(request)
    await services.people.remove_project_member(reader.caller, project_id, form.get("email", ""))
    return go_to("/people?done=member-removed")


@post("/people/password")
async def change_password(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[Any]:
    """Replace the reader's password; every other sign-in ends."""
    form = await fields(request)
    try:
        user = await services.accounts.replace_password(
            reader.caller, Secret(form.get("old", "")), Secret(form.get("new", ""))
        )
    except InvalidInput as error:
        return refused(error, {}, otherwise="new-error")
    except (Unauthenticated, TooManyRequests) as error:
        return refused(error, {}, otherwise="old-error")
    response = _reload("/people?done=password-changed")
    return await _signed_in_anew(request, services, reader, user, response)


@post("/people/elsewhere")
async def sign_out_elsewhere(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[Any]:
    """End every sign-in of the reader but this one."""
    user = await services.accounts.end_all(reader.caller)
    response = go_to("/people?done=signed-out-elsewhere")
    return await _signed_in_anew(request, services, reader, user, response)


@post("/people/sessions/{session_id:str}/end")
async def end_session(services: Services, reader: Reader, session_id: Segment) -> Response[Any]:
    """End one of the reader's sessions."""
    await services.sessions.end(reader.caller, session_id)
    return go_to("/people?done=session-ended")


async def _signed_in_anew(
    request: Request[Any, Any, Any],
    services: Services,
    reader: Reader,
    user: User,
    response: Response[Any],
) -> Response[Any]:
    cookie = await services.sessions.start(
        user, source=reader.caller.source, browser=browser_of(request)
    )
    response.set_cookie(session_cookie(request, cookie.reveal()))
    return response


def _reload(path: str) -> Response[Any]:
    """Send a page that posted a part of itself on to another."""
    return Response(b"", status_code=200, headers={"HX-Redirect": f"/console{path}"})


def _org_role(text: str) -> OrgRole:
    try:
        return OrgRole(text)
    except ValueError:
        raise InvalidInput("There is no such role.", hint="Choose one of the list.") from None


def _project_role(text: str) -> ProjectRole:
    try:
        return ProjectRole(text)
    except ValueError:
        raise InvalidInput("There is no such role.", hint="Choose one of the list.") from None


ROUTES = (
    show_people,
    create_key,
    revoke_key,
    ask,
    put_member,
    remove_member,
    create_project,
    put_team_member,
    remove_team_member,
    change_password,
    sign_out_elsewhere,
    end_session,
)
