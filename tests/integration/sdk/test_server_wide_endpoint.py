"""A store that only the server's settings name (``s3_endpoint``): every client is told of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import duckdb
import httpx2
import obstore
import polars as pl
import pytest

from support.commands import Commands
from support.server import OWNER, Installation
from valetkey.sdk import LocationClient

NAME = "found by the settings"
TABLE = b"name,legs\ncat,4\nhen,2\n"


@pytest.fixture(scope="module")
def location(valetkey_server: Installation) -> Iterator[LocationClient]:
    """A location without an endpoint of its own."""
    with valetkey_server.client(OWNER) as owner:
        made = valetkey_server.make_location(owner, NAME, folder="train/", endpoint=None)
        assert made.endpoint is None
    with valetkey_server.client() as developer:
        yield developer.location(NAME)


@pytest.fixture
def developer(commands: Commands, valetkey_server: Installation) -> Commands:
    commands.set(VALETKEY_URL=valetkey_server.url, VALETKEY_TOKEN=valetkey_server.token())
    return commands


def test_the_credentials_say_where_the_store_is(
    location: LocationClient, valetkey_server: Installation
) -> None:
    assert location.credentials().endpoint == valetkey_server.aws.endpoint


@pytest.mark.usefixtures("location")
def test_so_does_every_form_of_the_command(
    developer: Commands, valetkey_server: Installation
) -> None:
    endpoint = valetkey_server.aws.endpoint
    variable = f"AWS_ENDPOINT_URL_S3={endpoint}"
    assert f"export {variable}\n" in developer.run("credentials", NAME).out
    assert f"\n{variable}\n" in developer.run("credentials", NAME, "--format", "dotenv").out
    assert developer.run("credentials", NAME, "--format", "json").json["endpoint"] == endpoint


@pytest.mark.usefixtures("location")
def test_a_command_that_is_run_finds_the_store(
    developer: Commands, valetkey_server: Installation
) -> None:
    program = (
        "import boto3, sys; s3 = boto3.client('s3'); "
        f"found = s3.get_object(Bucket='{valetkey_server.setup.bucket}', Key='train/a.txt'); "
        "sys.exit(found['Body'].read() != b'a')"
    )
    assert developer.run("exec", NAME, "--", sys.executable, "-c", program).code == 0


def with_boto3(location: LocationClient) -> Any:
    s3 = location.boto3_session().client("s3")
    return s3.get_object(Bucket=location.info.bucket, Key="train/table.csv")["Body"].read()


def with_s3fs(location: LocationClient) -> Any:
    return location.s3fs().cat_file(location.url("table.csv"))


def with_obstore(location: LocationClient) -> Any:
    return bytes(obstore.get(location.obstore(), "train/table.csv").bytes())


def with_pyarrow(location: LocationClient) -> Any:
    address = location.url("table.csv").removeprefix("s3://")
    with location.pyarrow().open_input_stream(address) as stream:
        return stream.read()


def with_polars(location: LocationClient) -> Any:
    found = pl.scan_csv(location.url("table.csv"), **location.polars()).collect()
    return found.write_csv().encode()


def with_duckdb(location: LocationClient) -> Any:
    connection = location.duckdb(duckdb.connect())
    rows = connection.read_csv(location.url("table.csv")).fetchall()
    return b"name,legs\n" + b"".join(f"{name},{legs}\n".encode() for name, legs in rows)


@pytest.mark.parametrize(
    "read",
    [with_boto3, with_s3fs, with_obstore, with_pyarrow, with_polars, with_duckdb],
    ids=lambda read: read.__name__,
)
def test_every_library_finds_the_store(location: LocationClient, read: Any) -> None:
    assert read(location) == TABLE


def test_a_url_leads_to_the_store(location: LocationClient, valetkey_server: Installation) -> None:
    [signed] = location.presign(["train/a.txt"])
    assert signed.url.startswith(valetkey_server.aws.endpoint)
    assert httpx2.get(signed.url).content == b"a"
