"""Folders and objects of odd names, through each library, with a credential for just that folder:
what is written is in the bucket under that very key, is listed, and is read, as with a credential
for the whole bucket.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import obstore
import polars as pl
import pyarrow.fs
import pytest

from support.aws import client
from support.server import OWNER, Installation
from valetkey.sdk import LocationClient
from valetkey.wire.base import AccessLevel

ALL: tuple[AccessLevel, ...] = ("list", "read", "write", "delete")
#: Writes BODY to a folder under a name, with a credential for just that folder; returns what it
#: reads there, and the keys that it lists, if it lists.
Client = Callable[[LocationClient, str, str], Any]
NAMES = {
    "escapes": "two  words+100% a%2Fb%20c ",
    "values": "day=1..a...",
    "composed": "日本" + unicodedata.normalize("NFC", "é"),
    "decomposed": "日本" + unicodedata.normalize("NFD", "é"),
    "quotes": "a&b;c,d'e\"f<g>h",
    "patterns": "a[1]*?$x#z@w:~!v",
}
#: As keys they are plain text; whoever makes a path of them comes out elsewhere.
NO_PATHS = ["../up.txt", "a/../b.txt", "./dot.txt", "a//b.txt", "/lead.txt", "a/", "..", "a/."]
BODY = b"legs\n4\n"


def with_boto3(location: LocationClient, folder: str, name: str) -> Any:
    s3, bucket = location.boto3_session((f"{folder}/",), ALL).client("s3"), location.info.bucket
    s3.put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=BODY)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/")["Contents"]
    body = s3.get_object(Bucket=bucket, Key=f"{folder}/{name}")["Body"].read()
    return body, [entry["Key"] for entry in listed]


def with_s3fs(location: LocationClient, folder: str, name: str) -> Any:
    files, base = location.s3fs((f"{folder}/",), ALL), f"{location.info.bucket}/{folder}"
    files.makedirs(base, exist_ok=True)
    files.pipe_file(f"{base}/{name}", BODY)
    files.invalidate_cache()
    assert files.isdir(base)
    assert not files.exists(f"{base}/nothing")
    found = [path.partition("/")[2] for path in files.find(base)]
    return files.cat_file(f"{base}/{name}"), found


def with_pyarrow(location: LocationClient, folder: str, name: str) -> Any:
    files, base = location.pyarrow((f"{folder}/",), ALL), f"{location.info.bucket}/{folder}"
    with files.open_output_stream(f"{base}/{name}") as out:
        out.write(BODY)
    found = files.get_file_info(pyarrow.fs.FileSelector(base, recursive=True))
    with files.open_input_stream(f"{base}/{name}") as read:
        return read.read(), [info.path.partition("/")[2] for info in found]


def with_duckdb(location: LocationClient, folder: str, name: str) -> Any:
    db = location.duckdb(duckdb.connect(), (f"{folder}/",), ALL)
    path = f"s3://{location.info.bucket}/{folder}/{name}".replace("'", "''")
    db.execute(f"COPY (SELECT 4 AS legs) TO '{path}' (FORMAT csv)")
    rows = db.read_csv(f"s3://{location.info.bucket}/{folder}/{name}").select("legs").fetchall()
    return b"legs\n" + b"".join(f"{legs}\n".encode() for (legs,) in rows), None


def with_obstore(location: LocationClient, folder: str, name: str) -> Any:
    store = location.obstore((f"{folder}/",), ALL)
    obstore.put(store, f"{folder}/{name}", BODY)
    listed = obstore.list(store, f"{folder}/").collect()
    body = bytes(obstore.get(store, f"{folder}/{name}").bytes())
    return body, [str(one["path"]) for one in listed]


def with_polars(location: LocationClient, folder: str, name: str) -> Any:
    address = f"s3://{location.info.bucket}/{folder}/{name}"
    pl.DataFrame({"legs": [4]}).write_csv(address, **location.polars((f"{folder}/",), ALL))
    found = pl.scan_csv(address, glob=False, **location.polars((f"{folder}/",)))
    return found.collect().write_csv().encode(), None


CLIENTS: list[Client] = [
    with_boto3,
    with_s3fs,
    with_pyarrow,
    with_duckdb,
    with_obstore,
    with_polars,
]


@pytest.fixture(scope="module")
def whole(valetkey_server: Installation) -> Iterator[LocationClient]:
    """A location with the whole bucket."""
    with valetkey_server.client(OWNER) as owner:
        valetkey_server.make_location(owner, "for odd names")
    with valetkey_server.client() as developer:
        yield developer.location("for odd names")


#: DuckDB reads whatever fits a pattern, and a name that is one only by chance.
PAIRS = [
    pytest.param(library, odd, id=f"{library.__name__}-{kind}")
    for library in CLIENTS
    for kind, odd in NAMES.items()
    if (library, kind) != (with_duckdb, "patterns")
]


@pytest.mark.parametrize(("library", "odd"), PAIRS)
def test_an_odd_name_in_an_odd_folder_is_written_listed_and_read(
    valetkey_server: Installation, whole: LocationClient, library: Client, odd: str
) -> None:
    folder, bucket = f"{library.__name__}/{odd}", whole.info.bucket
    s3 = client(valetkey_server.aws, "s3")
    s3.put_object(Bucket=bucket, Key=f"{folder}beside/x.txt", Body=b"of somebody else")
    body, listed = library(whole, folder, odd)
    assert body == BODY
    assert listed in (None, [f"{folder}/{odd}"])
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/")["Contents"]
    assert [entry["Key"] for entry in found] == [f"{folder}/{odd}"]


@pytest.mark.parametrize("name", NO_PATHS)
def test_a_key_that_is_no_path_is_opened_by_a_credential_for_its_folder(
    whole: LocationClient, name: str
) -> None:
    body, listed = with_boto3(whole, f"no path {NO_PATHS.index(name)}", name)
    assert (body, len(listed)) == (BODY, 1)
    assert listed[0].endswith(f"/{name}")
