"""Leases: the records of what was vended; revocations, and blocks of what is to come."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from valetkey.cli import render, show
from valetkey.cli.aws_credentials import AwsCredentialOptions, find_administrator
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.exits import Exit
from valetkey.cli.finding import InProject, org_id, the_location
from valetkey.cli.options import ById, Cursor, Limit, Yes
from valetkey.cli.service_accounts import the_account
from valetkey.cli.terminal import Terminal
from valetkey.counting import counted
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.naming import is_id
from valetkey.wire.leases import Block, Lease, Revocation, Revoked, Target

app = App(name="leases", help="See and revoke what was vended.")
revocations = App(name="revocations", help="What was revoked, and whether AWS refuses it.")
blocks = App(name="blocks", help="Whom, or through what, nothing new is vended.")
_NOBODY = AwsCredentialOptions()


def _what(lease: Lease) -> str:
    return f"{lease.bucket}: {', '.join(lease.prefixes) or 'all'}"


def _target(found: Block | Revocation) -> str:
    return f"{found.kind} {found.target}"


@app.command(name="list")
def list_(
    *,
    location: str = "",
    integration: str = "",
    principal: str | None = None,
    active: Flag = False,
    limit: Limit = 100,
    cursor: Cursor = "",
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """List leases, newest first; who is not an owner sees their own.

    Parameters
    ----------
    location
        Those of this location only, by name or id.
    integration
        Those of this integration only, by name or id.
    principal
        Those of this person only, by e-mail address.
    active
        Only those that still open something.
    """
    with open_client(common) as client:
        of = org_id(client)
        place = the_location(client, location, project).id if location else None
        through = client.integrations.get(integration, org_id=of).id if integration else None
        client.only_part(limit, cursor)
        found = client.leases.list(
            org_id=of,
            location_id=place,
            integration_id=through,
            principal=principal,
            active=active,
        )
        render.many(
            client,
            found,
            (
                "id",
                "state",
                ("who", lambda each: render.text_of(each.holder) or "(shared)"),
                ("bucket and folders", _what),
                "access",
                ("ends", lambda each: show.moment(each.expires_at)),
            ),
            empty="Nothing was vended.",
        )


@app.command(name="show")
def show_(lease: ById, /, common: Common = COMMON) -> None:
    """Show a lease."""
    with open_client(common) as client:
        render.one(client, client.leases.get(lease))


@app.command
def revoke(
    lease: str = "",
    /,
    *,
    reason: str,
    principal: str = "",
    location: str = "",
    integration: str = "",
    token: str = "",
    service_account: str = "",
    refuse_new: Flag = False,
    yes: Yes = False,
    admin: AwsCredentialOptions = _NOBODY,
    project: InProject = "",
    common: Common = COMMON,
) -> Exit:
    """End leases: AWS refuses their credentials from now on, and the URLs presigned with them.

    Name one thing: a lease, --principal, --location, --token, --service-account, or --integration
    for every session before now. Exit code 1 while AWS has not confirmed it; the policy to apply
    by hand is printed then.

    Parameters
    ----------
    lease
        A lease's id (see 'valetkey leases list').
    reason
        Why; it is audited.
    principal
        All of this person's leases, by e-mail address.
    location
        All leases of this location, by name or id.
    integration
        Every session of this integration before now, by name or id.
    token
        All leases that were vended for this API token, by its id.
    service_account
        All leases of this service account, by name or id.
    refuse_new
        Block it too: vend no new ones until 'valetkey blocks delete'.
    """
    administrator = find_administrator(admin)
    given: dict[Target, str] = {
        "lease": lease,
        "principal": principal,
        "location": location,
        "integration": integration,
        "token": token,
        "serviceAccount": service_account,
    }
    with open_client(common) as client:
        kind, target = _chosen(client, given, project)
        show.confirm(f"Revoke every session of the {kind} {target}?", yes=yes or kind == "lease")
        revoked = client.revocations.create(
            kind=kind,
            target=target,
            reason=reason,
            org_id=org_id(client),
            refuse_new=refuse_new,
            administrator=administrator,
        )
        render.one(client, revoked, say=_sentences(revoked))
    pending = any(each.state == "pending" for each in revoked.revocations)
    return Exit.FAILED if pending else Exit.DONE


def _chosen(client: Terminal, given: dict[Target, str], project: str) -> tuple[Target, str]:
    """Return the one thing that is named, and its id. Raises InvalidRequest, NotFound."""
    named = [(kind, value) for kind, value in given.items() if value]
    if len(named) != 1:
        raise InvalidRequest(
            "Say what is meant, one thing at a time.",
            hint="A lease's id, --principal, --location, --integration, --token or "
            "--service-account.",
        )
    [(kind, value)] = named
    if is_id(value):  # of what is gone by now too
        return kind, value
    if kind == "location":
        return kind, the_location(client, value, project).id
    if kind == "integration":
        return kind, client.integrations.get(value, org_id=org_id(client)).id
    if kind == "serviceAccount":
        return kind, the_account(client, value, project).id
    return kind, value


def _sentences(revoked: Revoked) -> str:
    told = [f"{counted(revoked.leases, 'live session')} revoked."]
    if revoked.blocked:
        told.append("New ones are refused until 'valetkey blocks delete'.")
    if revoked.others:
        told.append(
            f"These shared some of them, and ask for new ones: {', '.join(revoked.others)}."
        )
    for each in revoked.revocations:
        if each.state != "pending":
            told.append(f"{each.role_arn}: AWS refuses them. {each.proof or ''}")
        else:
            told.append(f"{each.role_arn}: NOT YET refused by AWS. {each.problem or ''}")
        if each.by_hand is not None:
            told.append(each.by_hand.command)
        if each.widened:
            told.append(
                "There was no room in the role's policy to name each session: others of their "
                "holders, or all of the role, from before now are refused too. Programs ask for "
                "new ones by themselves."
            )
    return "\n".join(told)


@revocations.command(name="list")
def list_revocations(common: Common = COMMON) -> None:
    """List what was revoked, newest first, and whether AWS refuses it."""
    with open_client(common) as client:
        render.many(
            client,
            client.revocations.list(org_id=org_id(client)),
            (
                ("when", lambda each: show.moment(each.created_at)),
                "state",
                ("what", _target),
                "reason",
                ("proof or problem", lambda each: each.problem or each.proof or ""),
                "id",
            ),
            empty="Nothing was revoked.",
        )


@revocations.command(name="show")
def show_revocation(revocation: ById, /, common: Common = COMMON) -> None:
    """Show a revocation."""
    with open_client(common) as client:
        render.one(client, client.revocations.get(revocation, org_id=org_id(client)))


BlockedKind = Annotated[Target, Parameter(help="What is blocked.")]
BlockedTarget = Annotated[
    str, Parameter(help="Which: a name or an id; a principal's e-mail address.")
]


@blocks.command(name="list")
def list_blocks(common: Common = COMMON) -> None:
    """List whom, or through what, nothing new is vended."""
    with open_client(common) as client:
        render.many(
            client,
            client.revocations.list_blocks(org_id=org_id(client)),
            (("what", _target), "reason", ("by", lambda each: each.creator.email), "created_at"),
            empty="Nothing is blocked.",
        )


@blocks.command(name="create")
def create_block(
    kind: BlockedKind,
    target: BlockedTarget,
    /,
    *,
    reason: str,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Block: vend no new credentials from now on. What was vended before lives on: 'leases revoke'.

    Parameters
    ----------
    reason
        Why; it is audited.
    """
    with open_client(common) as client:
        _, which = _chosen(client, {kind: target}, project)
        made = client.revocations.put_block(kind, which, reason=reason, org_id=org_id(client))
        render.one(client, made, say=f"The {kind} {target} is blocked.")


@blocks.command(name="show")
def show_block(
    kind: BlockedKind, target: BlockedTarget, /, *, project: InProject = "", common: Common = COMMON
) -> None:
    """Show a block."""
    with open_client(common) as client:
        _, which = _chosen(client, {kind: target}, project)
        render.one(client, client.revocations.get_block(kind, which, org_id=org_id(client)))


@blocks.command(name="delete")
def delete_block(
    kind: BlockedKind, target: BlockedTarget, /, *, project: InProject = "", common: Common = COMMON
) -> None:
    """Unblock: vend new credentials again, after 'leases revoke --refuse-new'."""
    with open_client(common) as client:
        _, which = _chosen(client, {kind: target}, project)
        client.revocations.delete_block(kind, which, org_id=org_id(client))
        render.done(client, f"The {kind} {target} is no longer blocked.")
