"""Locations: a bucket, or a folder of one, that may be opened through an integration."""

from __future__ import annotations

from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from msgspec import UNSET

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.durations import parse_moment
from valetkey.cli.exits import Exit
from valetkey.cli.fields import Fields
from valetkey.cli.finding import InProject, every_in, the_location, the_project
from valetkey.cli.integrations import the_integration
from valetkey.cli.options import AccessOption, ByName, OptionalNewName, Yes, access_levels
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.locations import Location, LocationChange, NewLocation


class NewLocationOptions(
    Fields,
    body=NewLocation,
    but={"name", "bucket", "project_id", "integration_id", "parent_id", "access", "ends_at"},
):
    """What may be said of a new location beyond where it is and what it opens."""


class LocationOptions(
    Fields, body=LocationChange, but={"name", "access", "ends_at", "revoke_beyond"}
):
    """What else may be changed of a location."""


NEW: Final = NewLocationOptions()
PLAIN: Final = LocationOptions()

app = App(name="locations", help="Buckets, or folders of them, that people ask credentials for.")


def opens(location: Location) -> str:
    """Return the address of what a location opens."""
    return f"s3://{location.bucket}/{location.folder or ''}"


@app.command
def create(
    name: str,
    /,
    *,
    bucket: str,
    integration: str = "",
    parent: str = "",
    access: AccessOption = "list,read,write,delete",
    ends: str = "",
    plain: NewLocationOptions = NEW,
    check: Flag = False,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Make a location. With an integration it is a root, whose bucket is looked for at AWS;
    otherwise it lies within another location and opens no more than that.

    Parameters
    ----------
    name
        The location's name, unique in the project.
    bucket
        The bucket.
    integration
        The integration that opens the bucket, by name or id: for a root.
    parent
        The location that it lies in, by name or id (default: the narrowest that holds it).
    access
        The most that it opens: any of list, read, write, delete; with commas.
    ends
        From when on it opens nothing: 2026-03-01T12:00:00Z, or 30d from now (default: never).
    check
        Only find out whether it could be made.
    """
    given: dict[str, Any] = {
        "name": name,
        "bucket": bucket,
        "access": access_levels(access),
        "ends_at": parse_moment(ends, "--ends") if ends else None,
        **plain.given(),
    }
    with open_client(common) as client:
        given["project_id"] = place = the_project(client, project).id
        if integration:
            given["integration_id"] = the_integration(client, integration).id
        if parent:
            given["parent_id"] = the_location(client, parent, place).id
        if check:
            client.locations.check_new(**given)
            render.done(client, f"The location {name} could be made.")
            return
        render.one(client, client.locations.create(**given))


@app.command(name="list")
def list_(*, project: InProject = "", common: Common = COMMON) -> None:
    """List the locations that you may use."""
    with open_client(common) as client:
        render.many(
            client,
            every_in(client, client.locations.list, project),
            ("name", ("opens", opens), "access", "region", "id"),
            empty="There is no location yet: 'valetkey locations create', or 'setup aws apply'.",
        )


@app.command(name="show")
def show_(name: ByName, /, *, project: InProject = "", common: Common = COMMON) -> None:
    """Show a location."""
    with open_client(common) as client:
        render.one(client, the_location(client, name, project))


@app.command
def update(
    name: ByName,
    /,
    *,
    new_name: OptionalNewName = None,
    access: Annotated[str | None, Parameter(show_default=False)] = None,
    ends: str | None = None,
    plain: LocationOptions = PLAIN,
    revoke_beyond: Flag = False,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Change a location; what is left out stays as it is. Locations within it are cut to it.

    Parameters
    ----------
    access
        The most that it opens: any of list, read, write, delete; with commas.
    ends
        From when on it opens nothing: a moment, or 30d from now; never takes an end away.
    revoke_beyond
        Revoke the leases that open more than is left, of what lies within it too.
    """
    given = plain.given()
    if new_name is not None:
        given["name"] = new_name
    if access is not None:
        given["access"] = access_levels(access)
    if ends is not None:
        given["ends_at"] = None if ends == "never" else parse_moment(ends, "--ends")
    if not given:
        raise InvalidRequest(
            "Nothing is to be changed.",
            hint="Add --new-name, --access, --ends, --kms-key-arn, or another option.",
        )
    with open_client(common) as client:
        found = the_location(client, name, project)
        beyond = revoke_beyond or UNSET
        changed = client.locations.update(
            found.id, **given, revoke_beyond=beyond, if_version=found.version
        )
        render.one(client, changed)


@app.command(alias="test")
def verify(name: ByName, /, *, project: InProject = "", common: Common = COMMON) -> Exit:
    """List, write, read and delete a probe object under the location's folder. Nothing is left
    behind. Exit code 1 if a check fails.
    """
    with open_client(common) as client:
        report = client.locations.verify(the_location(client, name, project).id)
        return render.report(client, report)


@app.command
def delete(
    name: ByName,
    /,
    *,
    project: InProject = "",
    revoke: Flag = False,
    yes: Yes = False,
    common: Common = COMMON,
) -> None:
    """Forget a location; its bucket is not touched, and what was vended of it works on unless it is
    revoked.

    Parameters
    ----------
    revoke
        Revoke the leases of it, and of what lay within it, too.
    """
    with open_client(common) as client:
        found = the_location(client, name, project)
        show.confirm(f"Forget the location {found.name} ({opens(found)})?", yes=yes)
        ending = client.locations.delete(found.id, revoke=revoke, if_version=found.version)
        say = f"The location {found.name} is forgotten. The bucket is as it was."
        render.ended(client, ending, say)
