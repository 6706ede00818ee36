"""What a command's words name: an organisation, a project, a location."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Protocol, TypeVar

from cyclopts import Parameter

from valetkey.cli.terminal import Terminal
from valetkey.sdk.naming import Named, is_id, only
from valetkey.wire.accounts import OwnOrg
from valetkey.wire.locations import Location
from valetkey.wire.projects import Project

N = TypeVar("N", bound=Named)
Named_co = TypeVar("Named_co", bound=Named, covariant=True)


class Find(Protocol[Named_co]):
    """The library's method that shows one of a kind, such as ``client.locations.get``."""

    def __call__(self, which: str, /, *, project_id: str | None = None) -> Named_co: ...


class Every(Protocol[Named_co]):
    """The library's method that lists them, such as ``client.locations.list``."""

    def __call__(self, *, project_id: str | None = None) -> Iterator[Named_co]: ...


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


def project_ids(client: Terminal, name: str = "") -> list[str | None]:
    """Return the ids of the projects that are meant: the one that is named, or those of the
    organisation that --org names; [None] for all that one may see. Raises NotFound."""
    if name:
        return [the_project(client, name).id]
    if client.common.org:
        return [each.id for each in client.projects.list(org_id=the_org(client).id)]
    return [None]


def every_in(client: Terminal, every: Every[N], project: str) -> Iterator[N]:
    """Iterate over what is in the projects that are meant. Raises NotFound."""
    return _within(every, project_ids(client, project))


def found_in(
    client: Terminal, find: Find[N], every: Every[N], kind: str, name: str, project: str
) -> N:
    """Return the thing of a name or id in the projects that are meant. Raises NotFound,
    InvalidRequest."""
    ids = project_ids(client, project)
    if len(ids) == 1:
        return find(name, project_id=ids[0])
    return only(_within(every, ids), kind, name)


def _within(every: Every[N], ids: list[str | None]) -> Iterator[N]:
    return (each for one in ids for each in every(project_id=one))


def the_location(client: Terminal, name: str, project: str = "") -> Location:
    """Return a location by name or id. Raises NotFound, InvalidRequest."""
    of = client.locations.get, client.locations.list
    return found_in(client, *of, "location", name, project)


def asked_for(client: Terminal, location: str, project: str) -> tuple[str, str]:
    """Return the words by which credentials of a location are asked for: as they are, so that one
    request does, or the id of the one in the organisation that --org names. Raises NotFound,
    InvalidRequest."""
    if not client.common.org:
        return location, project
    return the_location(client, location, project).id, ""
