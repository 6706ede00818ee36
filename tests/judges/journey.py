"""The whole journey over one store: what works is found by doing it.

A feature is a function that does something and looks at the store afterwards. It returns a note
(most often none), raises :class:`Cannot` where the store has no such thing, and anything else that
it raises is a "no" whose words are shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import duckdb
import httpx2
import obstore
import pyarrow as pa
import pyarrow.parquet as pq

from judges.stores import Store
from judges.trip import (
    ALL,
    FOLDER,
    IN_FOLDER,
    LARGE,
    NAMES,
    OBJECTS,
    PATIENCE,
    WHOLE,
    Cannot,
    Trip,
    headers,
    index,
    listing,
    ok,
    refused,
    s3_of,
    sync_now,
)
from judges.writers import move, two_writers
from support.real_api import EMAIL, PASSWORD, settings_for
from support.server import running_server
from valetkey.administration import first_start
from valetkey.domain.secret import Secret
from valetkey.sdk import Client
from valetkey.wire.administrators import Administrator
from valetkey.wire.reports import Report


def report_note(report: Report) -> str:
    """Say what of a report is not plain; raise where it did not pass."""
    lines = [
        f"{check.name}: {check.cause or check.aws_error}"
        for check in report.checks
        if check.outcome in {"failed", "unknown"}
    ]
    assert report.passed, "; ".join(lines)
    skipped = [check.name for check in report.checks if check.outcome == "skipped"]
    return "; ".join([*lines, *([f"skipped: {', '.join(skipped)}"] if skipped else [])])


def register(trip: Trip) -> str:
    """The integration is registered and verified."""
    given = dict(trip.store.integration)
    options = given.get("options", {})
    made = trip.client.integrations.create(
        name=given["name"],
        type=given["type"],
        access_key_id=options.get("key"),
        secret_access_key=options.get("secret"),
        role_arn=options.get("roleArns"),
        endpoint=options.get("endpoint"),
    )
    trip.integration = made.id
    report = trip.client.integrations.verify(trip.integration)
    return report_note(report) if report.checks else "a key of its own is tried with a location"


def locate(trip: Trip, name: str, folder: str) -> str:
    """A location is made and verified."""
    made = trip.client.locations.create(
        name=name,
        bucket=trip.store.bucket,
        project_id=trip.project,
        integration_id=trip.integration,
        folder=folder or None,
        allow_external_delete=True,
    )
    trip.locations[name] = trip.client.location(name)
    return report_note(trip.client.locations.verify(made.id))


def narrow_opens(trip: Trip) -> str:
    """A credential for one folder lists, reads, writes and deletes in it."""
    s3, bucket = s3_of(trip, trip.credentials("cats")), trip.store.bucket
    key = f"{FOLDER}cats/new.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=b"new")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"new"
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{FOLDER}cats/")["Contents"]
    assert key in {entry["Key"] for entry in found}
    s3.delete_object(Bucket=bucket, Key=key)
    return ""


def narrow_refuses(trip: Trip) -> str:
    """It is refused beside the folder, and a reading one is refused to write."""
    s3, bucket = s3_of(trip, trip.credentials("cats")), trip.store.bucket
    for key in (f"{FOLDER}catsandmore/x.txt", f"{FOLDER}dogs/x.txt", "other/secret.txt"):
        refused(lambda key=key: s3.get_object(Bucket=bucket, Key=key), f"reading {key}")  # type: ignore[misc]
        refused(lambda key=key: s3.put_object(Bucket=bucket, Key=key), f"writing {key}")  # type: ignore[misc]
        refused(lambda key=key: s3.delete_object(Bucket=bucket, Key=key), f"deleting {key}")  # type: ignore[misc]
    for prefix in ("", FOLDER, "other/", f"{FOLDER}catsandmore/"):
        refused(
            lambda prefix=prefix: s3.list_objects_v2(Bucket=bucket, Prefix=prefix),  # type: ignore[misc]
            f"listing {prefix!r}",
        )
    reader = s3_of(trip, trip.credentials("cats", access=("list", "read")))
    key = f"{FOLDER}cats/1.txt"
    refused(lambda: reader.put_object(Bucket=bucket, Key=key, Body=b"x"), "writing as a reader")
    refused(lambda: reader.delete_object(Bucket=bucket, Key=key), "deleting as a reader")
    return ""


def odd_folders(trip: Trip) -> str:
    """A folder whose name holds *, ? and $ is opened, and not what it would match as a pattern."""
    bucket = trip.store.bucket
    s3 = s3_of(trip, trip.credentials("odd $*?"))
    trip.store.admin.put_object(Bucket=bucket, Key=f"{FOLDER}odd $ab/x.txt", Body=b"x")
    refused(
        lambda: s3.get_object(Bucket=bucket, Key=f"{FOLDER}odd $ab/x.txt"),
        "a name that fits it",
    )
    s3.put_object(Bucket=bucket, Key=f"{FOLDER}odd $*?/x.txt", Body=b"x")
    assert s3.list_objects_v2(Bucket=bucket, Prefix=f"{FOLDER}odd $*?/")["KeyCount"] == 1
    return ""


def presign(trip: Trip) -> str:
    """URLs open one object for reading, one for writing."""
    if not trip.gives_sessions:
        raise Cannot("no AssumeRole: no session that a URL could end with")
    location = trip.locations[IN_FOLDER]
    key = f"{FOLDER}signed ä+.txt"
    [up] = location.presign([key], method="PUT", expires=300)
    ok(httpx2.put(up.url, content=b"signed", trust_env=False))
    [down] = location.presign([key], expires=300)
    assert ok(httpx2.get(down.url, trust_env=False)).content == b"signed"
    answer = httpx2.get(down.url.replace("signed", "unsign"), trust_env=False)
    assert answer.status_code == httpx2.codes.FORBIDDEN, answer.text
    return ""


def sync(trip: Trip) -> str:
    """A dataset's index equals the store's listing, and again after changes."""
    location = trip.locations[IN_FOLDER].info
    made = trip.client.datasets.create(
        name="items", project_id=trip.project, location_id=location.id
    )
    trip.dataset = made.id
    sync_now(trip)
    assert index(trip) == listing(trip)
    trip.store.admin.delete_object(Bucket=trip.store.bucket, Key=f"{FOLDER}many/0007.txt")
    trip.store.admin.put_object(Bucket=trip.store.bucket, Key=f"{FOLDER}later.txt", Body=b"later")
    sync_now(trip)
    assert index(trip) == listing(trip)
    return f"{len(listing(trip)):,} objects"


def upload(trip: Trip) -> str:
    """20 MiB are uploaded as an item, in parts."""
    trip.body = hashlib.shake_256(b"large").digest(LARGE)
    answer = trip.client._http.post(
        f"/api/v1/datasets/{trip.dataset}/items?mode=overwrite",
        data={"type": "file", "path": "/large.bin"},
        files={"file": ("large.bin", trip.body, "application/octet-stream")},
        headers=headers(trip),
        timeout=PATIENCE,
    )
    trip.item = ok(answer).json()["id"]
    head = trip.store.admin.head_object(Bucket=trip.store.bucket, Key=f"{FOLDER}large.bin")
    assert head["ContentLength"] == LARGE
    return ""


def download(trip: Trip) -> str:
    """It comes back whole: by a redirect to the store, through Valetkey, and in part."""
    assert trip.item, "nothing was uploaded"
    path = f"/api/v1/items/{trip.item}/stream"
    away = trip.client._http.get(path, headers=headers(trip))
    assert away.status_code == httpx2.codes.FOUND, away.text
    at_store = httpx2.get(away.headers["location"], timeout=PATIENCE, trust_env=False)
    assert ok(at_store).content == trip.body
    through = trip.client._http.get(
        path, params={"proxy": "true"}, headers=headers(trip), timeout=PATIENCE
    )
    assert ok(through).content == trip.body
    some = trip.client._http.get(
        path,
        params={"proxy": "true"},
        headers=headers(trip) | {"range": "bytes=1000-1999"},
        timeout=PATIENCE,
    )
    assert some.content == trip.body[1000:2000]
    return ""


def delete(trip: Trip) -> str:
    """An item is deleted, and its object."""
    assert trip.item, "nothing was uploaded"
    answer = trip.client._http.delete(f"/api/v1/items/{trip.item}", headers=headers(trip))
    ok(answer)
    assert f"{FOLDER}large.bin" not in listing(trip)
    return ""


def libraries(trip: Trip) -> str:
    """s3fs, pyarrow, DuckDB, obstore and boto3 work in one folder of the location."""
    if not trip.gives_sessions:
        raise Cannot("no AssumeRole: nothing to hand out")
    location, base = trip.locations[IN_FOLDER], f"{trip.store.bucket}/{FOLDER}lib"
    table = pa.table({"kind": ["cat", "hen"], "legs": [4, 2]})
    pq.write_to_dataset(
        table, f"{base}/arrow", partition_cols=["kind"], filesystem=location.pyarrow(["lib"], ALL)
    )
    read = pq.read_table(f"{base}/arrow/", filesystem=location.s3fs(["lib"]))
    assert sorted(read.column("legs").to_pylist()) == [2, 4]
    db = location.duckdb(duckdb.connect(), ["lib"], ALL)
    db.execute("CREATE TABLE animals AS SELECT 'cat' AS kind, 4 AS legs")
    db.execute(f"COPY animals TO 's3://{base}/duck' (FORMAT parquet, PARTITION_BY (kind))")
    assert db.read_parquet(f"s3://{base}/duck/*/*.parquet").fetchall()
    store = location.obstore(["lib"], ALL)
    obstore.put(store, f"{FOLDER}lib/rust.txt", b"rust")
    s3 = location.boto3_session(["lib"]).client("s3")
    found = s3.get_object(Bucket=trip.store.bucket, Key=f"{FOLDER}lib/rust.txt")
    assert found["Body"].read() == b"rust"
    files = location.s3fs(["lib"], ALL)
    files.rm(base, recursive=True)
    assert not files.find(base)
    return ""


def revoke(trip: Trip) -> str:
    """A session is called back: the store refuses it afterwards."""
    given = trip.credentials("cats")
    s3, bucket = s3_of(trip, given), trip.store.bucket
    s3.list_objects_v2(Bucket=bucket, Prefix=f"{FOLDER}cats/")
    told = trip.client.revocations.create(
        kind="lease", target=given.lease_id, reason="tried", administrator=_administrator(trip)
    )
    problems = "; ".join(each.problem for each in told.revocations if each.problem)
    if "has no policies within a role" in problems:
        raise Cannot(problems)
    assert not problems, problems
    refused(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{FOLDER}cats/"), "listing")
    return ""


def rotate(trip: Trip) -> str:
    """The access key is replaced."""
    if not trip.gives_sessions:
        raise Cannot("static keys are not rotated")
    status = trip.client.rotations.create(
        trip.integration, grace_seconds=0, administrator=_administrator(trip)
    )
    until = time.monotonic() + PATIENCE
    while status.stage != "switched" and time.monotonic() < until:
        time.sleep(1)
        status = trip.client.rotations.get_latest(trip.integration)
        assert not status.is_over, str(status)
    trip.client.integrations.verify(trip.integration)
    return ""


#: In the order in which they are done, with the words of the page.
FEATURES: Final[tuple[tuple[str, Callable[[Trip], str]], ...]] = (
    ("Integration registered and verified", register),
    ("Location with the whole bucket, verified", lambda trip: locate(trip, WHOLE, "")),
    ("Location with a folder, verified", lambda trip: locate(trip, IN_FOLDER, FOLDER)),
    ("Narrow credential opens its folder", narrow_opens),
    ("... and nothing beside it, nor writing for a reader", narrow_refuses),
    ("Folder whose name holds `*`, `?`, `$`", odd_folders),
    ("Presigned URLs (GET, PUT)", presign),
    ("Sync: index equals listing", sync),
    ("Upload of 20 MiB", upload),
    ("Download: redirect, proxy, range", download),
    ("Move an item, with what its object carries", move),
    ("Conditional writes and deletes", two_writers),
    ("Delete an item and its object", delete),
    ("s3fs, pyarrow, DuckDB, obstore, boto3 in a folder", libraries),
    ("Call a session back", revoke),
    ("Rotate the access key", rotate),
)


@contextlib.contextmanager
def travelling(store: Store) -> Iterator[Trip]:
    """Run a Valetkey that knows the store by its settings alone, until the block ends."""
    prepare(store)
    with tempfile.TemporaryDirectory(prefix="valetkey-judge-") as folder:
        settings = settings_for(
            Path(folder),
            store.endpoint,
            sts_endpoint=store.sts_endpoint or store.endpoint,
            iam_endpoint=store.iam_endpoint or store.endpoint,
            aws_region=store.region,
            aws_read_timeout=20.0,
            allowed_endpoint_hosts=("127.0.0.1",),
        )
        start = first_start(settings, organization="Acme", email=EMAIL, password=Secret(PASSWORD))
        asyncio.run(start)
        with running_server(settings) as running:
            with Client(running.url) as nobody:
                token = nobody.accounts.create_login(email=EMAIL, password=PASSWORD).token
            with Client(running.url, token) as client:
                [project] = client.projects.list()
                yield Trip(store, client, project.id)


def prepare(store: Store) -> None:
    """Put objects into the bucket."""
    keys = [f"{FOLDER}many/{number:04}.txt" for number in range(OBJECTS)]
    keys += [f"{FOLDER}names/{name}" for name in NAMES]
    keys += [f"{FOLDER}cats/1.txt", f"{FOLDER}catsandmore/x.txt", f"{FOLDER}dogs/x.txt"]
    keys += ["other/secret.txt", "training/near.txt"]
    for key in keys:
        store.admin.put_object(Bucket=store.bucket, Key=key, Body=key.encode())


def _administrator(trip: Trip) -> Administrator:
    given = trip.store.administrator
    return Administrator(access_key_id=given["key"], secret_access_key=given["secret"])
