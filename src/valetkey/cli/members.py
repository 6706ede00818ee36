"""Members of an organisation, or of a project."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, Flag, open_client
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.sdk import calls, flows
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest

app = App(name="members", help="Who belongs to an organisation or a project.")
_ORG_ROLES = frozenset({"owner", "member"})


@app.command(name="list")
def list_(*, project: str = "", org: str = "", common: Common = COMMON) -> None:
    """List the members of an organisation, or of a project of it.

    Parameters
    ----------
    project
        A project, by name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        kind, owner, _ = _place(client, project, org)
        found = client.send(calls.list_members(kind, owner))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("e-mail", "role"),
        [(member.email, member.role) for member in found],
        empty="There is no member.",
    )


@app.command
def add(
    email: str,
    /,
    *,
    role: Literal["owner", "member", "developer", "engineer", "annotationManager", "annotator"],
    project: str = "",
    org: str = "",
    new: Flag = False,
    password_file: SecretFile = None,
    common: Common = COMMON,
) -> None:
    """Add somebody, or change their role. Who is new in the organisation gets a first password.

    Parameters
    ----------
    email
        Their e-mail address.
    role
        In an organisation owner or member; in a project owner, developer, annotationManager or
        annotator.
    project
        A project, by name or id; they must be in its organisation already.
    org
        The organisation, by name or id (default: the only one).
    new
        They are new here: ask for their first password.
    password_file
        A file that holds the first password; - is standard input.
    """
    if not project and role not in _ORG_ROLES:
        raise InvalidRequest(
            f"An organisation has no role {role}.", hint="Use owner or member, or name a --project."
        )
    password = ""
    if new or password_file is not None:
        password = read_secret(password_file, "first password", "--password-file", again=True)
    with open_client(common) as client:
        kind, owner, name = _place(client, project, org)
        if kind == "projects":
            member = client.send(calls.add_project_member(owner, email, role))
        else:
            member = client.send(calls.add_org_member(owner, email, role, password))
    if common.as_json:
        show.write_json(member)
    else:
        show.say(f"{member.email} is {member.role} of {name}.")


@app.command
def remove(email: str, /, *, project: str = "", org: str = "", common: Common = COMMON) -> None:
    """Take somebody out of an organisation and its projects, or out of one project.

    Parameters
    ----------
    email
        Their e-mail address.
    project
        Out of this project only, by name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        kind, owner, name = _place(client, project, org)
        client.send(calls.remove_member(kind, owner, email))
    if common.as_json:
        show.write_json({"removed": email})
    else:
        show.say(f"{email} is no longer in {name}.")


def _place(client: Client, project: str, org: str) -> tuple[str, str, str]:
    """Return a kind of owner (as paths of the API name it), its id and its name."""
    if project:
        found = client.run(flows.find_project(project))
        return "projects", found.id, found.name
    owner = client.run(flows.find_org(org))
    return "orgs", owner.id, owner.name
