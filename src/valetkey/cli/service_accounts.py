"""Service accounts: programs that are nobody's person."""

from __future__ import annotations

from cyclopts import App

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import open_client
from valetkey.cli.finding import InProject, the_project
from valetkey.cli.options import ByName, Yes
from valetkey.cli.terminal import Terminal
from valetkey.sdk.naming import is_id, only
from valetkey.wire.projects import ProjectRole
from valetkey.wire.service_accounts import ServiceAccount

app = App(name="service-accounts", help="Programs that are nobody's person.")


def the_account(client: Terminal, name: str, project: str = "") -> ServiceAccount:
    """Return a service account by its id, or by its name in a project. Raises NotFound,
    InvalidRequest."""
    if is_id(name):
        return client.service_accounts.get(name)
    found = client.service_accounts.list(project_id=the_project(client, project).id)
    return only(found, "service account", name)


@app.command
def create(
    name: str, /, *, role: ProjectRole, project: InProject = "", common: Common = COMMON
) -> None:
    """Make a service account with a role in its project. Then: 'valetkey tokens create
    --service-account'.

    Parameters
    ----------
    name
        Its name: small letters, digits and hyphens.
    role
        Its role in the project.
    """
    with open_client(common) as client:
        place = the_project(client, project)
        made = client.service_accounts.create(project_id=place.id, name=name, role=role)
        render.one(client, made)


@app.command(name="list")
def list_(*, project: InProject = "", common: Common = COMMON) -> None:
    """List a project's service accounts."""
    with open_client(common) as client:
        render.many(
            client,
            client.service_accounts.list(project_id=the_project(client, project).id),
            ("name", "email", "created_at", "id"),
            empty="The project has no service account.",
        )


@app.command(name="show")
def show_(name: ByName, /, *, project: InProject = "", common: Common = COMMON) -> None:
    """Show a service account."""
    with open_client(common) as client:
        render.one(client, the_account(client, name, project))


@app.command
def delete(
    name: ByName, /, *, project: InProject = "", yes: Yes = False, common: Common = COMMON
) -> None:
    """Forget a service account: tokens, roles, grants and AWS sessions end, and what could not be
    ended is named.
    """
    with open_client(common) as client:
        found = the_account(client, name, project)
        show.confirm(f"Forget the service account {found.name} and its tokens?", yes=yes)
        left = client.service_accounts.delete(found.id)
        render.departed(client, left, f"The service account {found.name} is forgotten")
