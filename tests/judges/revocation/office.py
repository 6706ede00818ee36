"""An installation that is served by processes of its own, over the embedded AWS."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from judges.revocation.crowd import PATIENCE
from support.aws import GoodSetup, client, make_setup
from support.commands import start
from support.machine import OWNER, PASSWORD, Machine
from valetkey.embedded import EmbeddedAws

_RIGHTS: Final = ("iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy")


@dataclass
class Office:
    """The owner's desk, at the first of the servers."""

    aws: EmbeddedAws
    urls: list[str]
    http: httpx2.Client
    #: The URL of what the servers stand on.
    database: str = ""
    org_id: str = ""
    project_id: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def settle(self) -> None:
        """Sign in as the owner."""
        self.http.headers["authorization"] = f"Bearer {self.login(OWNER)}"
        self.org_id = self.get("/v1/orgs")["items"][0]["id"]
        self.project_id = self.get("/v1/projects")["items"][0]["id"]

    def login(self, email: str) -> str:
        token: str = self.post("/v1/logins", {"email": email, "password": PASSWORD})["token"]
        return token

    def get(self, path: str) -> Any:
        return _made(self.http.get(path))

    def post(self, path: str, body: Mapping[str, Any] | None = None, token: str = "") -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return _made(self.http.post(path, json=dict(body or {}), headers=headers))

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return _made(self.http.patch(path, json=dict(body)))

    def delete(self, path: str, token: str = "") -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return _made(self.http.delete(path, headers=headers))

    def member(self, role: str = "developer") -> tuple[str, str]:
        """Add somebody; return their id and their address."""
        email = f"eve{next(self._numbers)}@example.com"
        added = {"email": email, "role": "member", "password": PASSWORD}
        made = self.post(f"/v1/orgs/{self.org_id}/members", added)
        path = f"/v1/projects/{self.project_id}/members/{made['id']}"
        _made(self.http.put(path, json={"role": role}))
        return made["id"], email

    def location(self) -> dict[str, Any]:
        """Make a bucket, a role, an integration and a location of their own."""
        name = f"judged-{time.monotonic_ns()}"
        setup = make_setup(self.aws, name)
        _allow_revoking(self.aws, setup)
        integration = self.post(
            "/v1/integrations",
            {
                "name": name,
                "accessKeyId": setup.key.id,
                "secretAccessKey": setup.key.secret.reveal(),
                "roleArn": setup.role_arn,
            },
        )
        made: dict[str, Any] = self.post(
            "/v1/locations",
            {
                "name": name,
                "bucket": setup.bucket,
                "projectId": self.project_id,
                "integrationId": integration["id"],
            },
        )
        return made

    def revoke(self, kind: str, target: str) -> dict[str, Any]:
        body = {"kind": kind, "target": target, "reason": "the judges try it"}
        made: dict[str, Any] = self.post("/v1/revocations", body)
        return made


def _made(answer: httpx2.Response) -> Any:
    assert answer.is_success, (answer.status_code, answer.text)
    return answer.json() if answer.content else None


def _allow_revoking(aws: EmbeddedAws, setup: GoodSetup) -> None:
    statement = {"Effect": "Allow", "Action": list(_RIGHTS), "Resource": setup.role_arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = client(aws, "iam")
    iam.put_user_policy(UserName=setup.user, PolicyName="revocation", PolicyDocument=document)
    iam.close()


@contextmanager
def office(
    aws: EmbeddedAws, home: Path, *, database: str = "", servers: int = 1
) -> Iterator[Office]:
    """Serve an installation by so many processes; more than one need a database."""
    with ExitStack() as stack:
        machine = Machine(home, aws.endpoint, VALETKEY_DATABASE_URL=database)
        urls = [stack.enter_context(_serving(machine, number)) for number in range(servers)]
        http = stack.enter_context(httpx2.Client(base_url=urls[0], timeout=PATIENCE))
        made = Office(aws, urls, http, database or f"sqlite:///{machine.data}/valetkey.db")
        made.settle()
        yield made


@contextmanager
def _serving(machine: Machine, number: int) -> Iterator[str]:
    ready = machine.data / f"ready-{number}"
    environment = machine.environment | {"VALETKEY_READY_FILE": str(ready)}
    with machine.log.open("a") as log:
        process = start(["serve", "--port", "0"], environment, errors=log)
    try:
        until = time.monotonic() + PATIENCE
        while not ready.exists():
            assert process.poll() is None, machine.log.read_text()
            assert time.monotonic() < until, machine.log.read_text()
            time.sleep(0.02)
        yield json.loads(ready.read_text())["url"]
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
