"""What libraries do to a folder works with a credential for just that folder as it does with one
for the whole bucket, though they probe above it: they look for the bucket, ask for the folder's
bare name, and make folders that need no making.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq
import pytest

from support.aws import GoodSetup, client
from support.server import OWNER, Installation
from valetkey.embedded import EmbeddedAws
from valetkey.sdk import LocationClient
from valetkey.wire.base import AccessLevel

WHOLE = "whole bucket"
ALL: tuple[AccessLevel, ...] = ("list", "read", "write", "delete")
Scenario = Callable[[LocationClient, tuple[str, ...], str], Any]
TABLE = pa.table({"kind": ["cat", "cat", "hen"], "legs": [4, 4, 2]})


@contextmanager
def a_tree() -> Iterator[str]:
    """A local folder with a file, and one with another."""
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "a.txt").write_text("a")
        (Path(made) / "below").mkdir()
        (Path(made) / "below" / "b.txt").write_text("b")
        yield made


def put_recursive(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.s3fs(prefixes, ALL)
    with a_tree() as local:
        files.put(f"{local}/", folder, recursive=True)
        files.put(f"{local}/", f"{folder}/new/", recursive=True)
        files.put(f"{local}/a.txt", f"{folder}/c.txt")
    return sorted(files.find(folder))


def get_recursive(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.s3fs(prefixes, ALL)
    files.pipe_file(f"{folder}/x/y.txt", b"y")
    with tempfile.TemporaryDirectory() as local:
        files.get(folder, f"{local}/", recursive=True)
        return sorted(path.name for path in Path(local).rglob("*.txt"))


def make_folders(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.s3fs(prefixes, ALL)
    files.makedirs(folder, exist_ok=True)
    files.makedirs(f"{folder}/a/b/", exist_ok=True)
    files.mkdir(f"{folder}/c", create_parents=False)
    files.mkdir(f"s3://{folder}/d")
    return files.exists(folder), files.exists(f"{folder}/a")


def mapper(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    found = location.s3fs(prefixes, ALL).get_mapper(f"s3://{folder}", create=True)
    found["one/two"] = b"2"
    return dict(found), "one/two" in found, "three" in found


def looking_at_nothing(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files, seen = location.s3fs(prefixes, ALL), []
    for path in (folder, f"{folder}/", f"{folder}/a", f"{folder}/a/b.txt", f"s3://{folder}/a/"):
        seen += [files.exists(path), files.isdir(path), files.isfile(path)]
        for look in (files.info, files.ls, files.cat_file):
            with pytest.raises(FileNotFoundError):
                look(path)
        seen += [files.find(path), files.glob(f"{path}/*")]
    return seen


def looking(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.s3fs(prefixes, ALL)
    files.pipe_file(f"{folder}/top.txt", b"1")
    files.pipe_file(f"{folder}/a/b/deep.txt", b"22")
    seen: list[Any] = []
    for path in (folder, f"{folder}/", f"{folder}/a", f"{folder}/a/b/deep.txt", f"{folder}/no"):
        files.invalidate_cache()
        seen += [files.exists(path), files.isdir(path), files.isfile(path)]
    for path in (folder, f"{folder}/", f"{folder}/a/", f"{folder}/top.txt"):
        files.invalidate_cache()
        info = files.info(path)
        seen += [info["name"], info["type"], info["size"], files.ls(path), files.du(path)]
        seen += [files.find(path), files.find(path, maxdepth=1, withdirs=True)]
    seen += [files.glob(f"{folder}/*"), files.glob(f"{folder}/**/*.txt"), files.glob(f"{folder}*")]
    seen += [[(at, sorted(dirs), sorted(names)) for at, dirs, names in files.walk(folder)]]
    return seen


def moving_and_removing(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.s3fs(prefixes, ALL)
    files.pipe_file(f"{folder}/a/1.txt", b"1")
    files.cp(f"{folder}/a", f"{folder}/b", recursive=True)
    files.mv(f"{folder}/a/1.txt", f"{folder}/c.txt")
    left = files.find(folder)
    files.rm(folder, recursive=True)
    return left, files.find(folder)


def arrow_looks(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.pyarrow(prefixes, ALL)
    before = files.get_file_info(folder).type
    files.create_dir(f"{folder}/new", recursive=True)
    with files.open_output_stream(f"{folder}/x.bin") as out:
        out.write(b"x")
    selector = pyarrow.fs.FileSelector(folder, recursive=True)
    found = sorted(info.path for info in files.get_file_info(selector))
    return before, files.get_file_info(folder).type, found


def arrow_dataset(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.pyarrow(prefixes, ALL)
    ds.write_dataset(TABLE, folder, filesystem=files, format="parquet", partitioning=["kind"])
    ds.write_dataset(
        *(TABLE, f"{folder}/"),
        filesystem=files,
        format="parquet",
        partitioning=["kind"],
        existing_data_behavior="delete_matching",
    )
    found = ds.dataset(f"{folder}/", filesystem=files, partitioning=["kind"])
    return ds.dataset(folder, filesystem=files).count_rows(), sorted(found.files)


def arrow_read_table(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    files = location.pyarrow(prefixes, ALL)
    pq.write_to_dataset(TABLE, folder, partition_cols=["kind"], filesystem=files)
    reading = location.pyarrow(prefixes)
    again = [pq.read_table(path, filesystem=reading) for path in (folder, f"{folder}/")]
    over_s3fs = pq.read_table(folder, filesystem=location.s3fs(prefixes))
    return [table.sort_by("legs").column("legs").to_pylist() for table in (*again, over_s3fs)]


def pandas_partitions(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    for files in (location.s3fs(prefixes, ALL), location.pyarrow(prefixes, ALL)):
        TABLE.to_pandas().to_parquet(folder, partition_cols=["kind"], filesystem=files)
    found = pd.read_parquet(folder, filesystem=location.s3fs(prefixes))
    return sorted(found["legs"])


def duckdb_partitions(location: LocationClient, prefixes: tuple[str, ...], folder: str) -> Any:
    db = location.duckdb(duckdb.connect(), prefixes, ALL)
    db.execute(
        "CREATE TABLE animals AS SELECT * FROM (VALUES ('cat', 4), ('hen', 2)) t(kind, legs)"
    )
    for path in (f"s3://{folder}", f"s3://{folder}/again/"):  # there is nothing there yet
        db.execute(f"COPY animals TO '{path}' (FORMAT parquet, PARTITION_BY (kind))")
    db.execute(f"COPY animals TO 's3://{folder}/flat.csv' (FORMAT csv)")
    return db.read_parquet(f"s3://{folder}/*/*.parquet").order("legs").fetchall()


SCENARIOS: list[Scenario] = [
    put_recursive,
    get_recursive,
    make_folders,
    mapper,
    looking_at_nothing,
    looking,
    moving_and_removing,
    arrow_looks,
    arrow_dataset,
    arrow_read_table,
    pandas_partitions,
    duckdb_partitions,
]


@pytest.fixture(scope="module")
def whole(valetkey_server: Installation) -> Iterator[LocationClient]:
    """A location with the whole bucket."""
    with valetkey_server.client(OWNER) as owner:
        valetkey_server.make_location(owner, WHOLE)
    with valetkey_server.client() as developer:
        yield developer.location(WHOLE)


def without(folder: str, seen: Any) -> str:
    """What was seen, whatever the folder's name is; names that the libraries draw left out."""
    return repr(seen).replace(folder, "FOLDER")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[made.__name__ for made in SCENARIOS])
@pytest.mark.parametrize("below", ["", "deep/er/"], ids=["a folder", "a folder far below"])
def test_a_credential_for_a_folder_serves_as_one_for_the_bucket_does(
    whole: LocationClient, scenario: Scenario, below: str
) -> None:
    bucket, name = whole.info.bucket, scenario.__name__
    wide, narrow = f"{below}{name}-wide", f"{below}{name}-narrow"
    expected = scenario(whole, ("",), f"{bucket}/{wide}")
    seen = scenario(whole, (f"{narrow}/", "elsewhere/"), f"{bucket}/{narrow}")
    assert without(f"{bucket}/{narrow}", seen) == without(f"{bucket}/{wide}", expected)


def test_above_its_folders_a_credential_shows_the_way_to_them(whole: LocationClient) -> None:
    bucket = whole.info.bucket
    files = whole.s3fs(("way/to/one/", "way/to/two/", "train/"), ALL)
    files.pipe_file(f"{bucket}/way/to/one/x.txt", b"x")
    assert files.exists(bucket)
    assert files.isdir(f"{bucket}/way")
    assert files.info(f"{bucket}/way/")["type"] == "directory"
    assert files.ls(bucket) == [f"{bucket}/train", f"{bucket}/way"]
    assert files.ls(f"{bucket}/way/to") == [f"{bucket}/way/to/one", f"{bucket}/way/to/two"]
    assert files.find(f"{bucket}/way") == [f"{bucket}/way/to/one/x.txt"]
    assert files.glob(f"{bucket}/w*/to/*/*.txt") == [f"{bucket}/way/to/one/x.txt"]


def test_beside_its_folders_a_credential_is_still_refused(whole: LocationClient) -> None:
    bucket = whole.info.bucket
    files = whole.s3fs(("train/",), ALL)
    for outside in ("other/secret.txt", "training/near.txt", "train.txt"):
        with pytest.raises(PermissionError):
            files.info(f"{bucket}/{outside}")
        with pytest.raises(PermissionError):
            files.cat_file(f"{bucket}/{outside}")
    with pytest.raises(PermissionError):
        files.makedirs("another-bucket-altogether/x")


def test_a_credential_that_may_only_list_tells_what_is_there(whole: LocationClient) -> None:
    bucket = whole.info.bucket
    files = whole.s3fs(("train/",), ("list",))
    assert files.info(f"{bucket}/train/a.txt")["size"] == 1
    assert files.isdir(f"{bucket}/train/cats")
    assert not files.exists(f"{bucket}/train/nothing")


def test_a_credential_that_may_only_write_writes(whole: LocationClient) -> None:
    files = whole.s3fs(("written/",), ("write",))
    folder = f"{whole.info.bucket}/written"
    files.makedirs(folder, exist_ok=True)
    files.pipe_file(f"{folder}/a.txt", b"a")
    with files.open(f"{folder}/b.txt", "wb") as out:
        out.write(b"b")
    assert whole.s3fs().find(folder) == [f"{folder}/a.txt", f"{folder}/b.txt"]


def test_a_listing_may_name_a_folder_barely_where_that_was_asked_for(whole: LocationClient) -> None:
    bucket = whole.info.bucket
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": "train/cats", "Delimiter": "/"}
    barely = whole.boto3_session(("train/cats/",), bare=True).client("s3")
    found = barely.list_objects_v2(**asked)
    assert [entry["Prefix"] for entry in found["CommonPrefixes"]] == ["train/cats/"]
    fully = whole.boto3_session(("train/cats/",)).client("s3")
    with pytest.raises(fully.exceptions.ClientError, match="AccessDenied"):
        fully.list_objects_v2(**asked)


def test_old_versions_are_opened_where_that_was_asked_for(
    whole: LocationClient, valetkey_server: Installation
) -> None:
    bucket, key = whole.info.bucket, "train/versions/x.txt"
    aws, admin = valetkey_server.aws, client(valetkey_server.aws, "s3")
    _let_the_role_read_versions(aws, valetkey_server.setup)
    admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = admin.put_object(Bucket=bucket, Key=key, Body=b"1")["VersionId"]
    admin.put_object(Bucket=bucket, Key=key, Body=b"2")
    s3 = whole.boto3_session(("train/versions/",), versions=True).client("s3")
    assert s3.get_object(Bucket=bucket, Key=key, VersionId=first)["Body"].read() == b"1"
    s3 = whole.boto3_session(("train/versions/",)).client("s3")
    with pytest.raises(s3.exceptions.ClientError):
        s3.get_object(Bucket=bucket, Key=key, VersionId=first)


def _let_the_role_read_versions(aws: EmbeddedAws, setup: GoodSetup) -> None:
    allowed = {
        "Effect": "Allow",
        "Action": "s3:GetObjectVersion",
        "Resource": f"arn:aws:s3:::{setup.bucket}/*",
    }
    client(aws, "iam").put_role_policy(
        RoleName=setup.role,
        PolicyName="versions",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
