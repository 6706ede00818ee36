"""The whole application in this process: SQLite, real adapters, the embedded AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from support.aws import REGION, GoodSetup
from support.databases import make_tables
from valetkey.administration import first_start
from valetkey.api import create_app
from valetkey.bootstrap import WiredServices, open_services
from valetkey.config import Settings
from valetkey.domain.secret import Secret

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"


def settings_for(folder: Path, endpoint: str, **more: Any) -> Settings:
    """Settings that lead to one AWS endpoint. Whoever waits for the end of the patience with a call
    has less of it."""
    return Settings(
        **{
            "data_dir": folder,
            "sts_endpoint": endpoint,
            "iam_endpoint": endpoint,
            "s3_endpoint": endpoint,
            "aws_region": REGION,
            "aws_connect_timeout": 60.0,
            "aws_read_timeout": 60.0,
            **more,
        }
    )


@dataclass(frozen=True)
class RealApi:
    """A client of the API, signed in as the owner, and what is behind it."""

    http: httpx2.AsyncClient
    services: WiredServices
    org_id: str
    project_id: str

    async def create_integration(self, setup: GoodSetup, **changed: str) -> httpx2.Response:
        """Register an integration; ``changed`` are parts to send instead of the right ones."""
        parts = {
            "name": setup.bucket,
            "key": setup.key.id,
            "secret": setup.key.secret.reveal(),
            "roleArns": setup.role_arn,
        } | changed
        body = {"type": "aws-sts", "name": parts.pop("name"), "options": parts}
        return await self.http.post(f"/api/v1/orgs/{self.org_id}/integrations", json=body)

    async def create_driver(self, integration_id: str, bucket: str, **payload: str) -> Any:
        """Register a driver on a bucket."""
        body = {
            "name": payload.pop("name", bucket),
            "integrationId": integration_id,
            "type": "s3",
            "payload": {"bucketName": bucket} | payload,
            "metadata": {"system": {"projectId": self.project_id}},
        }
        return await self.http.post("/api/v1/drivers", json=body)

    async def vend(self, location_id: str, **body: Any) -> httpx2.Response:
        """Ask for credentials."""
        asked = {"prefixes": [""], "access": ["list", "read"], "ttlSeconds": 900} | body
        return await self.http.post(f"/v1/locations/{location_id}/credentials", json=asked)


async def make_installation(settings: Settings, email: str, password: str) -> None:
    """Make what `valetkey init` makes; its tables are copied, not migrated to."""
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    await make_tables(settings.database)
    await first_start(settings, organization="Acme", email=email, password=Secret(password))


@asynccontextmanager
async def open_real_api(settings: Settings) -> AsyncIterator[RealApi]:
    """Start for the first time, sign in, and close everything afterwards."""
    await make_installation(settings, EMAIL, PASSWORD)
    async with open_services(settings) as services:
        transport = httpx2.ASGITransport(app=create_app(services, services.catalog))  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url="http://valetkey") as http:
            body = {"type": "user_credentials", "username": EMAIL, "password": PASSWORD}
            token = (await http.post("/token", json=body)).json()["id_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            me = (await http.get("/api/v1/users/me")).json()
            yield RealApi(http, services, me["orgs"][0]["id"], me["projects"][0]["id"])
