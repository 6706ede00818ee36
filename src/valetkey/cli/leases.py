"""Leases: what was handed out, and how to call it back."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, Flag, open_client
from valetkey.cli.exits import Exit
from valetkey.sdk import calls, flows
from valetkey.sdk.calls import Flow
from valetkey.sdk.errors import InvalidRequest

app = App(name="leases", help="See and revoke what was handed out.")


def _ids(driver: str, integration: str, project: str, org: str) -> Flow[dict[str, str]]:
    """Find the ids of what was named."""
    found: dict[str, str] = {}
    if driver:
        found["driver"] = (yield from flows.find_driver(driver, project)).id
    if integration:
        found["integration"] = (yield from flows.find_integration(integration, org)).id
    return found


@app.command(name="list")
def list_(
    *,
    driver: str = "",
    integration: str = "",
    principal: str = "",
    active: Flag = False,
    limit: int = 100,
    project: str = "",
    org: str = "",
    common: Common = COMMON,
) -> None:
    """List sessions, newest first; who is not an owner sees their own.

    Parameters
    ----------
    driver
        Those of this driver only, by name or id.
    integration
        Those of this integration only, by name or id.
    principal
        Those of this person only, by e-mail address.
    active
        Only those that still work.
    limit
        How many at most.
    project
        The driver's project, where names are not unique.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        ids = client.run(_ids(driver, integration, project, org))
        query = calls.list_leases(
            org=owner.id,
            principal=principal,
            active="true" if active else "",
            limit=min(limit, 1000),
            **ids,
        )
        found = client.run(flows.pages(query, limit))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("id", "state", "who", "bucket and folders", "access", "ends"),
        [
            (
                lease["id"],
                lease["state"],
                lease["principal"] or "(shared)",
                f"{lease['bucket']}: {', '.join(lease['prefixes']) or 'all'}",
                ", ".join(lease["access"]),
                lease["expiresAt"],
            )
            for lease in found
        ],
        empty="Nothing was handed out.",
    )


@app.command
def revoke(
    lease: str = "",
    /,
    *,
    reason: str,
    principal: str = "",
    driver: str = "",
    integration: str = "",
    refuse_new: Flag = False,
    as_admin: Flag = False,
    aws_profile: str = "",
    project: str = "",
    org: str = "",
    common: Common = COMMON,
) -> Exit:
    """Call sessions back: AWS refuses them from now on, and the URLs presigned with them.

    Name one thing: a lease, --principal, --driver, or --integration for every session before now.
    Exit code 1 while AWS has not confirmed it; the policy to apply by hand is printed then.

    Parameters
    ----------
    lease
        A lease's id (see 'valetkey leases list').
    reason
        Why; it is audited.
    principal
        All of this person's sessions, by e-mail address.
    driver
        All sessions of this driver, by name or id.
    integration
        Every session of this integration before now, by name or id.
    refuse_new
        Give no new sessions either, until 'valetkey leases allow'.
    as_admin
        Write the role's policy with the AWS credentials of this machine, for this once.
    aws_profile
        A profile of ~/.aws for that; implies --as-admin.
    project
        The driver's project, where names are not unique.
    org
        The organisation, by name or id (default: the only one).
    """
    administrator = None
    if as_admin or aws_profile:
        from valetkey.cli.aws_credentials import find_credentials  # noqa: PLC0415

        administrator = find_credentials(aws_profile)
    with open_client(common) as client:
        target = client.run(_target(lease, principal, driver, integration, project, org))
        recall = client.send(
            calls.revoke_leases(
                reason, refuse_new=refuse_new, administrator=administrator, **target
            )
        )
    pending = any(each["state"] == "pending" for each in recall["revocations"])
    if common.as_json:
        show.write_json(recall)
    else:
        _show_recall(recall)
    return Exit.FAILED if pending else Exit.DONE


def _target(
    lease: str, principal: str, driver: str, integration: str, project: str, org: str
) -> Flow[dict[str, str]]:
    if sum(map(bool, (lease, principal, driver, integration))) != 1:
        raise InvalidRequest(
            "Say what is meant, one thing at a time.",
            hint="A lease's id, --principal, --driver or --integration.",
        )
    if lease:
        return {"lease": lease}
    if principal:
        return {"principal": principal, "org": (yield from flows.find_org(org)).id}
    return (yield from _ids(driver, integration, project, org))


def _show_recall(recall: dict[str, Any]) -> None:
    count = recall["leases"]
    show.say(f"{count} live session{'' if count == 1 else 's'} called back.")
    if recall["blocked"]:
        show.say("New ones are refused until 'valetkey leases allow'.")
    for each in recall["revocations"]:
        if each["state"] != "pending":
            show.say(f"{each['roleArn']}: AWS refuses them. {each['proof']}")
        else:
            show.say(f"{each['roleArn']}: NOT YET refused by AWS. {each['problem']}")
        if each["widened"]:
            show.say(
                "There was no room in the role's policy to name each session: every session of "
                "the role before now is refused. Programs ask for new ones by themselves."
            )


@app.command
def revocations(*, org: str = "", common: Common = COMMON) -> None:
    """List what was called back, newest first, and whether AWS refuses it.

    Parameters
    ----------
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        found = client.send(calls.list_revocations(org=owner.id))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("when", "state", "what", "reason", "proof or problem"),
        [
            (
                each["createdAt"],
                each["state"],
                f"{each['kind']} {each['target']}",
                each["reason"],
                each["problem"] or each["proof"],
            )
            for each in found
        ],
        empty="Nothing was called back.",
    )


@app.command
def blocks(*, org: str = "", common: Common = COMMON) -> None:
    """List who, or through what, is given no new session.

    Parameters
    ----------
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        found = client.send(calls.list_blocks(org=owner.id))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("what", "reason", "by", "since"),
        [
            (f"{each['kind']} {each['target']}", each["reason"], each["actor"], each["createdAt"])
            for each in found
        ],
        empty="Nobody is refused.",
    )


@app.command
def allow(
    *,
    principal: str = "",
    driver: str = "",
    integration: str = "",
    project: str = "",
    org: str = "",
    common: Common = COMMON,
) -> None:
    """Give new sessions again, after 'revoke --refuse-new'.

    Parameters
    ----------
    principal
        To this person, by e-mail address.
    driver
        Through this driver, by name or id.
    integration
        Through this integration, by name or id.
    project
        The driver's project, where names are not unique.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        target = client.run(_target("", principal, driver, integration, project, org))
        client.send(calls.allow_leases(**target))
    if common.as_json:
        show.write_json({"allowed": target})
    else:
        show.say("New sessions are given again.")
