"""An installation to measure: an embedded AWS, an owner, an integration and a location."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from bench import load
from bench.aws import Prepared, prepared_aws
from bench.servers import Serving, real
from valetkey.administration import first_start
from valetkey.config import load_settings
from valetkey.domain.secret import Secret

#: The location's name.
LOCATION = "bench"
EMAIL, PASSWORD = "owner@example.com", "correct horse battery staple"


@dataclass(frozen=True)
class Installation:
    """A server over an AWS, with one location and one API key."""

    serving: Serving
    aws: Prepared
    token: str
    location: str
    #: The database's URL.
    database: str
    #: The server's settings, for further processes over the same database.
    environment: Mapping[str, str]
    #: The owner's own authorisation: an API key manages nobody.
    owner: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.serving.port}"

    def vend(self, prefix: str = "", *, access: tuple[str, ...] = ("list", "read")) -> bytes:
        """Return a request for credentials."""
        body = json.dumps({"prefixes": [prefix], "access": list(access)}).encode()
        return load.request("POST", f"/v1/locations/{self.location}/credentials", self.auth, body)

    def container(self) -> bytes:
        """Return a request for credentials as a container endpoint's clients send it."""
        path = f"/v1/locations/{self.location}/credentials?prefix=&access=list,read"
        return load.request("GET", path, {"authorization": self.token})

    def presign(self, keys: list[str]) -> bytes:
        """Return a request for URLs."""
        body = json.dumps({"keys": keys, "expiresSeconds": 300}).encode()
        path = f"/v1/locations/{self.location}/presigned-urls"
        headers = self.auth | {"accept": "application/x-ndjson"}
        return load.request("POST", path, headers, body)

    @property
    def auth(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@contextmanager
def installation(database_url: str = "", *, s3_endpoint: str = "") -> Iterator[Installation]:
    """Make one, on SQLite unless a database is given, and serve it. With an S3 of one's own, the
    server leaves syncs and duties to others."""

    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        aws = stack.enter_context(prepared_aws())
        environment = {
            "VALETKEY_DATA_DIR": str(Path(folder) / "data"),
            "VALETKEY_STS_ENDPOINT": aws.endpoint,
            "VALETKEY_S3_ENDPOINT": aws.endpoint,
            "VALETKEY_AWS_REGION": aws.region,
        }
        if database_url:
            environment["VALETKEY_DATABASE_URL"] = database_url
        if s3_endpoint:
            environment |= {"VALETKEY_S3_ENDPOINT": s3_endpoint, "VALETKEY_DUTIES": "serve"}
        settings = load_settings(environment)
        asyncio.run(
            first_start(settings, organization="Bench", email=EMAIL, password=Secret(PASSWORD))
        )
        serving = stack.enter_context(real(environment))
        with httpx2.Client(base_url=f"http://127.0.0.1:{serving.port}") as client:
            token, location = _prepare(client, aws)
            owner = client.headers["authorization"]
        yield Installation(serving, aws, token, location, settings.database, environment, owner)


def _prepare(client: httpx2.Client, aws: Prepared) -> tuple[str, str]:
    """Make an API key, an integration and a location."""
    login = {"username": EMAIL, "password": PASSWORD, "type": "user_credentials"}
    token = _made(client.post("/token?default", json=login))["id_token"]
    client.headers["authorization"] = f"Bearer {token}"
    me = _made(client.get("/api/v1/users/me"))
    key = _made(client.post("/api/v1/apiKeys", json={"description": "bench"}))
    org, project = me["orgs"][0]["id"], me["projects"][0]["id"]
    options = {
        "key": aws.key.id,
        "secret": aws.key.secret.reveal(),
        "roleArns": aws.role_arn,
    }
    integration = _made(
        client.post(
            f"/api/v1/orgs/{org}/integrations",
            json={"type": "aws-sts", "name": "bench", "options": options},
        )
    )
    location = _made(
        client.post(
            "/api/v1/drivers",
            json={
                "integrationId": integration["id"],
                "integrationType": "aws-sts",
                "name": LOCATION,
                "metadata": {"system": {"projectId": project}},
                "type": "s3",
                "payload": {
                    "bucketName": aws.bucket,
                    "storageClass": "",
                    "region": "",
                    "path": "train",
                },
                "allowExternalDelete": False,
            },
        )
    )
    return key["jwt"], location["id"]


def _made(answer: httpx2.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
