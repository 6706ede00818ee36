"""A project with a location and a dataset, straight in the storage."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from support.entities import make_integration, make_location
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command, Shard, State
from valetkey.domain.people import Organization, Project, User
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.sealing import SealedSecret

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
ORG, USER, PROJECT, INTEGRATION, LOCATION = (letter * 24 for letter in "abcde")


async def furnish(storage: CatalogStorage) -> None:
    """Store an organisation, a user, a project, an integration and a location."""
    email = "ada@example.com"
    async with storage.begin() as work:
        await work.users.add(User(USER, email, "hash", NOW))
        await work.organizations.add(Organization(ORG, "Acme", NOW))
        await work.projects.add(Project(PROJECT, ORG, "first", email, NOW, NOW))
        await work.integrations.add(
            make_integration(
                at=NOW,
                id=INTEGRATION,
                org_id=ORG,
                name="aws",
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                role_arn=RoleArn.parse("arn:aws:iam::123456789012:role/valetkey"),
                creator=email,
            ),
            SealedSecret("key", b"wrapped", b"nonce", b"sealed"),
        )
        await work.locations.add(
            make_location(
                at=NOW,
                id=LOCATION,
                project_id=PROJECT,
                integration_id=INTEGRATION,
                name="tiles",
                bucket="tiles",
                prefix="raw/",
                creator=email,
            )
        )


def draft(number: int = 1, **changes: object) -> Dataset:
    """A dataset that is not stored yet."""
    plain: dict[str, object] = {
        "id": f"{number:024x}",
        "project_id": PROJECT,
        "location_id": LOCATION,
        "name": f"set {number}",
        "creator": "ada@example.com",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Dataset(**(plain | changes))  # type: ignore[arg-type]  # fields by name


async def add_dataset(storage: CatalogStorage, number: int = 1, **changes: object) -> Dataset:
    """Store a dataset."""
    async with storage.begin() as work:
        return await work.datasets.add(draft(number, **changes))


def command_for(dataset: Dataset, number: int = 1, **changes: object) -> Command:
    """A sync that has not begun."""
    plain = Command(f"{number:024x}", dataset.id, USER, State.CREATED, NOW, NOW)
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def shard_of(command: Command, number: int = 1, **changes: object) -> Shard:
    """A shard that covers everything."""
    plain = Shard(f"{number:024x}", command.id, command.dataset_id, "", None, "")
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


async def running_sync(storage: CatalogStorage, dataset: Dataset) -> Shard:
    """Store a sync that runs, with one shard."""
    command = command_for(dataset)
    shard = shard_of(command)
    async with storage.begin() as work:
        await work.commands.add(command)
        assert await work.commands.begin(replace(command, state=State.RUNNING), [shard])
    return shard
