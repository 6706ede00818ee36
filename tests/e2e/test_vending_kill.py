"""kill -9 under load: the chain holds, and has a record for every credential a client received."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx

from support.aws import REGION, GoodSetup
from support.commands import clean_environment, run_process, start
from valetkey.embedded import EmbeddedAws

OWNER, PASSWORD = "ada@example.com", "correct horse battery staple"
CLIENTS, ENOUGH = 8, 200


class Machine:
    """A server's folder, its settings, and its process."""

    def __init__(self, home: Path, endpoint: str) -> None:
        password = home / "password"
        password.write_text(PASSWORD)
        self.environment = clean_environment(
            home,
            VALETKEY_DATA_DIR=str(home / "data"),
            VALETKEY_STS_ENDPOINT=endpoint,
            VALETKEY_S3_ENDPOINT=endpoint,
            VALETKEY_AWS_REGION=REGION,
        )
        ran = run_process(
            ["init", "--email", OWNER, "--password-file", str(password), "--json"],
            self.environment,
        )
        assert ran.code == 0, ran.said

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        """Start the server; return it and its address once it answers."""
        process = start(["serve", "--port", "0", "--json"], self.environment)
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()[1]
        return process, json.loads("".join(lines))["url"]


def made(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def prepare(http: httpx.Client, setup: GoodSetup) -> str:
    """Log in, make an integration and a driver; return the driver's id."""
    login = {"username": OWNER, "password": PASSWORD, "type": "user_credentials"}
    http.headers["authorization"] = f"Bearer {made(http.post('/token', json=login))['id_token']}"
    me = made(http.get("/api/v1/users/me"))
    options = {
        "key": setup.key.id,
        "secret": setup.key.secret.reveal(),
        "roleArns": setup.role_arn,
    }
    body = {"type": "aws-sts", "name": "aws", "options": options}
    integration = made(http.post(f"/api/v1/orgs/{me['orgs'][0]['id']}/integrations", json=body))
    driver = {
        "name": "data",
        "integrationId": integration["id"],
        "type": "s3",
        "payload": {"bucketName": setup.bucket},
        "metadata": {"system": {"projectId": me["projects"][0]["id"]}},
    }
    driver_id: str = made(http.post("/api/v1/drivers", json=driver))["id"]
    return driver_id


class Crowd:
    """Clients that ask until the server is gone, and keep what they received."""

    def __init__(self, url: str, token: str, driver_id: str) -> None:
        self._url, self._token, self._driver_id = url, token, driver_id
        self.received: list[tuple[str, str, str]] = []
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        path = f"/api/v1/drivers/{self._driver_id}/credentials"
        headers = {"authorization": self._token}
        with httpx.Client(base_url=self._url, headers=headers, timeout=60) as http:
            for turn in range(100_000):
                # Now and then a new folder, so that cold requests are among the warm ones.
                body = {"prefixes": [f"{number}/{turn // 20}"], "access": ["read"]}
                try:
                    answer = http.post(path, json=body)
                except httpx.TransportError:
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
    with httpx.Client(base_url=url, timeout=60) as http:
        driver_id = prepare(http, good_setup)
        token = http.headers["authorization"]
    crowd = Crowd(url, token, driver_id)
    assert crowd.enough.wait(120)
    process.kill()
    process.communicate()
    crowd.join()

    process, url = machine.serve()
    try:
        with httpx.Client(base_url=url, headers={"authorization": token}, timeout=60) as http:
            verdict = made(http.get("/api/v1/audit/verify"))
            lines = http.get("/api/v1/audit/export").text.splitlines()
            leases = made(http.get("/api/v1/leases", params={"limit": 1000}))["items"]
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
