"""Temporary credentials, in the forms in which other tools take them; and presigned URLs."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import find_connection, open_client
from valetkey.cli.credential_helpers.cache import CredentialRequest, cached
from valetkey.cli.durations import parse_optional_span, parse_span
from valetkey.cli.finding import InProject, asked_for
from valetkey.cli.options import WHOLE, AccessOption, OfLocation, PrefixOption, access_levels
from valetkey.cli.terminal import Terminal
from valetkey.sdk.location import HOUR
from valetkey.sdk.scope import UrlMethod
from valetkey.wire.credentials import Credentials

CredentialsFormat = Literal["env", "dotenv", "process", "json"]


def credentials(
    location: OfLocation,
    /,
    *,
    prefix: PrefixOption = WHOLE,
    access: AccessOption = "list,read",
    ttl: str = "",
    purpose: str = "",
    bare: Annotated[bool, Parameter(negative=())] = False,
    versions: Annotated[bool, Parameter(negative=())] = False,
    fresh: Annotated[bool, Parameter(negative=())] = False,
    project: InProject = "",
    format_: Annotated[CredentialsFormat, Parameter(name="--format")] = "env",
    common: Common = COMMON,
) -> None:
    """Get temporary credentials that open these folders and operations, and nothing else.

    They are printed; what they open and until when is said on standard error.

    Parameters
    ----------
    ttl
        How long: 15m to 12h; without it 1h, or less where no more is allowed.
    purpose
        What for; it stands in the audit record.
    bare
        Let listings name the folders without their "/" too, as "aws s3 ls s3://bucket/folder" does.
    versions
        Open old versions of the objects too.
    fresh
        All of that time: none that was handed out before, of which some is over.
    format_
        env (shell), dotenv, process (credential_process of ~/.aws/config) or json.
    """
    asked = CredentialRequest(
        location=location,
        prefixes=prefix,
        access=access_levels(access),
        ttl=parse_optional_span(ttl, "--ttl"),
        purpose=purpose,
        project=project,
        org=common.org,
        bare=bare,
        versions=versions,
    )
    as_process = format_ == "process" and common.form == "table"
    if as_process and not fresh:
        # AWS's tools run this again in every new process: what is still good is kept on disk.
        found = find_connection(common.url, common.token_file)

        def fetch() -> Credentials:
            with Terminal(found.url, found.token, common) as client:
                return vend(client, asked)

        show.write_json(process_form(cached(found, asked, fetch)))
        return
    with open_client(common) as client:
        vended = vend(client, asked, fresh=fresh)
        if as_process:
            show.write_json(process_form(vended))
            return
        if format_ == "json" or common.form != "table":
            client.common = common if common.form != "table" else Common(as_json=True)
            render.one(client, vended)
            return
    show.write(environment_form(vended, export=format_ == "env"))
    show.say("\n".join([_sentence(vended), *vended.warnings]))


def vend(client: Terminal, asked: CredentialRequest, *, fresh: bool = False) -> Credentials:
    """Ask the server for what was asked, all of its time left if it is to be fresh. Raises
    ApiError."""
    location, project = asked_for(client, asked.location, asked.project)
    return client.location(location, project=project).credentials(
        *(asked.prefixes, asked.access, asked.ttl, asked.purpose),
        bare=asked.bare,
        versions=asked.versions,
        min_ttl=(asked.ttl or HOUR) if fresh else 0,
    )


def presign(
    location: OfLocation,
    key: str,
    /,
    *more: Annotated[str, Parameter(show_default=False)],
    method: UrlMethod = "GET",
    expires: str = "1h",
    disposition: str = "",
    purpose: str = "",
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Print a URL for each key: whoever has it has the right, until it ends.

    Parameters
    ----------
    key
        A full key of the bucket.
    more
        Further keys.
    method
        What a URL lets one do.
    expires
        How long, up to 7d; no URL outlives the session that signs it.
    disposition
        The Content-Disposition of the answers.
    purpose
        What for; it stands in the audit record.
    """
    seconds = parse_span(expires, "--expires")
    with open_client(common) as client:
        location, project = asked_for(client, location, project)
        signed = client.location(location, project=project).presign(
            [key, *more],
            method=method,
            expires=seconds,
            disposition=disposition,
            purpose=purpose,
        )
        for each in signed:
            if common.form == "table":
                show.write(each.url)
            else:
                render.one(client, each)


def variables(vended: Credentials) -> dict[str, str]:
    """Return credentials as the variables that AWS's tools read."""
    found = {
        "AWS_ACCESS_KEY_ID": vended.access_key_id,
        "AWS_SECRET_ACCESS_KEY": vended.secret_access_key,
        "AWS_SESSION_TOKEN": vended.session_token,
        "AWS_REGION": vended.region or "",
        "AWS_DEFAULT_REGION": vended.region or "",
        "AWS_ENDPOINT_URL_S3": vended.endpoint or "",
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
        "Expiration": vended.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _sentence(vended: Credentials) -> str:
    places = ", ".join(f"s3://{vended.bucket}/{prefix}" for prefix in vended.prefixes)
    until = show.moment(vended.expires_at)
    return f"Good for {', '.join(vended.access)} in {places} until {until}."
