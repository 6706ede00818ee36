"""What every implementation of the storage port promises: memory, SQLite, PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from support.entities import make_integration, make_location
from valetkey.domain.access import OrgRole
from valetkey.domain.errors import Conflict, InUse, VersionMismatch
from valetkey.domain.integration import IntegrationState
from valetkey.domain.people import Organization, OrgMember, Project, User
from valetkey.domain.ports import Storage
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.sealing import SealedSecret

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ORG = Organization("a" * 24, "acme", NOW)
USER = User("b" * 24, "ada@example.com", "$argon2id$hash", NOW)
PROJECT = Project("c" * 24, ORG.id, "maps", USER.email, NOW, NOW)
SEALED = SealedSecret("local:1", b"\x00wrapped\xff", b"n" * 12, b"\x00cipher\xff")
INTEGRATION = make_integration(
    at=NOW,
    id="d" * 24,
    org_id=ORG.id,
    name="aws",
    access_key_id="AKIAIOSFODNN7EXAMPLE",
    role_arn=RoleArn.parse("arn:aws:iam::123456789012:role/path/valetkey"),
    creator=USER.email,
    key_changed_at=NOW,
)
LOCATION = make_location(
    at=NOW,
    id="e" * 24,
    project_id=PROJECT.id,
    integration_id=INTEGRATION.id,
    name="tiles",
    bucket="acme-tiles",
    prefix="raw/",
    allow_external_delete=True,
    creator=USER.email,
)


async def _fill(storage: Storage) -> None:
    async with storage.begin() as work:
        await work.users.add(USER)
        await work.organizations.add(ORG)
        await work.projects.add(PROJECT)
        await work.integrations.add(INTEGRATION, SEALED)
        await work.locations.add(LOCATION)


async def test_what_is_stored_comes_back_equal(storage: Storage) -> None:
    await _fill(storage)
    async with storage.read() as work:
        assert await work.users.get(USER.id) == USER
        assert await work.users.by_email(USER.email) == USER
        assert await work.users.by_emails({USER.email, "nobody@example.com"}) == [USER]
        assert await work.users.by_emails(()) == []
        assert await work.organizations.get(ORG.id) == ORG
        assert await work.projects.get(PROJECT.id) == PROJECT
        assert await work.integrations.get(INTEGRATION.id) == INTEGRATION
        assert await work.integrations.sealed_secret(INTEGRATION.id) == SEALED
        assert await work.locations.get(LOCATION.id) == LOCATION
        assert await work.locations.of_integration(INTEGRATION.id) == [LOCATION]


async def test_what_is_not_there_is_none(storage: Storage) -> None:
    async with storage.read() as work:
        assert await work.users.by_email("nobody@example.com") is None
        assert await work.integrations.sealed_secret("0" * 24) is None
        assert await work.locations.get("0" * 24) is None
        assert await work.installations.get() is None


async def test_an_exception_undoes_the_whole_transaction(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with storage.begin() as work:
            await work.organizations.add(ORG)
            raise ZeroDivisionError
    async with storage.read() as work:
        assert await work.organizations.get(ORG.id) is None


async def test_a_conflict_undoes_what_came_before_it(storage: Storage) -> None:
    await _fill(storage)
    other = replace(PROJECT, id="1" * 24, name="other")
    with pytest.raises(Conflict):  # noqa: PT012
        async with storage.begin() as work:
            await work.projects.add(other)
            await work.projects.add(replace(PROJECT, id="2" * 24))
    async with storage.read() as work:
        assert await work.projects.get(other.id) is None


@pytest.mark.parametrize("kind", ["user", "project", "integration", "location"])
async def test_a_taken_name_is_a_conflict_that_says_which(storage: Storage, kind: str) -> None:
    await _fill(storage)
    taken = {"user": USER.email, "project": "maps", "integration": "aws", "location": "tiles"}[kind]
    with pytest.raises(Conflict) as refused:  # noqa: PT012
        async with storage.begin() as work:
            new_id = "1" * 24
            if kind == "user":
                await work.users.add(replace(USER, id=new_id))
            elif kind == "project":
                await work.projects.add(replace(PROJECT, id=new_id))
            elif kind == "integration":
                await work.integrations.add(replace(INTEGRATION, id=new_id), SEALED)
            else:
                await work.locations.add(replace(LOCATION, id=new_id))
    assert taken in str(refused.value)


async def test_an_integration_with_locations_stays(storage: Storage) -> None:
    await _fill(storage)
    with pytest.raises(InUse):
        async with storage.begin() as work:
            await work.integrations.delete(INTEGRATION.id)
    async with storage.begin() as work:
        assert await work.locations.delete(LOCATION.id)
        assert await work.integrations.delete(INTEGRATION.id)
        assert not await work.integrations.delete(INTEGRATION.id)


async def test_saving_an_integration_leaves_its_secret_alone(storage: Storage) -> None:
    await _fill(storage)
    changed = replace(INTEGRATION, state=IntegrationState.VERIFIED, verified_at=NOW)
    async with storage.begin() as work:
        stored = await work.integrations.save(changed)
    assert stored == replace(changed, version=changed.version + 1)
    async with storage.read() as work:
        assert await work.integrations.get(INTEGRATION.id) == stored
        assert await work.integrations.sealed_secret(INTEGRATION.id) == SEALED


async def test_who_saves_what_somebody_else_saved_meanwhile_stores_nothing(
    storage: Storage,
) -> None:
    await _fill(storage)
    async with storage.begin() as work:
        first = await work.integrations.save(replace(INTEGRATION, name="first"))
    with pytest.raises(VersionMismatch):
        async with storage.begin() as work:
            await work.integrations.save(replace(INTEGRATION, name="second"))
    async with storage.read() as work:
        assert await work.integrations.get(INTEGRATION.id) == first


async def test_locations_know_what_they_lie_within_and_what_lies_within_them(
    storage: Storage,
) -> None:
    await _fill(storage)
    child = replace(LOCATION, id=f"{91:024x}", name="child", parent_id=LOCATION.id)
    grandchild = replace(LOCATION, id=f"{92:024x}", name="grandchild", parent_id=child.id)
    async with storage.begin() as work:
        await work.locations.add(child)
        await work.locations.add(grandchild)
    async with storage.read() as work:
        assert await work.locations.ancestors(grandchild) == [child, LOCATION]
        assert await work.locations.ancestors(LOCATION) == []
        assert await work.locations.below(LOCATION.id) == [child, grandchild]
    with pytest.raises(InUse):
        async with storage.begin() as work:
            await work.locations.delete(child.id)


async def test_times_of_any_zone_come_back_as_the_same_moment_in_utc(storage: Storage) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with storage.begin() as work:
        await work.organizations.add(replace(ORG, created_at=there))
    async with storage.read() as work:
        found = await work.organizations.get(ORG.id)
    assert found is not None
    assert found.created_at == NOW
    assert found.created_at.tzinfo is not None


async def test_putting_a_member_again_changes_the_role(storage: Storage) -> None:
    await _fill(storage)
    first, second = list(OrgRole)[:2]
    for role in (first, second):
        async with storage.begin() as work:
            await work.organizations.put_member(OrgMember(ORG.id, USER.id, USER.email, role))
    async with storage.read() as work:
        assert [member.role for member in await work.organizations.members(ORG.id)] == [second]
        assert await work.organizations.of_user(USER.id) == [ORG]
