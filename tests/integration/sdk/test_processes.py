"""Stores in other processes, as PyTorch's workers have them: spawned, and forked."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import obstore
import polars as pl
import pytest

from support.server import LOCATION, Installation
from valetkey.sdk import Client, LocationClient


@pytest.fixture
def location(
    valetkey_server: Installation, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocationClient]:
    monkeypatch.setenv("VALETKEY_URL", valetkey_server.url)
    monkeypatch.setenv("VALETKEY_TOKEN", valetkey_server.token())
    with Client() as client:
        yield client.location(LOCATION)


def read_obstore(store: Any, path: str) -> bytes:
    return bytes(obstore.get(store, path).bytes())


def read_s3fs(files: Any, path: str) -> bytes:
    return bytes(files.cat_file(path))


def read_arrow(files: Any, path: str) -> bytes:
    with files.open_input_stream(path) as stream:
        return bytes(stream.read())


def read_frame(frame: Any, path: str) -> bytes:
    del path
    return str(frame.collect().height).encode()


def test_a_store_pickles_into_a_spawned_process(location: LocationClient) -> None:
    context = multiprocessing.get_context("spawn")
    key, path = "train/a.txt", f"{location.info.bucket}/train/a.txt"
    frame = pl.scan_csv(location.url("table.csv"), **location.polars())
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(read_obstore, location.obstore(), key).result(90) == b"a"
        assert pool.submit(read_s3fs, location.s3fs(), path).result(90) == b"a"
        assert pool.submit(read_arrow, location.pyarrow(), path).result(90) == b"a"
        assert pool.submit(read_frame, frame, "").result(90) == b"2"


#: In a process of its own: a fork takes over only the thread that forks, and pytest has others.
FORKS = """
import os, sys, threading
import valetkey
client = valetkey.Client()
location = client.location("training images")
current = location.renewing()
current()
s3 = location.boto3_session().client("s3")
current._fetching.acquire()  # as a thread of the parent's that is fetching just now
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        current._held = None
        current()
        body = s3.get_object(Bucket=location.info.bucket, Key="train/a.txt")["Body"].read()
        os._exit(0 if body == b"a" else 1)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.mark.usefixtures("location")
def test_forked_workers_share_neither_connections_nor_locks_with_their_parent() -> None:
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", FORKS], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.stderr) == ("[0, 0, 0, 0]\n", "")
