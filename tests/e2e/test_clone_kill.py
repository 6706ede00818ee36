"""kill -9 in the middle of a clone that copies: another process goes on, and each item is there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from support.aws import GoodSetup, client
from support.machine import Machine, made, prepare
from valetkey.embedded import EmbeddedAws
from valetkey.embedded.faults import Fault, FaultKind

API = "/dataloop/api/v1"
OBJECTS = 40
#: Nothing that works takes so long.
HANGS = 180


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + HANGS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=HANGS)


@pytest.mark.parametrize("skip", [0, 17])
def test_a_clone_that_a_kill_cuts_is_gone_on_with(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path, skip: int
) -> None:
    s3, bucket = client(embedded_aws, "s3"), good_setup.bucket
    bodies = {f"from/{number:02}.txt": f"body {number}".encode() for number in range(OBJECTS)}
    for key, body in bodies.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    machine = Machine(tmp_path, embedded_aws.endpoint)
    process, url = machine.serve()
    try:
        with httpx2.Client(base_url=url, timeout=HANGS) as http:
            location = prepare(http, good_setup)
            new = {"projects": [location["projectId"]], "driver": location["id"]}
            first, second = (
                made(http.post(f"{API}/datasets", json=new | {"name": name}))["id"]
                for name in ("one", "two")
            )
            token = http.headers["authorization"]

            def state(command: str) -> str:
                return str(made(http.get(f"{API}/commands/{command}"))["status"])

            sync = made(http.post(f"{API}/datasets/{first}/sync"))["id"]
            until(lambda: state(sync) == "success")
            stuck = Fault(FaultKind.HANG, "s3", "PUT object", skip=skip, times=1_000_000)
            embedded_aws.faults.order(stuck)
            params = {"targetDatasetId": second, "targetDirectory": "/to"}
            order = {"cloneDatasetParams": params, "filter": {"filter": {"type": "file"}}}
            cloning = made(http.post(f"{API}/datasets/{first}/clone", json=order))["id"]
            until(lambda: bool(stuck.struck))
        kill(process)
        embedded_aws.faults.clear()
        process, url = machine.serve()
        headers = {"authorization": token}
        with httpx2.Client(base_url=url, timeout=HANGS, headers=headers) as http:

            def ended() -> bool:
                found = made(http.get(f"{API}/commands/{cloning}"))
                assert found["status"] != "failed", found["error"]
                return bool(found["status"] == "success")

            until(ended)
            query = {"filter": {"type": "file"}, "pageSize": 1000}
            listed = made(http.post(f"{API}/datasets/{second}/query", json=query))["items"]
        assert sorted(item["filename"] for item in listed) == sorted(f"/to/{key}" for key in bodies)
        for key, body in bodies.items():
            assert s3.get_object(Bucket=bucket, Key=f"to/{key}")["Body"].read() == body
    finally:
        embedded_aws.faults.clear()
        kill(process)
