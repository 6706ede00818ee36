"""A dataset over a database of its own, its services wired as the server wires them.

AWS's part is played by doubles, but for the objects' own HTTP, which goes to a given endpoint.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from valetkey.aws.objects import S3ObjectStore
from valetkey.aws.settings import AwsSettings
from valetkey.bootstrap import Parts, WiredServices, wire
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.services.datasets import NewDataset
from valetkey.crypto.tokens import JwtTokens
from valetkey.db.schema import migrate
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.ids import IdFactory
from valetkey.domain.location import NewLocation
from valetkey.domain.ports import BucketPlace
from valetkey.domain.secret import Secret
from valetkey.identity.first_start import initialize
from valetkey.services.audit import Caller
from valetkey.system import SystemClock, SystemEntropy
from valetkey.testing import (
    FakeAccessKeys,
    FakeRolePolicies,
    FakeSts,
    UnsafePasswords,
    UnsafeSealer,
)

REGION = "eu-central-1"
PASSWORD = Secret("correct horse battery staple")
OWNER = "ada@example.com"


@dataclass(frozen=True)
class OpenedDataset:
    """An empty dataset, and its owner."""

    parts: Parts
    services: WiredServices
    caller: Caller
    dataset: Dataset


class _Objects(S3ObjectStore):
    """Knows where the bucket is."""

    async def find_region(
        self,
        place: BucketPlace,  # noqa: ARG002  # the port's
        credentials: AwsCredentials,  # noqa: ARG002
        *,
        prefix: str = "",  # noqa: ARG002
    ) -> str:
        return REGION


def parts_over(url: str, s3_endpoint: str, **more: Any) -> Parts:
    """Return what services stand on, over the database at a URL; ``more`` are fields of it."""
    clock, entropy = SystemClock(), SystemEntropy()
    return Parts(
        **{
            "clock": clock,
            "entropy": entropy,
            "new_id": IdFactory(clock, entropy),
            "storage": SqlCatalogStorage.at(url),
            "sealer": UnsafeSealer(),
            "passwords": UnsafePasswords(),
            "tokens": JwtTokens(Secret("ab" * 32), "bench"),
            "sts": FakeSts(clock),
            "objects": _Objects(
                AwsSettings(s3_endpoint=s3_endpoint, region=REGION), clock, entropy
            ),
            "access_keys": FakeAccessKeys(clock),
            "role_policies": FakeRolePolicies(),
            "alone": True,
            **more,
        }
    )


@asynccontextmanager
async def opened_dataset(
    url: str, s3_endpoint: str = "", **more: Any
) -> AsyncIterator[OpenedDataset]:
    """Make one in the database at a URL, which is empty."""
    await migrate(url)
    parts = parts_over(url, s3_endpoint, **more)
    services = wire(parts)
    try:
        caller, dataset = await _furnish(parts, services)
        yield OpenedDataset(parts, services, caller, dataset)
    finally:
        assert isinstance(parts.objects, S3ObjectStore)
        await parts.objects.close()
        await parts.storage.close()


async def _furnish(parts: Parts, services: WiredServices) -> tuple[Caller, Dataset]:
    first = await initialize(
        parts.storage,
        parts.sealer,
        parts.passwords,
        parts.clock,
        parts.entropy,
        parts.new_id,
        organization="Bench",
        email=OWNER,
        password=PASSWORD,
    )
    login = await services.accounts.login(OWNER, PASSWORD)
    caller = Caller(await services.principals.read(login.token.reveal(), source=""))
    integration = await services.integrations.create(
        caller,
        first.organization.id,
        name="aws",
        key="AKIAIOSFODNN7EXAMPLE",
        secret=Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        role_arn="arn:aws:iam::123456789012:role/bench",
    )
    project = first.project.id
    location = await services.locations.create(
        caller, project, NewLocation(name="d", integration_id=integration.id, bucket="bench")
    )
    view = await services.catalog.datasets.create(caller, project, NewDataset("bench", location.id))
    return caller, view.dataset
