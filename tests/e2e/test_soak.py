"""Twenty minutes of vending and syncing: memory does not grow. ``make soak`` runs it.

The clients ask for the same folders over and over: for each folder a session is kept for an hour
(``tests/unit/services/vending/test_session_cache.py``), which is no growth that this looks for.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import httpx2
import psutil
import pytest

from support.aws import GoodSetup, client
from support.fleet import LONG, Crowd, recorded, running_fleet
from support.machine import made, prepare
from valetkey.embedded import EmbeddedAws

#: Asks for the run, and says how many minutes.
ASKED = "VALETKEY_SOAK_MINUTES"
_MINUTES = float(os.environ.get(ASKED, "0"))
_OBJECTS = 500
#: Of each client. All of them were asked for within the first quarter of the time.
_FOLDERS = 20
_EVERY = 5.0
#: Between the second quarter of the time and the last, no process grows by more than this.
_GROWTH = 1.03


@pytest.mark.skipif(not _MINUTES, reason="takes twenty minutes: make soak")
@pytest.mark.timeout(_MINUTES * 60 + 300)
def test_memory_stays_flat_under_vending_and_syncing(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, postgresql_url: str, tmp_path: Path
) -> None:
    bucket = client(embedded_aws, "s3")
    for number in range(_OBJECTS):
        bucket.put_object(Bucket=good_setup.bucket, Key=f"{number:05}", Body=b"x")
    with (
        running_fleet(tmp_path, embedded_aws, postgresql_url) as fleet,
        httpx2.Client(base_url=fleet.urls[0], timeout=LONG) as http,
    ):
        location = prepare(http, good_setup)
        new = {"name": "all", "projectId": location["projectId"], "locationId": location["id"]}
        syncs = f"/v1/datasets/{made(http.post('/v1/datasets', json=new))['id']}/syncs"
        watched = [psutil.Process(one.process.pid) for one in fleet.all if one.process]
        sizes: list[list[float]] = [[] for _ in watched]
        ends = time.monotonic() + _MINUTES * 60
        token = http.headers["authorization"]
        with Crowd(fleet.urls[:2], token, location["id"], folders=_FOLDERS) as crowd:
            while time.monotonic() < ends:
                http.post(syncs, json={"parallel": 2})  # refused while one is under way
                for process, seen in zip(watched, sizes, strict=True):
                    seen.append(process.memory_info().rss / 1e6)
                time.sleep(_EVERY)
        assert not any(crowd.failures.values()), crowd.failures
        assert crowd.received <= recorded(http)
    found = []
    for seen in sizes:
        quarter = len(seen) // 4
        before = statistics.mean(seen[quarter : 2 * quarter])
        after = statistics.mean(seen[3 * quarter :])
        print(f"{seen[0]:.1f} MB at first, then {before:.1f} and {after:.1f}")  # noqa: T201
        found.append(after / before)
    print(f"{len(crowd.received)} credentials")  # noqa: T201
    assert max(found) <= _GROWTH
