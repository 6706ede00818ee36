"""kill -9 in the middle of an export: another process goes on, and the file is whole."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from support.aws import GoodSetup
from support.machine import Machine, made, prepare
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.embedded import EmbeddedAws
from valetkey.testing.big_index import fill

API = "/dataloop/api/v1"
ITEMS = 40_000
#: Nothing that works takes so long.
HANGS = 180


def until(holds: Callable[[], bool], every: float = 0.1) -> None:
    end = time.monotonic() + HANGS
    while not holds():
        assert time.monotonic() < end
        time.sleep(every)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=HANGS)


async def fill_dataset(file: Path, dataset_id: str) -> None:
    storage = SqlCatalogStorage.at(f"sqlite:///{file}")
    async with storage.begin() as work:
        dataset = await work.datasets.get(dataset_id)
        assert dataset is not None
        await fill(work._connection, dataset, ITEMS)
    await storage.close()


def parts(file: Path, command: str) -> list[tuple[int, int]]:
    """The numbers of an export's parts that are stored, each with its count of items."""
    asked = "SELECT number, items FROM export_parts WHERE command_id = ? ORDER BY number"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute(asked, [command]).fetchall()


@pytest.mark.parametrize(("kind", "after"), [("json", 1), ("zip", 3)])
def test_an_export_that_a_kill_cuts_is_gone_on_with(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path, kind: str, after: int
) -> None:
    machine = Machine(tmp_path, embedded_aws.endpoint)
    file = machine.data / "valetkey.db"
    process, url = machine.serve()
    try:
        with httpx2.Client(base_url=url, timeout=HANGS) as http:
            driver = prepare(http, good_setup)
            new = {"projects": [driver["projectId"]], "driver": driver["id"], "name": "big"}
            dataset = made(http.post(f"{API}/datasets", json=new))["id"]
            token = http.headers["authorization"]
            asyncio.run(fill_dataset(file, dataset))
            order = {"exportType": kind, "itemsQuery": {"filter": {"type": "file"}}}
            command = made(http.post(f"{API}/datasets/{dataset}/export", json=order))["id"]
            until(lambda: len(parts(file, command)) >= after, every=0.005)
        kill(process)
        stored = parts(file, command)
        assert sum(items for _, items in stored) < ITEMS, "it was over before it was killed"
        process, url = machine.serve()
        headers = {"authorization": token}
        with httpx2.Client(base_url=url, timeout=HANGS, headers=headers) as http:

            def ended() -> bool:
                found = made(http.get(f"{API}/commands/{command}"))
                assert found["status"] != "failed", found["error"]
                return bool(found["status"] == "success")

            until(ended)
            body = http.get(f"{API}/items/{command}/stream").raise_for_status().content
    finally:
        kill(process)
    finished = parts(file, command)
    assert finished[: len(stored)] == stored  # what was written is not written again
    assert [number for number, _ in finished] == list(range(len(finished)))
    if kind == "zip":
        [inner] = zipfile.ZipFile(io.BytesIO(body)).infolist()
        body = zipfile.ZipFile(io.BytesIO(body)).read(inner)
    exported = [item["id"] for item in json.loads(body)]
    assert exported == [f"{number + 1:024x}" for number in range(ITEMS)]
