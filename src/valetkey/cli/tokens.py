"""API tokens: what programs show instead of a password."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.durations import parse_optional_span, parse_span
from valetkey.cli.finding import InProject, org_id, the_location, the_org
from valetkey.cli.logins import write_private
from valetkey.cli.options import ById, Many, Yes, access_levels
from valetkey.cli.service_accounts import the_account
from valetkey.wire.tokens import TokenLimits

app = App(name="tokens", help="API tokens: what programs show.")


@app.command
def create(
    name: str,
    /,
    *,
    for_: Annotated[str, Parameter(name="--for")] = "90d",
    location: Annotated[tuple[str, ...], Many] = (),
    prefix: Annotated[tuple[str, ...], Many] = (),
    access: str = "",
    max_ttl: str = "",
    network: Annotated[tuple[str, ...], Many] = (),
    service_account: str = "",
    project: InProject = "",
    file: Path | None = None,
    common: Common = COMMON,
) -> None:
    """Make an API token with your own rights at most, or a service account's. It is shown this
    once.

    Parameters
    ----------
    name
        What it is for.
    for_
        How long it is good, up to a year.
    location
        It is for this location only, by name or id; may be given several times.
    prefix
        And for this folder in it; may be given several times.
    access
        It opens no more than this: any of list, read, write, delete; with commas.
    max_ttl
        The longest life of a credential that it asks for, such as 1h.
    network
        It is good from this network range only, such as 192.0.2.0/24; may be given several times.
    service_account
        Make it for a service account, by name or id, instead of for yourself.
    file
        Write it to this file, which only you can read, instead of printing it.
    """
    ttl = parse_span(for_, "--for")
    with open_client(common) as client:
        limits = TokenLimits(
            location_ids=[the_location(client, each, project).id for each in location] or None,
            prefixes=list(prefix) or None,
            access=access_levels(access) or None,
            max_ttl_seconds=parse_optional_span(max_ttl, "--max-ttl"),
            networks=list(network) or None,
        )
        org = org_id(client)
        if service_account:
            account = the_account(client, service_account, project)
            made = client.service_accounts.create_token(
                account.id, name=name, ttl_seconds=ttl, limits=limits, org_id=org
            )
        else:
            made = client.tokens.create(name=name, ttl_seconds=ttl, limits=limits, org_id=org)
        if file is not None:
            # No newline: AWS's tools take a token file as it is.
            write_private(file, [(made.token or "").encode()])
        if common.form != "table":
            render.one(client, made)
            return
    if file is None:
        show.write(made.token or "")
    where = f"in {file}" if file else "shown this once"
    show.say(f"The API token {made.id} is {where}; it ends {show.moment(made.expires_at)}.")


@app.command(name="list")
def list_(
    *,
    all_: Annotated[Flag, Parameter(name="--all")] = False,
    service_account: str = "",
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """List your API tokens, newest first.

    Parameters
    ----------
    all_
        Those of everybody in the organisation: for its owners.
    service_account
        Those of a service account, by name or id.
    """
    with open_client(common) as client:
        if service_account:
            account = the_account(client, service_account, project)
            found = client.service_accounts.list_tokens(account.id)
        else:
            found = client.tokens.list(org_id=the_org(client).id if all_ else None)
        render.many(
            client,
            found,
            ("id", "name", "holder", "state", "limits", "expires_at", "last_used_at"),
            empty="There is no API token: 'valetkey tokens create' makes one.",
        )


@app.command(name="show")
def show_(token: ById, /, *, common: Common = COMMON) -> None:
    """Show an API token, but not the token itself."""
    with open_client(common) as client:
        render.one(client, client.tokens.get(token))


@app.command
def revoke(token: ById, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """End an API token at once."""
    show.confirm(f"End the API token {token}?", yes=yes)
    with open_client(common) as client:
        ending = client.tokens.revoke(token)
        render.ended(client, ending, f"The API token {token} is revoked.")
