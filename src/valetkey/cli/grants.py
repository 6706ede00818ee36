"""Grants: what people, and groups of them, may have of a location, whatever their role."""

from __future__ import annotations

from cyclopts import App

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import open_client
from valetkey.cli.durations import parse_moment, parse_span
from valetkey.cli.finding import InProject, the_location
from valetkey.cli.options import (
    WHOLE,
    AccessOption,
    ById,
    OfLocation,
    PrefixOption,
    Yes,
    access_levels,
)

app = App(name="grants", help="What people and groups may have of a location.")


@app.command
def create(
    location: OfLocation,
    /,
    *,
    user: str | None = None,
    group: str | None = None,
    prefix: PrefixOption = WHOLE,
    access: AccessOption = "list,read",
    max_ttl: str = "12h",
    ends: str = "",
    reason: str | None = None,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Grant folders of a location to a person or a group.

    Parameters
    ----------
    user
        The e-mail address of whom it is for.
    group
        Or the group that it is for, by name or id.
    max_ttl
        The longest life of a credential.
    ends
        When it ends: 2026-03-01T12:00:00Z, or 30d from now (default: never).
    reason
        Why it is given.
    """
    seconds = parse_span(max_ttl, "--max-ttl")
    ends_at = parse_moment(ends, "--ends") if ends else None
    with open_client(common) as client:
        made = client.grants.create(
            the_location(client, location, project).id,
            prefixes=prefix,
            access=access_levels(access),
            user=user,
            group=group,
            max_ttl_seconds=seconds,
            ends_at=ends_at,
            reason=reason,
        )
        render.one(client, made)


@app.command(name="list")
def list_(location: OfLocation, /, *, project: InProject = "", common: Common = COMMON) -> None:
    """List a location's grants, oldest first."""
    with open_client(common) as client:
        render.many(
            client,
            client.grants.list(the_location(client, location, project).id),
            ("grantee", "prefixes", "access", "ends_at", "reason", "id"),
            empty="Nobody has a grant.",
        )


@app.command(name="show")
def show_(
    location: OfLocation, grant: ById, /, *, project: InProject = "", common: Common = COMMON
) -> None:
    """Show a grant."""
    with open_client(common) as client:
        place = the_location(client, location, project)
        render.one(client, client.grants.get(place.id, grant))


@app.command
def delete(
    location: OfLocation,
    grant: ById,
    /,
    *,
    project: InProject = "",
    yes: Yes = False,
    common: Common = COMMON,
) -> None:
    """Take a grant back; what was cached for it is forgotten at once."""
    show.confirm(f"Take the grant {grant} back?", yes=yes)
    with open_client(common) as client:
        ending = client.grants.delete(the_location(client, location, project).id, grant)
        render.ended(client, ending, f"The grant {grant} is taken back.")
