"""kill -9 under load: the chain holds, and has a record for every credential a client received."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import httpx2

from support.aws import GoodSetup
from support.machine import Machine, made, prepare
from valetkey.embedded import EmbeddedAws

CLIENTS, ENOUGH = 8, 200


class Crowd:
    """Clients that ask until the server is gone, and keep what they received."""

    def __init__(self, url: str, token: str, location_id: str) -> None:
        self._url, self._token, self._location_id = url, token, location_id
        self.received: list[tuple[str, str, str]] = []
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        path = f"/v1/locations/{self._location_id}/credentials"
        headers = {"authorization": self._token}
        with httpx2.Client(base_url=self._url, headers=headers, timeout=60) as http:
            for turn in range(100_000):
                # Now and then a new folder, so that cold requests are among the warm ones.
                body = {"prefixes": [f"{number}/{turn // 20}"], "access": ["read"]}
                try:
                    answer = http.post(path, json=body)
                except httpx2.TransportError:
                    return
                given = made(answer)
                request_id = answer.headers["x-request-id"]
                self.received.append((request_id, given["accessKeyId"], given["leaseId"]))
                if len(self.received) >= ENOUGH:
                    self.enough.set()


def test_every_credential_received_before_a_kill_is_in_the_chain(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, embedded_aws.endpoint)
    process, url = machine.serve()
    with httpx2.Client(base_url=url, timeout=60) as http:
        location_id = prepare(http, good_setup)["id"]
        token = http.headers["authorization"]
    crowd = Crowd(url, token, location_id)
    assert crowd.enough.wait(120)
    process.kill()
    process.communicate()
    crowd.join()

    process, url = machine.serve()
    try:
        with httpx2.Client(base_url=url, headers={"authorization": token}, timeout=60) as http:
            verdict = made(http.post("/v1/audit/checks"))
            lines = http.get("/v1/audit/export").text.splitlines()
            leases = made(http.get("/v1/leases", params={"limit": 1000}))["items"]
    finally:
        process.kill()
        process.communicate()
    assert verdict["holds"], verdict
    records = [json.loads(line) for line in lines]
    recorded = {
        (record["requestId"], record["details"]["access_key_id"], record["details"]["lease_id"])
        for record in records
        if record["action"] == "credentials.vend" and record["outcome"] == "allowed"
    }
    assert len(crowd.received) >= ENOUGH
    assert set(crowd.received) <= recorded
    assert {lease for _, _, lease in crowd.received} <= {lease["id"] for lease in leases}
