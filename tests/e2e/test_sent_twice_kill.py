"""kill -9 between what a POST makes and its answer: sent again with its key, it makes one thing."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from support.aws import GoodSetup, client, make_setup
from support.commands import ROOT, clean_environment
from support.described import DOCUMENT
from support.making import MAKES
from support.mortal import AFTER_EFFECT, BEFORE_ANSWER
from support.real_api import EMAIL, PASSWORD, settings_for
from valetkey.administration import first_start
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

KEY: Final = {"$ref": "#/components/parameters/IdempotencyKey"}
#: Every POST of the description that takes an Idempotency-Key, and its address.
MAKING: Final = {
    methods["post"]["operationId"]: path
    for path, methods in DOCUMENT["paths"].items()
    if KEY in methods.get("post", {}).get("parameters", [])
}
MEMBER: Final = "grace@example.com"


@dataclass
class Site:
    """A mortal server with one of everything."""

    http: httpx2.Client
    aws: EmbeddedAws
    setup: GoodSetup
    database: Path
    known: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def make(self, path: str, body: Any, **query: str) -> Any:
        answer = self.http.post(f"/v1/{path}", json=body, params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def rows(self, operation_id: str) -> int:
        alive = " WHERE deleted_ms IS NULL" if MAKES[operation_id] == "items" else ""
        with closing(sqlite3.connect(self.database, timeout=90)) as database:
            counted = f'SELECT count(*) FROM "{MAKES[operation_id]}"{alive}'  # noqa: S608  # ours
            return int(database.execute(counted).fetchone()[0])

    def fill(self) -> None:
        login = self.make("logins", {"email": EMAIL, "password": PASSWORD})
        self.http.headers["authorization"] = f"Bearer {login['token']}"
        me = self.http.get("/v1/me").json()
        known = self.known
        known |= {"orgId": me["orgs"][0]["id"], "projectId": me["projects"][0]["id"]}
        member = {"email": MEMBER, "role": "member", "password": PASSWORD}
        self.make(f"orgs/{known['orgId']}/members", member)
        of_org = {"orgId": known["orgId"]}
        known["integrationId"] = self.make("integrations", self.integration(0) | of_org)["id"]
        known["locationId"] = self.make("locations", self.location(0))["id"]
        account = {"projectId": known["projectId"], "name": "jobs", "role": "developer"}
        known["serviceAccountId"] = self.make("service-accounts", account)["id"]
        known["datasetId"] = self.make("datasets", self.dataset(0))["id"]

    def integration(self, number: int, setup: GoodSetup | None = None) -> dict[str, Any]:
        setup = setup or self.setup
        key = setup.key
        return {
            "name": f"aws {number}",
            "accessKeyId": key.id,
            "secretAccessKey": key.secret.reveal(),
            "roleArn": setup.role_arn,
        }

    def location(self, number: int) -> dict[str, Any]:
        return {
            "name": f"place {number}",
            "bucket": self.setup.bucket,
            "folder": f"{number}/" if number else None,
            "projectId": self.known["projectId"],
            "integrationId": self.known["integrationId"],
            "endpoint": self.aws.endpoint,
        }

    def dataset(self, number: int) -> dict[str, Any]:
        known = self.known
        where = {"projectId": known["projectId"], "locationId": known["locationId"]}
        return where | {"name": f"data {number}"}

    def prepared(self, operation_id: str, number: int) -> dict[str, Any]:
        """Make what an operation stands on, and return its body."""
        of_org = {"orgId": self.known["orgId"]}
        in_project = {"projectId": self.known["projectId"]}
        name = {"name": f"the {number}"}
        bodies: dict[str, Callable[[], dict[str, Any]]] = {
            "addOrgMember": lambda: self.member(number),
            "createPasswordLink": lambda: {"email": self.new_member(number)},
            "createProject": lambda: name | of_org,
            "createServiceAccount": lambda: (
                in_project | {"name": f"sa-{number}", "role": "developer"}
            ),
            "createIntegration": lambda: self.integration(number) | of_org,
            "createLocation": lambda: self.location(number),
            "createDataset": lambda: self.dataset(number),
            "createGrant": lambda: {
                "prefixes": [f"{number}/"],
                "access": ["read"],
                "user": MEMBER,
            },
            "createRevocation": lambda: self.leased(number),
            "createSync": lambda: self.new_dataset(number),
            "createClone": lambda: self.target(number),
            "createFolder": lambda: {"path": f"made {number}/"},
            "indexObjects": lambda: self.object(operation_id, f"i/{number}.txt"),
            "deleteMatchingObjects": lambda: self.object(operation_id, f"i/{number}.txt"),
            "createRotation": lambda: self.new_integration(number),
        }
        return bodies.get(operation_id, lambda: name)()

    def member(self, number: int) -> dict[str, Any]:
        email = f"new{number}@example.com"
        return {"email": email, "role": "member", "password": PASSWORD}

    def new_member(self, number: int) -> str:
        self.make(f"orgs/{self.known['orgId']}/members", self.member(number))
        return f"new{number}@example.com"

    def leased(self, number: int) -> dict[str, Any]:
        vends = f"locations/{self.known['locationId']}/credentials"
        lease = self.make(vends, {"prefixes": [f"{number}/"], "access": ["read"]})
        return {"kind": "lease", "target": lease["leaseId"], "reason": "x"}

    def new_dataset(self, number: int) -> dict[str, Any]:
        self.known["datasetId"] = self.make("datasets", self.dataset(number))["id"]
        return {}

    def target(self, number: int) -> dict[str, Any]:
        return {"targetId": self.make("datasets", self.dataset(number))["id"], "folder": "copies/"}

    def new_integration(self, number: int) -> dict[str, Any]:
        setup, administrator = make_setup(self.aws, f"acme-{number}"), self.aws.administrator
        body = self.integration(number, setup) | {"orgId": self.known["orgId"]}
        self.known["integrationId"] = self.make("integrations", body)["id"]
        return {
            "administrator": {
                "accessKeyId": administrator.id,
                "secretAccessKey": administrator.secret.reveal(),
            }
        }

    def object(self, operation_id: str, path: str) -> dict[str, Any]:
        client(self.aws, "s3").put_object(Bucket=self.setup.bucket, Key=path, Body=b"x")
        if operation_id == "indexObjects":
            return {"paths": [path]}
        self.make(f"datasets/{self.known['datasetId']}/objects", {"paths": [path]})
        return {"glob": f"/{path}"}

    def send(self, operation_id: str, body: Any, key: str) -> httpx2.Response:
        query = {"verify": "false"} if operation_id == "createIntegration" else {}
        address = MAKING[operation_id].format(**self.known)
        return self.http.post(address, json=body, params=query, headers={"Idempotency-Key": key})


@pytest.fixture(scope="module")
def site(_running_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    aws, folder = _running_aws, tmp_path_factory.mktemp("mortal")
    aws.reset()
    setup, settings = make_setup(aws, "acme-data"), settings_for(folder, aws.endpoint)
    asyncio.run(first_start(settings, organization="Acme", email=EMAIL, password=Secret(PASSWORD)))
    paths = f"{ROOT / 'src'}:{ROOT / 'tests'}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603  # our own server
            [sys.executable, "-m", "support.mortal", str(folder), aws.endpoint],
            env=clean_environment(folder, PYTHONPATH=paths),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdout.close()
        with httpx2.Client(base_url=url, timeout=60) as http:
            found = Site(http, aws, setup, folder / "valetkey.db")
            found.fill()
            yield found
    finally:
        process.terminate()
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(90)


def test_every_post_that_makes_something_is_killed_here() -> None:
    assert MAKING.keys() == MAKES.keys()


@pytest.mark.parametrize("moment", [AFTER_EFFECT, BEFORE_ANSWER])
@pytest.mark.parametrize("operation_id", MAKES)
def test_what_is_sent_again_after_a_kill_makes_one_thing(
    site: Site, operation_id: str, moment: str
) -> None:
    body = site.prepared(operation_id, next(site.numbers) + 1)
    before, key = site.rows(operation_id), f"{moment}-{operation_id}"
    with pytest.raises(httpx2.TransportError):
        pytest.fail(site.send(operation_id, body, key).text)
    made = site.rows(operation_id)
    assert made == before + (-1 if operation_id.startswith("delete") else 1)
    for _ in range(2):
        again = site.send(operation_id, body, key)
        if moment == BEFORE_ANSWER:
            assert again.is_success, again.text
        else:  # told for ten minutes, and then that nobody knows: see the unit's table
            assert again.json()["error"]["code"] == "idempotency_in_progress"
        assert site.rows(operation_id) == made
