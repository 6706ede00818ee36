"""Members of an organisation, or of a project."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.finding import the_org, the_project
from valetkey.cli.options import Email, EmailOrId, Yes
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.cli.terminal import Terminal
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.orgs import OrgMember, OrgRole
from valetkey.wire.projects import ProjectMember, ProjectRole

app = App(name="members", help="Who belongs to an organisation or a project.")
Role = Literal["owner", "member", "developer", "annotationManager", "annotator"]
OfProject = Annotated[str, Parameter(help="Of this project, by name or id.")]


@app.command(name="list")
def list_(*, project: OfProject = "", common: Common = COMMON) -> None:
    """List the members of an organisation, or of a project of it."""
    with open_client(common) as client:
        columns, empty = ("email", "role", "id"), "There is no member."
        if project:
            found = client.projects.list_members(the_project(client, project).id)
            render.many(client, found, columns, empty=empty)
        else:
            render.many(client, client.orgs.list_members(the_org(client).id), columns, empty=empty)


@app.command(name="show")
def show_(email: EmailOrId, /, *, project: OfProject = "", common: Common = COMMON) -> None:
    """Show somebody's membership."""
    with open_client(common) as client:
        if project:
            of = the_project(client, project).id
            render.one(client, client.projects.get_member(of, email))
        else:
            render.one(client, client.orgs.get_member(the_org(client).id, email))


@app.command
def add(
    email: Email,
    /,
    *,
    role: Role,
    project: OfProject = "",
    new: Flag = False,
    password_file: SecretFile = None,
    by_link: Flag = False,
    common: Common = COMMON,
) -> None:
    """Add somebody to an organisation, or give them a role in a project of it. Who is new to the
    server gets a first password, or a link that sets one.

    Parameters
    ----------
    role
        In an organisation owner or member; in a project owner, developer, annotationManager or
        annotator.
    new
        They are new here: ask for their first password.
    password_file
        A file that holds the first password; - is standard input.
    by_link
        They have no password until they use the link that 'valetkey members link' makes.
    """
    password = None
    if new or password_file is not None:
        password = read_secret(password_file, "first password", "--password-file", again=True)
    with open_client(common) as client:
        if project:
            place = the_project(client, project)
            given = _in_project(role)
            member = client.projects.put_member(place.id, email, role=given)
            _show_role(client, member, place.name)
            return
        org = the_org(client)
        added = client.orgs.add_member(
            org.id, email=email, role=_in_org(role), password=password, by_link=by_link
        )
        _show_role(client, added, org.name)


def _in_org(role: Role) -> OrgRole:
    if role not in {"owner", "member"}:
        raise InvalidRequest(
            f"An organisation has no role {role}.", hint="Use owner or member, or name a --project."
        )
    return role


def _in_project(role: Role) -> ProjectRole:
    if role == "member":
        raise InvalidRequest(
            "A project has no role member.",
            hint="Use owner, developer, annotationManager or annotator.",
        )
    return role


def _show_role(client: Terminal, member: OrgMember | ProjectMember, place: str) -> None:
    render.one(client, member, say=f"{member.email} is {member.role} of {place}.")
    render.say_what_lives(client, member.live_leases, member.live_until)


@app.command
def update(
    email: EmailOrId, /, *, role: Role, project: OfProject = "", common: Common = COMMON
) -> None:
    """Change somebody's role.

    Parameters
    ----------
    role
        Another role.
    """
    with open_client(common) as client:
        if project:
            place = the_project(client, project)
            changed = client.projects.put_member(place.id, email, role=_in_project(role))
            _show_role(client, changed, place.name)
            return
        org = the_org(client)
        member = client.orgs.update_member(org.id, email, role=_in_org(role))
        _show_role(client, member, org.name)


@app.command
def remove(
    email: EmailOrId,
    /,
    *,
    project: OfProject = "",
    yes: Yes = False,
    common: Common = COMMON,
) -> None:
    """Take somebody out of an organisation: their roles, grants, tokens, sign-ins and AWS sessions
    end, and what could not be ended is named. Or out of one project.
    """
    with open_client(common) as client:
        if project:
            place = the_project(client, project)
            show.confirm(f"Take {email} out of {place.name}?", yes=yes)
            ending = client.projects.remove_member(place.id, email)
            render.ended(client, ending, f"{email} is no longer in {place.name}.")
            return
        org = the_org(client)
        show.confirm(f"Take {email} out of {org.name}, and end all that they have?", yes=yes)
        left = client.orgs.remove_member(org.id, email)
        render.departed(client, left, f"{left.person.email} is no longer in {org.name}")


@app.command
def link(email: Email, /, common: Common = COMMON) -> None:
    """Make a one-time link with which a member sets a password. It is shown this once."""
    with open_client(common) as client:
        made = client.orgs.create_password_link(the_org(client).id, email=email)
        if common.form != "table":
            render.one(client, made)
            return
        show.write(f"{client.url}{made.path}")
        show.say(f"For {email} and nobody else; it ends {show.moment(made.expires_at)}.")
