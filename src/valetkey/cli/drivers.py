"""Drivers: a bucket, or a folder of one, behind an integration."""

from __future__ import annotations

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, Flag, open_client
from valetkey.cli.exits import Exit
from valetkey.sdk import calls, flows
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.models import DriverInfo

app = App(name="drivers", help="Buckets, or folders of them.")


@app.command
def create(
    name: str,
    /,
    *,
    integration: str,
    bucket: str,
    folder: str = "",
    region: str = "",
    endpoint: str = "",
    storage_class: str = "",
    allow_external_delete: Flag = False,
    kms_key_arn: str = "",
    shared_sessions: Flag = False,
    project: str = "",
    org: str = "",
    common: Common = COMMON,
) -> None:
    """Make an S3 driver. The bucket is looked for at AWS, and its region found out.

    Parameters
    ----------
    name
        The driver's name, unique in the project.
    integration
        The integration that opens the bucket, by name or id.
    bucket
        The bucket.
    folder
        Open this one folder of the bucket only.
    region
        The bucket's region (default: it is found out).
    endpoint
        An endpoint other than AWS's own; the server's settings say which are allowed.
    storage_class
        The storage class of objects that are uploaded (default: S3's).
    allow_external_delete
        Let deleting an item delete its object.
    kms_key_arn
        The KMS key that encrypts the objects; credentials may then use it, for them only.
    shared_sessions
        Give all users the same session, so that CloudTrail names the driver instead of the person.
    project
        The project, by name or id (default: the only one).
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        place = client.run(flows.find_project(project))
        found = client.run(flows.find_integration(integration, org))
        made = client.send(
            calls.create_driver(
                place.id,
                found.id,
                name,
                bucket,
                folder=folder,
                region=region,
                endpoint=endpoint,
                storage_class=storage_class,
                allow_external_delete=allow_external_delete,
                kms_key_arn=kms_key_arn,
                shared_sessions=shared_sessions,
            )
        )
    _answer(made, common)


@app.command(name="list")
def list_(*, project: str = "", common: Common = COMMON) -> None:
    """List the drivers that you may use.

    Parameters
    ----------
    project
        Of this project only, by name or id.
    """
    with open_client(common) as client:
        found = client.run(flows.all_drivers(project))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("name", "opens", "region", "id"),
        [(d.name, f"s3://{d.bucket_name}/{d.path}", d.region, d.id) for d in found],
        empty="There is no driver yet: 'valetkey drivers create', or 'valetkey setup aws apply'.",
    )


@app.command(name="show")
def show_(name: str, /, *, project: str = "", common: Common = COMMON) -> None:
    """Show a driver.

    Parameters
    ----------
    name
        Its name or id.
    project
        Its project, by name or id (default: wherever it is).
    """
    with open_client(common) as client:
        found = client.run(flows.find_driver(name, project))
    _answer(found, common)


def _answer(found: DriverInfo, common: Common) -> None:
    if common.as_json:
        show.write_json(found)
        return
    show.facts(
        [
            ("name", found.name),
            ("id", found.id),
            ("opens", f"s3://{found.bucket_name}/{found.path}"),
            ("region", found.region),
            ("endpoint", found.endpoint),
            ("storage class", found.storage_class),
            ("external delete", "allowed" if found.allow_external_delete else "refused"),
            ("KMS key", found.kms_key_arn),
            ("sessions", "shared" if found.shared_sessions else "one a person"),
            ("integration", found.integration_id),
            ("created", show.moment(found.created_at)),
            ("creator", found.creator),
        ]
    )


@app.command
def update(
    name: str,
    /,
    *,
    new_name: str | None = None,
    allow_external_delete: bool | None = None,
    kms_key_arn: str | None = None,
    shared_sessions: bool | None = None,
    project: str = "",
    common: Common = COMMON,
) -> None:
    """Change a driver; what is left out stays as it is.

    Parameters
    ----------
    name
        Its name or id.
    new_name
        Another name.
    allow_external_delete
        Let deleting an item delete its object, or not.
    kms_key_arn
        The KMS key that encrypts the objects; empty for none.
    shared_sessions
        Give all users the same session, or each their own.
    project
        Its project, by name or id (default: wherever it is).
    """
    changes = (new_name, allow_external_delete, kms_key_arn, shared_sessions)
    if all(change is None for change in changes):
        raise InvalidRequest(
            "Nothing is to be changed.",
            hint="Add --new-name, --allow-external-delete, --kms-key-arn or --shared-sessions.",
        )
    with open_client(common) as client:
        found = client.run(flows.find_driver(name, project))
        changed = client.send(
            calls.update_driver(
                found.id,
                name=new_name,
                allow_external_delete=allow_external_delete,
                kms_key_arn=kms_key_arn,
                shared_sessions=shared_sessions,
            )
        )
    _answer(changed, common)


@app.command(name="test", alias="verify")
def probe(name: str, /, *, project: str = "", common: Common = COMMON) -> Exit:
    """List, write, read and delete a probe object under the driver's folder. Nothing is left
    behind. Exit code 1 if a check fails.

    Parameters
    ----------
    name
        Its name or id.
    project
        Its project, by name or id (default: wherever it is).
    """
    with open_client(common) as client:
        found = client.run(flows.find_driver(name, project))
        report = client.send(calls.test_driver(found.id))
    if common.as_json:
        show.write_json(report)
    else:
        show.report(report)
    return Exit.DONE if report.passed else Exit.FAILED


@app.command
def delete(name: str, /, *, project: str = "", common: Common = COMMON) -> None:
    """Forget a driver; its bucket is not touched.

    Parameters
    ----------
    name
        Its name or id.
    project
        Its project, by name or id (default: wherever it is).
    """
    with open_client(common) as client:
        found = client.run(flows.find_driver(name, project))
        client.send(calls.delete_driver(found.id))
    if common.as_json:
        show.write_json({"deleted": found.id})
    else:
        show.say(f"The driver {found.name} is forgotten. The bucket is as it was.")
