"""Organisations and projects: what locations and people belong to."""

from __future__ import annotations

from cyclopts import App

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import open_client
from valetkey.cli.finding import org_id, the_location, the_org, the_project
from valetkey.cli.options import ByName, NewName, OptionalNewName, Yes
from valetkey.sdk.errors import InvalidRequest

app = App(name="projects", help="What locations and people belong to.")
orgs = App(name="orgs", help="Organisations: the owners of integrations and projects.")


@app.command
def create(name: str, /, common: Common = COMMON) -> None:
    """Make a project; you are its owner.

    Parameters
    ----------
    name
        The project's name, unique in the organisation.
    """
    with open_client(common) as client:
        made = client.projects.create(name=name, org_id=org_id(client))
        say = f"The project {made.name} ({made.id}) is there, and you are its owner."
        render.one(client, made, say=say)


@app.command(name="list")
def list_(common: Common = COMMON) -> None:
    """List the projects that you may see."""
    with open_client(common) as client:
        render.many(
            client,
            client.projects.list(org_id=org_id(client)),
            ("name", ("your role", lambda each: each.role or ""), "id"),
            empty="There is no project that you may see.",
        )


@app.command(name="show")
def show_(name: ByName, /, common: Common = COMMON) -> None:
    """Show a project."""
    with open_client(common) as client:
        render.one(client, the_project(client, name))


@app.command
def update(
    name: ByName,
    /,
    *,
    new_name: OptionalNewName = None,
    default_location: str | None = None,
    common: Common = COMMON,
) -> None:
    """Change a project; what is left out stays as it is.

    Parameters
    ----------
    default_location
        The location, by name or id, where datasets go that name none; empty: none.
    """
    if new_name is None and default_location is None:
        raise InvalidRequest(
            "Nothing is to be changed.", hint="Add --new-name or --default-location."
        )
    with open_client(common) as client:
        found = the_project(client, name)
        given: dict[str, str | None] = {} if new_name is None else {"name": new_name}
        if default_location is not None:
            location = default_location and the_location(client, default_location, found.id).id
            given["default_location_id"] = location or None
        # A name can be changed and not taken away.
        changed = client.projects.update(found.id, **given, if_version=found.version)  # type: ignore[arg-type]
        render.one(client, changed)


@app.command
def delete(name: ByName, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """Delete a project that has no locations."""
    with open_client(common) as client:
        found = the_project(client, name)
        show.confirm(f"Delete the project {found.name}?", yes=yes)
        client.projects.delete(found.id, if_version=found.version)
        render.done(client, f"The project {found.name} is deleted.")


@orgs.command(name="list")
def list_orgs(common: Common = COMMON) -> None:
    """List the organisations that you belong to."""
    with open_client(common) as client:
        columns = ("name", ("your role", lambda each: each.role or ""), "id")
        render.many(client, client.orgs.list(), columns, empty="You belong to no organisation.")


@orgs.command(name="update")
def update_org(*, new_name: NewName, common: Common = COMMON) -> None:
    """Rename the organisation that --org names, or the only one."""
    with open_client(common) as client:
        found = client.orgs.get(the_org(client).id)
        render.one(client, client.orgs.update(found.id, name=new_name, if_version=found.version))


@orgs.command(name="show")
def show_org(common: Common = COMMON) -> None:
    """Show the organisation that --org names, or the only one."""
    with open_client(common) as client:
        render.one(client, client.orgs.get(the_org(client).id))
