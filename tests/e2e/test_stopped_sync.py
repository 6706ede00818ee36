"""A worker that is stopped amid a sync (SIGSTOP), with a transaction open that has written items
and not ended, and goes on when others have done its work twice over."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from support.aws import GoodSetup
from support.bucket_truth import Bucket, indexed
from support.fleet import LONG, Fleet, Process, running_fleet, until
from support.machine import made, prepare
from valetkey.embedded import EmbeddedAws

OBJECTS = 400
API = "/api/v1"
#: All writing of items waits; reading does not, and neither does what comes before.
_HELD = "BEGIN; LOCK TABLE items IN SHARE MODE"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


class Site:
    """A dataset, and who syncs it."""

    def __init__(self, fleet: Fleet, http: httpx2.Client, dataset_id: str) -> None:
        self._fleet, self._http, self._dataset_id = fleet, http, dataset_id

    def order(self) -> str:
        path = f"{API}/datasets/{self._dataset_id}/sync"
        return str(made(self._http.post(path, params={"parallel": 4}))["id"])

    def succeed(self, command_id: str) -> None:
        def state() -> Any:
            return made(self._http.get(f"{API}/commands/{command_id}"))

        until(lambda: state()["status"] not in {"created", "in-progress"}, "the sync goes on")
        assert state()["status"] == "success", state()

    def another_worker(self) -> Process:
        words = ("worker", "--health-port", "0")
        worker = Process(self._fleet.machine, *words)
        worker.start()
        return worker

    def ends(self) -> Counter[str]:
        """How often each sync ended, by the audit trail."""
        lines = map(json.loads, self._http.get("/v1/audit/export").text.splitlines())
        ended = [each["details"] for each in lines if each["action"] == "dataset.synced"]
        return Counter(str(each["command_id"]) for each in ended)


async def _stop_amid_a_write(worker: Process, database: Any) -> None:
    """Stop a worker while a transaction of it waits to write, and let that go on in PostgreSQL."""
    end = time.monotonic() + LONG
    while not await database.fetchval(_WAITING):  # by another process
        assert time.monotonic() < end, worker.log.read_text()
        await asyncio.sleep(0.05)
    assert worker.process is not None
    worker.process.send_signal(signal.SIGSTOP)
    await database.execute("ROLLBACK")


@pytest.mark.timeout(300)
async def test_a_worker_stopped_amid_a_sync_gives_way_and_changes_nothing_when_it_goes_on(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, postgresql_url: str, tmp_path: Path
) -> None:
    bucket = Bucket(embedded_aws, good_setup.bucket)
    paths = [f"{number % 20:02}/{number:05}.jpg" for number in range(OBJECTS)]
    bucket.put(paths, b"first ")
    with (
        running_fleet(tmp_path, embedded_aws, postgresql_url) as fleet,
        httpx2.Client(base_url=fleet.urls[0], timeout=LONG) as http,
    ):
        location = prepare(http, good_setup)
        new = {"name": "d", "projects": [location["projectId"]], "driver": location["id"]}
        dataset_id = made(http.post(f"{API}/datasets", json=new))["id"]
        site, sleeper = Site(fleet, http, dataset_id), fleet.working
        database: Any = await asyncpg.connect(postgresql_url)
        await database.execute(_HELD)
        stopped = site.order()
        await _stop_amid_a_write(sleeper, database)
        bucket.delete(paths[::7])
        bucket.put(paths[1::7], b"another ")
        bucket.put([f"new/{number}" for number in range(50)], b"new ")
        other = site.another_worker()
        try:
            site.succeed(stopped)
            bucket.delete(paths[2::7])
            meanwhile = site.order()
            site.succeed(meanwhile)
        finally:
            other.kill()
        assert indexed(http, dataset_id) == bucket.facts()
        assert sleeper.process is not None
        sleeper.process.send_signal(signal.SIGCONT)
        bucket.delete(paths[3::7])
        afterwards = site.order()
        site.succeed(afterwards)  # by the one that slept: there is no other
        assert indexed(http, dataset_id) == bucket.facts()
        live = await database.fetchval("SELECT count(*) FROM items WHERE deleted_ms IS NULL")
        assert live == len(bucket.facts())
        await database.close()
        assert site.ends() == {stopped: 1, meanwhile: 1, afterwards: 1}
        assert "Traceback" not in sleeper.log.read_text()
