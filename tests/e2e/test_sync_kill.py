"""kill -9 in the middle of a sync, twenty times: index and bucket agree in the end."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2

from support.aws import GoodSetup
from support.bucket_truth import Bucket, indexed
from support.machine import Machine, made, prepare
from valetkey.embedded import EmbeddedAws
from valetkey.embedded.faults import Fault, FaultKind

OBJECTS, KILLS, PARALLEL = 2000, 20, 16
API = "/api/v1"
#: So long is a sync waited for, or a writer, on however slow a machine.
SECONDS = 180.0


class Server:
    """A server that is killed and comes back, at another address each time."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.http = httpx2.Client(timeout=60)
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        self._process, self.url = self.machine.serve()
        self.http.base_url = httpx2.URL(self.url)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=90)
            self._process = None

    def command(self, command_id: str) -> Any:
        return made(self.http.get(f"{API}/commands/{command_id}"))

    def stored_state(self, command_id: str) -> str:
        """How far a sync is by what a dead server left on disk."""
        with closing(sqlite3.connect(self.machine.data / "valetkey.db")) as database:
            row = database.execute("select state from commands where id = ?", (command_id,))
            return str(row.fetchone()[0])


class Writer(threading.Thread):
    """Uploads, overwrites and deletes through the API, whether the server is there or not."""

    def __init__(self, server: Server, dataset_id: str, seed: int) -> None:
        super().__init__(name=f"writer-{seed}")
        self._server, self._dataset_id = server, dataset_id
        self._random, self._seed = random.Random(seed), seed  # noqa: S311  # repeatable
        self.stopping = threading.Event()
        self.done = {"uploaded": 0, "deleted": 0}
        self.failures: list[str] = []

    def run(self) -> None:
        headers = {"authorization": self._server.http.headers["authorization"]}
        with httpx2.Client(headers=headers, timeout=60) as http:
            while not self.stopping.is_set():
                try:
                    self._step(http, f"{self._server.url}{API}/datasets/{self._dataset_id}")
                    self.stopping.wait(0.02)  # the sync shall have its turn too
                except httpx2.TransportError:
                    self.stopping.wait(0.05)  # killed: until it is back
                except httpx2.HTTPStatusError as error:
                    self.failures.append(error.response.text)

    def _step(self, http: httpx2.Client, dataset: str) -> None:
        path = f"w{self._seed}/{self._random.randrange(60):03}"
        body = self._random.randbytes(self._random.randrange(1, 200))
        form = {"data": {"type": "file", "path": "/" + path}, "files": {"file": ("f", body)}}
        item = made(http.post(f"{dataset}/items", params={"mode": "overwrite"}, **form))  # type: ignore[arg-type]
        self.done["uploaded"] += 1
        if self._random.random() < 0.4:  # two of five are deleted again
            http.delete(f"{self._server.url}{API}/items/{item['id']}").raise_for_status()
            self.done["deleted"] += 1

    def finish(self) -> None:
        """Let it go on until it has done both, and stop it."""
        end = time.monotonic() + SECONDS
        while not all(self.done.values()) and not self.failures and time.monotonic() < end:
            time.sleep(0.02)
        self.stopping.set()
        self.join(90)


def until(server: Server, command_id: str, fault: Fault | None = None) -> str:
    """Wait until a sync is over, or until a fault has struck it; return its state."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        state = str(server.command(command_id)["status"])
        if state not in {"created", "in-progress"} or (fault is not None and fault.struck):
            return state
        time.sleep(0.02)  # between two looks: the server shall have the processor
    raise TimeoutError(server.command(command_id))


def test_twenty_kills_amid_syncs_and_writers_leave_an_index_true_to_the_bucket(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path
) -> None:
    chance = random.Random(20)  # noqa: S311  # the moments of the kills: the same each time
    bucket = Bucket(embedded_aws, good_setup.bucket)
    bucket.put([f"{number % 40:02}/{number:05}.jpg" for number in range(OBJECTS)], b"first ")
    server = Server(Machine(tmp_path, embedded_aws.endpoint))
    server.start()
    location = prepare(server.http, good_setup, allow_external_delete=True)
    new = {"name": "killed", "projects": [location["projectId"]], "driver": location["id"]}
    dataset_id = made(server.http.post(f"{API}/datasets", json=new))["id"]
    writers = [Writer(server, dataset_id, seed) for seed in (1, 2)]
    for writer in writers:
        writer.start()

    def order() -> str:
        """Start the next sync, of a bucket that has changed by itself since the last."""
        bucket.put(
            [f"{chance.randrange(40):02}/new-{n}.jpg" for n in range(20)], chance.randbytes(9)
        )
        bucket.delete(chance.sample(sorted(p for p in bucket.facts() if p[0] != "w"), 20))
        path = f"{API}/datasets/{dataset_id}/sync"
        return str(made(server.http.post(path, params={"parallel": PARALLEL}))["id"])

    try:
        command_id, kills = order(), 0
        while kills < KILLS:
            # From some listing on, no listing is answered: there the sync is when it is killed.
            stuck = Fault(
                FaultKind.HANG, "s3", "GET bucket", skip=chance.randrange(40), times=1_000_000
            )
            embedded_aws.faults.order(stuck)
            state = until(server, command_id, stuck)
            if state == "success":
                embedded_aws.faults.clear()
                command_id = order()
                continue
            server.kill()
            embedded_aws.faults.clear()
            assert server.stored_state(command_id) in {"created", "in-progress"}, state
            kills += 1
            server.start()
        for writer in writers:
            writer.finish()
        assert until(server, command_id) == "success", server.command(command_id)
        assert not [failure for writer in writers for failure in writer.failures]
        done = [writer.done for writer in writers]
        assert all(each["uploaded"] and each["deleted"] for each in done), done
        assert indexed(server.http, dataset_id) == bucket.facts()
    finally:
        embedded_aws.faults.clear()
        for writer in writers:
            writer.stopping.set()
        server.kill()
        for writer in writers:
            writer.join(90)
        server.http.close()
