"""Two that serve behind haproxy and one that works: each is killed in turn, and little is seen."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import httpx2

from support.aws import GoodSetup, client
from support.fleet import LONG, Crowd, haproxy, recorded, running_fleet, until
from support.machine import made, prepare
from valetkey.embedded import EmbeddedAws

OBJECTS = 1500


def test_each_process_is_killed_under_load_and_no_client_sees_more_than_one_failure_a_kill(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, postgresql_url: str, tmp_path: Path
) -> None:
    bucket = client(embedded_aws, "s3")
    for number in range(OBJECTS):
        bucket.put_object(Bucket=good_setup.bucket, Key=f"{number:05}", Body=b"x")
    with (
        running_fleet(tmp_path, embedded_aws, postgresql_url) as fleet,
        haproxy(tmp_path, fleet.urls[:2]) as url,
        httpx2.Client(base_url=url, timeout=LONG) as http,
    ):
        location = prepare(http, good_setup)
        new = {"name": "all", "projectId": location["projectId"], "locationId": location["id"]}
        syncs = f"/v1/datasets/{made(http.post('/v1/datasets', json=new))['id']}/syncs"
        token = http.headers["authorization"]

        def ended(operation: str) -> bool:
            answer = http.get(f"/v1/operations/{operation}")
            return answer.is_success and answer.json()["state"] == "succeeded"

        killed_at = []
        with Crowd([url], token, location["id"]) as crowd:
            crowd.wait_for_more()
            for victim in fleet.all:
                sync = made(http.post(syncs, json={"parallel": 4}))["id"]
                killed_at.append(time.monotonic())
                victim.kill()
                crowd.wait_for_more()
                victim.start()
                until(lambda sync=sync: ended(sync), "the sync goes on")  # type: ignore[misc]  # bound now
                crowd.wait_for_more()
        # Nothing but a kill makes a request fail, and each kill at most one of a client's.
        moments = [0.0, *killed_at, time.monotonic()]
        for most, (since, before) in zip([0, 1, 1, 0], pairwise(moments), strict=True):
            assert crowd.most_failures(since, before) <= most, crowd.failures
        assert crowd.received
        assert crowd.received <= recorded(http)
        found = made(http.get(syncs))["items"]
        assert [one["state"] for one in found] == ["succeeded"] * 3
        assert sum(one["counts"]["added"] for one in found) == OBJECTS
