"""Integrations: an access key, its secret and a role, registered once."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.administrator import NOBODY, Administrator
from valetkey.cli.connection import COMMON, Common, open_client
from valetkey.cli.exits import Exit
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.sdk import calls, flows
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.models import DriverInfo, Integration, Report

app = App(name="integrations", help="The keys and roles at AWS.")
app.command("valetkey.cli.rotation:rotate", help="Replace an access key, without a failed request.")
app.command("valetkey.cli.rotation:disable", help="Give nothing through an integration for now.")
app.command("valetkey.cli.rotation:enable", help="Give credentials through an integration again.")


@app.command
def create(
    name: str,
    /,
    *,
    key: str,
    role_arn: str,
    secret_file: SecretFile = None,
    org: str = "",
    verify: bool = True,
    common: Common = COMMON,
) -> Exit:
    """Register an IAM user's access key and a role, and verify that they work.

    The integration is kept even if a check fails: exit code 1, and the report says why.

    Parameters
    ----------
    name
        The integration's name, unique in the organisation.
    key
        The access key's id, AKIA...
    role_arn
        The role's ARN, arn:aws:iam::123456789012:role/name.
    secret_file
        A file that holds the access key's secret; - is standard input (default: it is asked for).
    org
        The organisation, by name or id (default: the only one).
    verify
        Ask AWS at once whether it works.
    """
    secret = read_secret(secret_file, "secret access key", "--secret-file")
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        made = client.send(
            calls.create_integration(owner.id, name, key, secret, role_arn, verify=verify)
        )
    if common.as_json:
        show.write_json(made)
    else:
        show.say(f"The integration {made.name} ({made.id}) is registered, its secret sealed.")
        if made.report is not None:
            show.report(made.report)
    return Exit.FAILED if made.report is not None and not made.report.passed else Exit.DONE


@app.command(name="list")
def list_(*, org: str = "", common: Common = COMMON) -> None:
    """List the integrations of an organisation.

    Parameters
    ----------
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        found = client.send(calls.list_integrations(owner.id))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("name", "type", "state", "access key", "role", "id"),
        [(i.name, i.type, i.state, i.key, i.role_arn, i.id) for i in found],
        empty="There is no integration yet: 'valetkey setup aws apply' makes one.",
    )


@app.command(name="show")
def show_(name: str, /, *, org: str = "", common: Common = COMMON) -> None:
    """Show an integration. Its secret never leaves the server.

    Parameters
    ----------
    name
        Its name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        found = client.run(flows.find_integration(name, org))
    if common.as_json:
        show.write_json(found)
    else:
        _show(found)


def _show(found: Integration) -> None:
    show.facts(
        [
            ("name", found.name),
            ("id", found.id),
            ("type", found.type),
            ("state", found.state),
            ("why", found.state_reason),
            ("access key", found.key),
            ("role", found.role_arn),
            ("verified", show.moment(found.verified_at)),
            ("created", show.moment(found.created_at)),
            ("creator", found.creator),
        ]
    )


@app.command
def update(
    name: str,
    /,
    *,
    new_name: str = "",
    key: str = "",
    role_arn: str = "",
    secret_file: SecretFile = None,
    org: str = "",
    common: Common = COMMON,
) -> None:
    """Change an integration: what is left out stays as it is.

    Parameters
    ----------
    name
        Its name or id.
    new_name
        Another name.
    key
        Another access key's id; its secret is read too.
    role_arn
        Another role's ARN.
    secret_file
        A file that holds the new secret; - is standard input (default: it is asked for).
    org
        The organisation, by name or id (default: the only one).
    """
    if not (new_name or key or role_arn):
        raise InvalidRequest(
            "Nothing is to be changed.", hint="Add --new-name, --key or --role-arn."
        )
    if secret_file is not None and not key:
        raise InvalidRequest("A secret goes with its access key.", hint="Add --key.")
    secret = read_secret(secret_file, "secret access key", "--secret-file") if key else ""
    with open_client(common) as client:
        found = client.run(flows.find_integration(name, org))
        changed = client.send(
            calls.update_integration(
                found.org, found.id, name=new_name, key=key, secret=secret, role_arn=role_arn
            )
        )
    if common.as_json:
        show.write_json(changed)
    else:
        _show(changed)


@app.command
def verify(
    name: str,
    /,
    *,
    org: str = "",
    admin: Administrator = NOBODY,
    common: Common = COMMON,
) -> Exit:
    """Ask AWS whether an integration works. Exit code 1 if a check fails.

    With --as-admin, the policies themselves are read too, with the AWS credentials of this
    machine: which statement is missing or denies, and what differs from the plan.

    Parameters
    ----------
    name
        Its name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        found = client.run(flows.find_integration(name, org))
        report = client.send(calls.verify_integration(found.org, found.id))
        if admin.wanted:
            drivers = client.run(flows.all_drivers(""))
            return _with_admin(client, found, report, drivers, admin, as_json=common.as_json)
    if common.as_json:
        show.write_json(report)
    else:
        show.report(report)
    return Exit.DONE if report.passed else Exit.FAILED


def _with_admin(
    client: Client,
    found: Integration,
    report: Report,
    drivers: Sequence[DriverInfo],
    admin: Administrator,
    *,
    as_json: bool,
) -> Exit:
    """Look at AWS's policies too; after a repair, let the server verify again."""
    from valetkey.cli import diagnosis  # noqa: PLC0415  # not part of the plain client

    if not as_json:
        show.report(report)
    seen = diagnosis.look(diagnosis.subjects_of(found, drivers), admin, as_json=as_json)
    if admin.repair:
        report = client.send(calls.verify_integration(found.org, found.id))
        if not as_json:
            show.say("The server verifies again:")
            show.report(report)
    if as_json:
        show.write_json({"report": report, "administrator": diagnosis.as_data(seen)})
    return Exit.DONE if report.passed else Exit.FAILED


@app.command
def delete(name: str, /, *, org: str = "", common: Common = COMMON) -> None:
    """Forget an integration and its secret; refused while drivers use it. AWS is not touched.

    Parameters
    ----------
    name
        Its name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        found = client.run(flows.find_integration(name, org))
        client.send(calls.delete_integration(found.org, found.id))
    if common.as_json:
        show.write_json({"deleted": found.id})
    else:
        show.say(f"The integration {found.name} is forgotten. Its access key still works at AWS.")
