"""A server that is stopped in the middle of an upload (SIGSTOP) and goes on a good while later."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from support.aws import GoodSetup, client
from support.fleet import until_ready
from support.machine import Machine, made, prepare
from valetkey.catalog.services.items.intents import LEASE
from valetkey.embedded import EmbeddedAws

API = "/dataloop/api/v1"
#: Nothing that works takes so long.
HANGS = 120
_HELD = "SELECT count(*) FROM write_intents"


class SlowUpload(threading.Thread):
    """Sends half of an object, and the rest when it is told."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(name="a slow upload")
        self._url, self._token = url, token
        self.go_on = threading.Event()
        self.status = 0
        self.text = ""

    def run(self) -> None:
        answer = httpx2.put(
            self._url,
            content=self._body(),
            headers={"authorization": self._token},
            timeout=HANGS,
        )
        self.status, self.text = answer.status_code, answer.text

    def _body(self) -> Iterator[bytes]:
        yield b"the one that was stopped"
        self.go_on.wait(HANGS)
        yield b" and goes on"


def wait_for_the_hold(database: str) -> None:
    """Wait until somebody holds an object."""

    async def look() -> None:
        connection: Any = await asyncpg.connect(database, timeout=HANGS)
        while not await connection.fetchval(_HELD):  # noqa: ASYNC110  # by another process
            await asyncio.sleep(0.1)
        await connection.close()

    asyncio.run(asyncio.wait_for(look(), HANGS))


def until_written(http: httpx2.Client, path: str) -> tuple[float, set[int]]:
    """Write an object as soon as one may; return how long that took, and how one was refused."""
    began = time.monotonic()
    refused: set[int] = set()
    while True:
        answer = http.put(path, content=b"the other one")
        waited = time.monotonic() - began
        if answer.is_success:
            return waited, refused
        refused.add(answer.status_code)
        assert waited < HANGS, answer.text
        time.sleep(0.5)


@pytest.mark.timeout(240)
def test_a_writer_that_is_stopped_gives_way_within_its_lease_and_writes_nothing_when_it_goes_on(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, postgresql_url: str, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, embedded_aws.endpoint, VALETKEY_DATABASE_URL=postgresql_url)
    with ExitStack() as stack:
        servers = []
        for _ in range(2):
            process, url = machine.serve()
            stack.callback(process.communicate, timeout=HANGS)
            stack.callback(process.kill)
            servers.append((process, url))
        (stopped, url), (_, other) = servers
        http = stack.enter_context(httpx2.Client(base_url=other, timeout=HANGS))
        location = prepare(http, good_setup, allow_external_delete=True)
        new = {"name": "d", "projects": [location["projectId"]], "driver": location["id"]}
        dataset_id = made(http.post(f"{API}/datasets", json=new))["id"]
        place = f"/v1/datasets/{dataset_id}/content?path=a.bin&replaces=*"
        upload = SlowUpload(url + place, http.headers["authorization"])
        stack.callback(upload.join, HANGS)
        stack.callback(upload.go_on.set)
        upload.start()
        wait_for_the_hold(postgresql_url)
        stopped.send_signal(signal.SIGSTOP)
        waited, refused = until_written(http, place)
        assert refused <= {423}
        assert waited < 2 * LEASE.total_seconds()
        stopped.send_signal(signal.SIGCONT)
        upload.go_on.set()
        upload.join(HANGS)
        assert upload.status == 409, upload.text
        assert "Nothing was heard" in upload.text
        s3 = client(embedded_aws, "s3")
        kept = s3.get_object(Bucket=good_setup.bucket, Key="a.bin")["Body"].read()
        assert kept == b"the other one"
        until_ready(url)
