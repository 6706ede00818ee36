"""A server as a process of its own, which a test may kill and start again on the same folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2

from support.aws import REGION, GoodSetup
from support.commands import clean_environment, run_process, start

OWNER, PASSWORD = "ada@example.com", "correct horse battery staple"


class Machine:
    """A server's folder, its settings, and its process."""

    def __init__(self, home: Path, endpoint: str, **settings: str) -> None:
        password = home / "password"
        password.write_text(PASSWORD)
        self.data, self.log = home / "data", home / "server.log"
        self.environment = clean_environment(
            home,
            VALETKEY_DATA_DIR=str(self.data),
            VALETKEY_STS_ENDPOINT=endpoint,
            VALETKEY_IAM_ENDPOINT=endpoint,
            VALETKEY_S3_ENDPOINT=endpoint,
            VALETKEY_AWS_REGION=REGION,
            **settings,
        )
        ran = run_process(
            ["init", "--email", OWNER, "--password-file", str(password), "--json"],
            self.environment,
        )
        assert ran.code == 0, ran.said

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        """Start the server; return it and its address once it answers."""
        with self.log.open("a") as log:
            process = start(["serve", "--port", "0", "--json"], self.environment, errors=log)
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], self.log.read_text()
        return process, json.loads("".join(lines))["url"]


def made(answer: httpx2.Response) -> Any:
    """Return an answer's JSON; what is no success is raised."""
    answer.raise_for_status()
    return answer.json()


def prepare(
    http: httpx2.Client, setup: GoodSetup, *, allow_external_delete: bool = False
) -> dict[str, Any]:
    """Log in, make an integration and a location of the whole bucket; return the location."""
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
    location = {
        "name": "data",
        "integrationId": integration["id"],
        "type": "s3",
        "payload": {"bucketName": setup.bucket},
        "metadata": {"system": {"projectId": me["projects"][0]["id"]}},
        "allowExternalDelete": allow_external_delete,
    }
    found: dict[str, Any] = made(http.post("/api/v1/drivers", json=location))
    return found | {"projectId": me["projects"][0]["id"]}
