"""Integrations: the trust with an account at AWS, or with a store, registered once."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App
from msgspec import UNSET

from valetkey.cli import render, show
from valetkey.cli.administrator import NOBODY, AdministratorOptions
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import open_client
from valetkey.cli.exits import Exit
from valetkey.cli.finding import org_id
from valetkey.cli.options import ByName, NewName, Yes
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.cli.terminal import Terminal
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.integrations import Integration, IntegrationType
from valetkey.wire.locations import Location
from valetkey.wire.reports import Report

app = App(name="integrations", help="The trust with an account at AWS, or with a store.")
app.command("valetkey.cli.rotation:rotate", help="Replace an access key, without a failed request.")
app.command("valetkey.cli.rotation:disable", help="Vend nothing through an integration for now.")
app.command("valetkey.cli.rotation:enable", help="Vend through an integration again.")


def the_integration(client: Terminal, name: str) -> Integration:
    """Return an integration by name or id. Raises NotFound, InvalidRequest."""
    return client.integrations.get(name, org_id=org_id(client))


@app.command
def create(
    name: str,
    /,
    *,
    type_: IntegrationType = "aws-sts",
    key: str | None = None,
    secret_file: SecretFile = None,
    role_arn: str | None = None,
    endpoint: str | None = None,
    provider: str | None = None,
    ref: str | None = None,
    verify: bool = True,
    common: Common = COMMON,
) -> Exit:
    """Register a key and a role (aws-sts), a role that trusts the server (aws-cross), the key of a
    store (s3), or a named secret (key_value); and verify that it works.

    The integration is kept even if a check fails: exit code 1, and the report says why.

    Parameters
    ----------
    name
        The integration's name, unique in the organisation.
    type_
        What kind of trust it is.
    key
        The access key's id, AKIA... (key_value: the secret's name); its secret is read too.
    secret_file
        A file that holds the secret; - is standard input (default: it is asked for).
    role_arn
        The role's ARN, arn:aws:iam::123456789012:role/name.
    endpoint
        The store's address (s3).
    provider
        Whose secret it is (key_value).
    ref
        What it is known as there (key_value).
    verify
        Try at once whether it works.
    """
    secret = None
    if key is not None or secret_file is not None:
        secret = read_secret(secret_file, "secret access key", "--secret-file")
    with open_client(common) as client:
        made = client.integrations.create(
            name=name,
            type=type_,
            org_id=org_id(client),
            access_key_id=key,
            secret_access_key=secret,
            role_arn=role_arn,
            endpoint=endpoint,
            provider=provider,
            ref=ref,
            verify=verify,
        )
        sealed = ", its secret sealed" if secret else ""
        render.one(
            client, made, say=f"The integration {made.name} ({made.id}) is registered{sealed}."
        )
        if common.form == "table" and made.external_id:
            show.say(f"The role's trust policy has to ask for the external id {made.external_id}.")
        if common.form == "table" and made.report is not None:
            show.report(made.report)
    return Exit.FAILED if made.report is not None and not made.report.passed else Exit.DONE


@app.command(name="list")
def list_(common: Common = COMMON) -> None:
    """List the integrations of an organisation."""
    with open_client(common) as client:
        render.many(
            client,
            client.integrations.list(org_id=org_id(client)),
            (
                "name",
                "type",
                "state",
                ("access key", lambda each: each.access_key_id or ""),
                ("role", lambda each: each.role_arn or ""),
                "id",
            ),
            empty="There is no integration yet: 'valetkey setup aws apply' makes one.",
        )


@app.command(name="show")
def show_(name: ByName, /, common: Common = COMMON) -> None:
    """Show an integration. Its secret never leaves the server."""
    with open_client(common) as client:
        render.one(client, the_integration(client, name))


@app.command
def update(
    name: ByName,
    /,
    *,
    new_name: NewName = "",
    key: str = "",
    role_arn: str = "",
    secret_file: SecretFile = None,
    common: Common = COMMON,
) -> None:
    """Change an integration: what is left out stays as it is.

    Parameters
    ----------
    key
        Another access key's id; its secret is read too.
    role_arn
        Another role's ARN.
    secret_file
        A file that holds the new secret; - is standard input (default: it is asked for).
    """
    if not (new_name or key or role_arn):
        raise InvalidRequest(
            "Nothing is to be changed.", hint="Add --new-name, --key or --role-arn."
        )
    if secret_file is not None and not key:
        raise InvalidRequest("A secret goes with its access key.", hint="Add --key.")
    secret = read_secret(secret_file, "secret access key", "--secret-file") if key else ""
    with open_client(common) as client:
        found = the_integration(client, name)
        changed = client.integrations.update(
            found.id,
            name=new_name or UNSET,
            access_key_id=key or UNSET,
            secret_access_key=secret or UNSET,
            role_arn=role_arn or UNSET,
            if_version=found.version,
        )
        render.one(client, changed)


@app.command
def verify(
    name: ByName,
    /,
    *,
    admin: AdministratorOptions = NOBODY,
    common: Common = COMMON,
) -> Exit:
    """Try whether an integration works, through each of its locations too. Exit code 1 if a check
    fails.

    With --as-admin, the policies themselves are read too, with the AWS credentials of this
    machine: which statement is missing or denies, and what differs from the plan.
    """
    with open_client(common) as client:
        found = the_integration(client, name)
        report = client.integrations.verify(found.id)
        if admin.wanted:
            return _with_admin(client, found, report, list(client.locations.list()), admin)
        return render.report(client, report)


def _with_admin(
    client: Terminal,
    found: Integration,
    report: Report,
    locations: Sequence[Location],
    admin: AdministratorOptions,
) -> Exit:
    """Look at AWS's policies too; after a repair, let the server verify again."""
    from valetkey.cli import diagnosis  # noqa: PLC0415  # not part of the plain client

    as_json = client.common.form != "table"
    if not as_json:
        show.report(report)
    seen = diagnosis.look(diagnosis.subjects_of(found, locations), admin, as_json=as_json)
    if admin.repair:
        report = client.integrations.verify(found.id)
        if not as_json:
            show.say("The server verifies again:")
            show.report(report)
    if as_json:
        show.write_json({"report": report, "administrator": diagnosis.as_data(seen)})
    return Exit.DONE if report.passed else Exit.FAILED


@app.command
def delete(name: ByName, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """Forget an integration and its secret; refused while locations use it. AWS is not touched."""
    with open_client(common) as client:
        found = the_integration(client, name)
        show.confirm(f"Forget the integration {found.name} and its secret?", yes=yes)
        ending = client.integrations.delete(found.id, if_version=found.version)
        say = f"The integration {found.name} is forgotten. Its access key still works at AWS."
        render.ended(client, ending, say)
