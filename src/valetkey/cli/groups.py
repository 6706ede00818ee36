"""Groups: some members of an organisation under one name, for grants."""

from __future__ import annotations

from cyclopts import App

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import open_client
from valetkey.cli.finding import the_org
from valetkey.cli.options import ByName, Email, NewName, OfGroup, Yes
from valetkey.cli.terminal import Terminal
from valetkey.wire.groups import Group

app = App(name="groups", help="Some members of an organisation under one name, for grants.")


def _group(client: Terminal, name: str) -> Group:
    """Return a group by name or id. Raises NotFound."""
    return client.groups.get(the_org(client).id, name)


@app.command
def create(name: str, /, common: Common = COMMON) -> None:
    """Make an empty group.

    Parameters
    ----------
    name
        The group's name, unique in the organisation.
    """
    with open_client(common) as client:
        render.one(client, client.groups.create(the_org(client).id, name=name))


@app.command(name="list")
def list_(common: Common = COMMON) -> None:
    """List an organisation's groups."""
    with open_client(common) as client:
        render.many(
            client,
            client.groups.list(the_org(client).id),
            ("name", "created_at", "id"),
            empty="There is no group.",
        )


@app.command(name="show")
def show_(name: ByName, /, common: Common = COMMON) -> None:
    """Show a group."""
    with open_client(common) as client:
        render.one(client, _group(client, name))


@app.command
def update(name: ByName, /, *, new_name: NewName, common: Common = COMMON) -> None:
    """Rename a group."""
    with open_client(common) as client:
        found = _group(client, name)
        changed = client.groups.update(
            found.org_id, found.id, name=new_name, if_version=found.version
        )
        render.one(client, changed)


@app.command
def delete(name: ByName, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """Forget a group and its grants."""
    with open_client(common) as client:
        found = _group(client, name)
        show.confirm(f"Forget the group {found.name} and its grants?", yes=yes)
        ending = client.groups.delete(found.org_id, found.id, if_version=found.version)
        render.ended(client, ending, f"The group {found.name} is forgotten, with its grants.")


@app.command
def members(name: ByName, email: str = "", /, common: Common = COMMON) -> None:
    """List a group's members, or find out whether somebody is one.

    Parameters
    ----------
    email
        Only them: their e-mail address.
    """
    with open_client(common) as client:
        found = _group(client, name)
        if email:
            render.one(client, client.groups.get_member(found.org_id, found.id, email))
            return
        render.many(
            client,
            client.groups.list_members(found.org_id, found.id),
            ("email", "id"),
            empty="Nobody is in the group.",
        )


@app.command
def add(name: OfGroup, email: Email, /, common: Common = COMMON) -> None:
    """Put somebody of the organisation into a group."""
    with open_client(common) as client:
        found = _group(client, name)
        member = client.groups.put_member(found.org_id, found.id, email)
        render.one(client, member, say=f"{email} is in {found.name}.")


@app.command
def remove(name: OfGroup, email: Email, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """Take somebody out of a group."""
    with open_client(common) as client:
        found = _group(client, name)
        show.confirm(f"Take {email} out of {found.name}?", yes=yes)
        ending = client.groups.remove_member(found.org_id, found.id, email)
        render.ended(client, ending, f"{email} is no longer in {found.name}.")
