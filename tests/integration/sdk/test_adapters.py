"""Each library, for real, across the end of its first credential (see ``support.expiry``)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import duckdb
import obstore
import polars as pl
import pytest
from pyarrow import csv as arrow_csv

from support.expiry import ShortLived, short_lived_client
from support.server import LOCATION, OBJECTS, Installation
from valetkey.sdk import LocationClient
from valetkey.sdk.location import _Adapters

TABLE = OBJECTS["train/table.csv"]
Read = Callable[[], Any]


def with_boto3(location: LocationClient) -> Read:
    s3 = location.boto3_session().client("s3")
    bucket = location.info.bucket

    def read() -> Any:
        return s3.get_object(Bucket=bucket, Key="train/table.csv")["Body"].read()

    return read


def with_boto3_resource(location: LocationClient) -> Read:
    bucket = location.boto3_session().resource("s3").Bucket(location.info.bucket)

    def read() -> Any:
        return bucket.Object("train/table.csv").get()["Body"].read()

    return read


def with_s3fs(location: LocationClient) -> Read:
    files, address = location.s3fs(), location.url("table.csv")
    return lambda: files.cat_file(address)


def with_obstore(location: LocationClient) -> Read:
    store = location.obstore()
    return lambda: bytes(obstore.get(store, "train/table.csv").bytes())


def with_pyarrow(location: LocationClient) -> Read:
    files, address = location.pyarrow(), location.url("table.csv").removeprefix("s3://")

    def read() -> bytes:
        with files.open_input_stream(address) as stream:
            found = arrow_csv.read_csv(stream)
        sink = io.BytesIO()
        arrow_csv.write_csv(
            found, sink, arrow_csv.WriteOptions(quoting_header="none", quoting_style="none")
        )
        return sink.getvalue()

    return read


def with_polars(location: LocationClient) -> Read:
    options, address = location.polars(), location.url("table.csv")
    return lambda: pl.scan_csv(address, **options).collect().write_csv().encode()


def with_duckdb(location: LocationClient) -> Read:
    address, connection = location.url("table.csv"), location.duckdb(duckdb.connect())

    def read() -> bytes:
        rows = connection.read_csv(address).fetchall()
        return b"name,legs\n" + b"".join(f"{name},{legs}\n".encode() for name, legs in rows)

    return read


LIBRARIES = [
    (with_boto3, timedelta(minutes=5)),
    (with_boto3_resource, timedelta(minutes=5)),
    (with_s3fs, timedelta(minutes=5)),
    # obstore renews 5 minutes ahead, but never twice within 100 ms while what it has still holds.
    (with_obstore, timedelta()),
    (with_pyarrow, timedelta(minutes=5)),
    # polars has no margin of its own: what it is told must be over already.
    (with_polars, timedelta()),
    (with_duckdb, timedelta(minutes=5)),
]


def test_every_library_is_tested() -> None:
    """A new adapter without a row above is noticed."""
    tested = {
        library.__name__.removeprefix("with_").partition("_resource")[0] for library, _ in LIBRARIES
    }
    offered = {name for name in vars(_Adapters) if not name.startswith("_")}
    assert tested == {name.removesuffix("_session") for name in offered}


@pytest.fixture
def short_lived(
    valetkey_server: Installation, request: pytest.FixtureRequest
) -> Iterator[tuple[LocationClient, ShortLived]]:
    transport = ShortLived(request.param)
    with short_lived_client(valetkey_server, transport) as client:
        yield client.location(LOCATION), transport


@pytest.mark.parametrize(
    ("library", "short_lived"),
    LIBRARIES,
    indirect=["short_lived"],
    ids=[library.__name__ for library, _ in LIBRARIES],
)
def test_a_library_keeps_reading_past_the_end_of_its_first_credential(
    library: Callable[[LocationClient], Read], short_lived: tuple[LocationClient, ShortLived]
) -> None:
    location, transport = short_lived
    read = library(location)
    assert read() == TABLE
    first = set(transport.handed_out)
    transport.pass_an_hour()
    assert read() == TABLE
    assert set(transport.handed_out) > first
