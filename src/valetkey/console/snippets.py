"""What to paste where, so that a tool uses temporary credentials. Pure text.

Everything that people named stands here inside another language's quotes: a location's name must
not become a command in the shell that it is pasted into.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from valetkey.domain.credentials import TemporaryCredentials


@dataclass(frozen=True, slots=True)
class SnippetRequest:
    """What was asked for: the location (its id where its name is not its alone), ``folders`` below
    its own (``prefixes`` are the same as whole keys), levels, seconds if any were named. ``server``
    is the address of this console."""

    server: str
    location: str
    location_id: str
    bucket: str
    region: str
    endpoint: str
    folders: Sequence[str]
    prefixes: Sequence[str]
    levels: Sequence[str]
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to paste. ``note`` says where, and whether it renews itself."""

    id: str
    title: str
    note: str
    text: str


def snippets(wanted: SnippetRequest, credentials: TemporaryCredentials) -> list[Snippet]:
    """Return a snippet for each tool. Those that hold the secret itself are marked in the note."""
    return [
        _environment(wanted, credentials),
        _command_line(wanted),
        _profile(wanted),
        _library(wanted),
        _boto3(wanted, credentials),
        _s3fs(wanted, credentials),
        _polars(wanted, credentials),
        _duckdb(wanted, credentials),
        _dtlpy(wanted),
    ]


_DIES = "Holds the credentials themselves, until they end."


def _environment(wanted: SnippetRequest, key: TemporaryCredentials) -> Snippet:
    values = {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key.reveal(),
        "AWS_SESSION_TOKEN": key.session_token.reveal(),
        "AWS_REGION": wanted.region,
    }
    if wanted.endpoint:
        values["AWS_ENDPOINT_URL_S3"] = wanted.endpoint
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return Snippet("env", "Environment", f"For a shell. {_DIES}", "\n".join(lines))


def _command(wanted: SnippetRequest, *more: str) -> str:
    # A name that begins with a hyphen would be an option; the id never does.
    name = wanted.location_id if wanted.location.startswith("-") else wanted.location
    command = ["valetkey", "credentials", name, *more]
    for folder in wanted.folders:
        command += ["--prefix", folder]
    command += ["--access", ",".join(wanted.levels)]
    return shlex.join(command + (["--ttl", str(wanted.seconds)] if wanted.seconds else []))


def _command_line(wanted: SnippetRequest) -> Snippet:
    note = "For a shell where 'valetkey login' was run. New credentials each time it is run."
    return Snippet("cli", "Command line", note, f'eval "$({_command(wanted)})"')


def _library(wanted: SnippetRequest) -> Snippet:
    text = f"""\
import valetkey

location = valetkey.Client().location({wanted.location!r})
s3 = location.boto3_session({_scope(wanted)}).client("s3")
s3.list_objects_v2(Bucket={wanted.bucket!r}, Prefix={_first(wanted)!r})"""
    note = "For Python, with 'pip install valetkey[boto3]' and 'valetkey login'. Renews itself."
    return Snippet("python", "Python", note, text)


def _scope(wanted: SnippetRequest) -> str:
    ttl = f", ttl={wanted.seconds}" if wanted.seconds else ""
    return f"prefixes={list(wanted.folders)!r}, access={list(wanted.levels)!r}{ttl}"


def _profile(wanted: SnippetRequest) -> Snippet:
    command = _command(wanted, "--format", "process")
    lines = ["[profile valetkey]", f"credential_process = {command}"]
    lines.append(f"region = {wanted.region}")
    if wanted.endpoint:
        lines.append(f"endpoint_url = {wanted.endpoint}")
    note = "For ~/.aws/config, once 'valetkey login' was run there. Renews itself."
    return Snippet("profile", "AWS profile", note, "\n".join(lines))


def _renewing(wanted: SnippetRequest, call: str) -> str:
    """Return the two lines that do the same through Valetkey's library, which renews."""
    return (
        "# Or, renewing itself (pip install valetkey; valetkey login):\n"
        f"# import valetkey; location = valetkey.Client().location({wanted.location!r})\n"
        f"# {call.replace('SCOPE', _scope(wanted))}"
    )


def _parts(key: TemporaryCredentials) -> tuple[str, str, str]:
    return key.access_key_id, key.secret_access_key.reveal(), key.session_token.reveal()


def _boto3(wanted: SnippetRequest, key: TemporaryCredentials) -> Snippet:
    identity, secret, token = _parts(key)
    endpoint = f", endpoint_url={wanted.endpoint!r}" if wanted.endpoint else ""
    text = f"""\
import boto3

s3 = boto3.Session(
    aws_access_key_id={identity!r},
    aws_secret_access_key={secret!r},
    aws_session_token={token!r},
    region_name={wanted.region!r},
).client("s3"{endpoint})
s3.list_objects_v2(Bucket={wanted.bucket!r}, Prefix={_first(wanted)!r})

{_renewing(wanted, 's3 = location.boto3_session(SCOPE).client("s3")')}"""
    return Snippet("boto3", "boto3", f"For Python. {_DIES}", text)


def _s3fs(wanted: SnippetRequest, key: TemporaryCredentials) -> Snippet:
    identity, secret, token = _parts(key)
    options = {"region_name": wanted.region}
    if wanted.endpoint:
        options["endpoint_url"] = wanted.endpoint
    text = f"""\
import s3fs

files = s3fs.S3FileSystem(
    key={identity!r},
    secret={secret!r},
    token={token!r},
    client_kwargs={options!r},
)
files.ls({f"{wanted.bucket}/{_first(wanted)}"!r})

{_renewing(wanted, "files = location.s3fs(SCOPE)")}"""
    return Snippet("s3fs", "s3fs", f"For Python. {_DIES}", text)


def _polars(wanted: SnippetRequest, key: TemporaryCredentials) -> Snippet:
    identity, secret, token = _parts(key)
    options = {
        "aws_access_key_id": identity,
        "aws_secret_access_key": secret,
        "aws_session_token": token,
        "aws_region": wanted.region,
    }
    if wanted.endpoint:
        options["aws_endpoint_url"] = wanted.endpoint
        options["aws_allow_http"] = str(wanted.endpoint.startswith("http://")).lower()
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in options.items())
    url = f"s3://{wanted.bucket}/{_first(wanted)}*.parquet"
    text = f"""\
import polars as pl

options = {{
{lines}}}
table = pl.scan_parquet({url!r}, storage_options=options)

{_renewing(wanted, f"table = pl.scan_parquet({url!r}, **location.polars(SCOPE))")}"""
    return Snippet("polars", "polars", f"For Python. {_DIES}", text)


def _duckdb(wanted: SnippetRequest, key: TemporaryCredentials) -> Snippet:
    identity, secret, token = _parts(key)
    place = wanted.endpoint.partition("://")
    endpoint = ""
    if wanted.endpoint:
        secure = str(place[0] == "https").lower()
        endpoint = f",\n    ENDPOINT {_sql(place[2])}, USE_SSL {secure}, URL_STYLE 'path'"
    text = f"""\
CREATE OR REPLACE SECRET valetkey (
    TYPE s3,
    KEY_ID {_sql(identity)},
    SECRET {_sql(secret)},
    SESSION_TOKEN {_sql(token)},
    REGION {_sql(wanted.region)},
    SCOPE {_sql(f"s3://{wanted.bucket}/{_first(wanted)}")}{endpoint}
);"""
    return Snippet("duckdb", "DuckDB", f"SQL, with the httpfs extension. {_DIES}", text)


def _dtlpy(wanted: SnippetRequest) -> Snippet:
    text = f"""\
import dtlpy as dl

server = {wanted.server!r}
dl.add_environment(
    environment=server + "/dataloop/api/v1", alias="valetkey",
    gate_url=server + "/dataloop",
    verify_ssl=server.startswith("https"), url=server + "/",
)
dl.setenv("valetkey")
dl.login_m2m(email="you@example.com", password="...")"""
    note = "For Dataloop's SDK, which works with datasets rather than with credentials."
    return Snippet("dtlpy", "dtlpy", note, text)


def _first(wanted: SnippetRequest) -> str:
    return wanted.prefixes[0] if wanted.prefixes else ""


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
