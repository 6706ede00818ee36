"""What a command's words name: an organisation, a project, a location."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from valetkey.cli.terminal import Terminal
from valetkey.sdk.naming import is_id, only
from valetkey.wire.accounts import OwnOrg
from valetkey.wire.locations import Location
from valetkey.wire.projects import Project

#: The option that says in which project something is.
InProject = Annotated[
    str, Parameter(name="--project", help="Its project, by name or id, where names are not unique.")
]


def the_org(client: Terminal) -> OwnOrg:
    """Return the organisation that --org names, or the only one. Raises NotFound,
    InvalidRequest."""
    return only(client.accounts.get_me().orgs, "organisation", client.common.org)


def org_id(client: Terminal) -> str | None:
    """Return the id of the organisation that --org names; None leaves it to the server, which
    takes the only one. Raises NotFound."""
    wanted = client.common.org
    if not wanted:
        return None
    return wanted if is_id(wanted) else the_org(client).id


def the_project(client: Terminal, name: str = "") -> Project:
    """Return a project by name or id; without one, the only one. Raises NotFound,
    InvalidRequest."""
    of = org_id(client)
    if name:
        return client.projects.get(name, org_id=of)
    return only(client.projects.list(org_id=of), "project")


def project_id(client: Terminal, name: str) -> str | None:
    """Return the id of a project that is named; None if none is. Raises NotFound."""
    return the_project(client, name).id if name else None


def the_location(client: Terminal, name: str, project: str = "") -> Location:
    """Return a location by name or id. Raises NotFound, InvalidRequest."""
    return client.locations.get(name, project_id=project_id(client, project))
