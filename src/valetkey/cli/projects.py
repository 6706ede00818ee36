"""Projects: what drivers and people belong to."""

from __future__ import annotations

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, open_client
from valetkey.sdk import calls, flows

app = App(name="projects", help="What drivers and people belong to.")


@app.command
def create(name: str, /, *, org: str = "", common: Common = COMMON) -> None:
    """Make a project; you are its owner.

    Parameters
    ----------
    name
        The project's name, unique in the organisation.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        made = client.send(calls.create_project(name, owner.id))
    if common.as_json:
        show.write_json(made)
    else:
        show.say(f"The project {made.name} ({made.id}) is there, and you are its owner.")


@app.command(name="list")
def list_(common: Common = COMMON) -> None:
    """List the projects that you may see."""
    with open_client(common) as client:
        found = client.send(calls.list_projects())
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("name", "your role", "id"),
        [(project.name, project.role, project.id) for project in found],
        empty="There is no project that you may see.",
    )


@app.command
def delete(name: str, /, common: Common = COMMON) -> None:
    """Delete a project that has no drivers.

    Parameters
    ----------
    name
        Its name or id.
    """
    with open_client(common) as client:
        found = client.run(flows.find_project(name))
        client.send(calls.delete_project(found.id))
    if common.as_json:
        show.write_json({"deleted": found.id})
    else:
        show.say(f"The project {found.name} is deleted.")
