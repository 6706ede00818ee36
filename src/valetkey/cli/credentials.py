"""Temporary credentials, in the forms in which other tools take them."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, find_connection
from valetkey.cli.handover.cache import Asked, cached
from valetkey.sdk import calls, flows
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.models import Credentials

Format = Literal["env", "dotenv", "process", "json"]
_DURATION: Final = re.compile(r"(\d{1,9})\s*([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_ALL: Final = ("",)


def credentials(
    driver: str,
    /,
    *,
    prefix: Annotated[tuple[str, ...], Parameter(negative=())] = _ALL,
    access: str = "list,read",
    ttl: str = "1h",
    purpose: str = "",
    bare: Annotated[bool, Parameter(negative=())] = False,
    versions: Annotated[bool, Parameter(negative=())] = False,
    project: str = "",
    format_: Annotated[Format, Parameter(name="--format")] = "env",
    common: Common = COMMON,
) -> None:
    """Get temporary credentials that open these folders and operations, and nothing else.

    They are printed; what they open and until when is said on standard error.

    Parameters
    ----------
    driver
        The driver, by name or id.
    prefix
        A folder below the driver's own; may be given several times (default: all of it).
    access
        Any of list, read, write, delete; with commas.
    ttl
        How long: 15m to 12h; a number is seconds.
    purpose
        What for; it stands in the audit record.
    bare
        Let listings name the folders without their "/" too, as "aws s3 ls s3://bucket/folder" does.
    versions
        Open old versions of the objects too.
    project
        The driver's project, by name or id (default: wherever it is).
    format_
        env (shell), dotenv, process (credential_process of ~/.aws/config) or json.
    """
    levels = [level.strip() for level in access.split(",") if level.strip()]
    seconds = parse_duration(ttl)
    connection = find_connection(common.url, common.token_file)

    def fetch() -> Credentials:
        with Client(connection.url, connection.token) as client:
            found = client.run(flows.find_driver(driver, project))
            call = calls.vend(
                *(found.id, prefix, levels, seconds, purpose), bare=bare, versions=versions
            )
            return client.send(call)

    chosen = "json" if common.as_json else format_
    if chosen == "process":
        # AWS's tools run this again in every new process: what is still good is kept on disk.
        asked = Asked(
            url=connection.url,
            token=connection.token,
            driver=driver,
            prefixes=prefix,
            access=levels,
            ttl=seconds,
            purpose=purpose,
            project=project,
            bare=bare,
            versions=versions,
        )
        show.write_json(process_form(cached(asked, fetch)))
        return
    vended = fetch()
    if chosen == "json":
        show.write_json(vended)
        return
    show.write(environment_form(vended, export=chosen == "env"))
    show.say(_sentence(vended))


def parse_duration(text: str) -> int:
    """Return seconds: ``900``, ``15m``, ``1h``. Raises InvalidRequest."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(f"{text!r} is no length of time.", hint="Write 900, 15m or 1h.")
    return int(match[1]) * _SECONDS[match[2]]


def variables(vended: Credentials) -> dict[str, str]:
    """Return credentials as the variables that AWS's tools read."""
    found = {
        "AWS_ACCESS_KEY_ID": vended.access_key_id,
        "AWS_SECRET_ACCESS_KEY": vended.secret_access_key,
        "AWS_SESSION_TOKEN": vended.session_token,
        "AWS_REGION": vended.region,
        "AWS_DEFAULT_REGION": vended.region,
        "AWS_ENDPOINT_URL_S3": vended.endpoint,
    }
    return {name: value for name, value in found.items() if value}


def environment_form(vended: Credentials, *, export: bool) -> str:
    """Return lines for a shell (``export``), or for a .env file."""
    word = "export " if export else ""
    return "\n".join(
        f"{word}{name}={shlex.quote(value)}" for name, value in variables(vended).items()
    )


def process_form(vended: Credentials) -> dict[str, Any]:
    """Return credentials as AWS's tools expect them of a credential_process."""
    return {
        "Version": 1,
        "AccessKeyId": vended.access_key_id,
        "SecretAccessKey": vended.secret_access_key,
        "SessionToken": vended.session_token,
        "Expiration": vended.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _sentence(vended: Credentials) -> str:
    places = ", ".join(f"s3://{vended.bucket}/{prefix}" for prefix in vended.prefixes)
    until = show.moment(vended.expiration)
    return f"Good for {', '.join(vended.access)} in {places} until {until}."
