"""What refers to something that is gone by then is a lost race on every database, and no fault of
the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from support.databases import make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import Conflict, InUse, StorageBusy
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.people import Organization, OrgMember, Project, ProjectMember, User
from valetkey.domain.revocation import Hold, Kind
from valetkey.domain.scope import AccessLevel

NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
GONE: Final = "f" * 24
ORG: Final = Organization("a" * 24, "acme", NOW)
USER: Final = User("b" * 24, "ada@example.com", "", NOW)
READ: Final = frozenset({AccessLevel.READ})
GRANT: Final = Grant(
    "1" * 24, GONE, SubjectKind.USER, USER.id, "", ("",), READ, timedelta(hours=1), "ada", NOW
)

Act = Callable[[Any], Awaitable[Any]]
REFERS: Final[dict[str, Act]] = {
    "a project of an organisation": lambda work: work.projects.add(
        Project("1" * 24, GONE, "maps", "ada", NOW, NOW)
    ),
    "a group of an organisation": lambda work: work.groups.add(Group("1" * 24, GONE, "team", NOW)),
    "a member of a group": lambda work: work.groups.put_member(GONE, USER.id),
    "a member who is nobody": lambda work: work.organizations.put_member(
        OrgMember(ORG.id, GONE, "eve@example.com", OrgRole.MEMBER)
    ),
    "a member of a project": lambda work: work.projects.put_member(
        ProjectMember(GONE, USER.id, USER.email, ProjectRole.OWNER)
    ),
    "a grant on a location": lambda work: work.grants.add(GRANT),
    "a hold of an organisation": lambda work: work.blocks.hold(
        Hold("1" * 24, GONE, Kind.PRINCIPAL, USER.email, NOW)
    ),
}


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[SqlCatalogStorage]:
    await make_tables(database_url)
    opened = SqlCatalogStorage.at(database_url)
    async with opened.begin() as work:
        await work.organizations.add(ORG)
        await work.users.add(USER)
    yield opened
    await opened.close()


@pytest.mark.parametrize("what", REFERS)
async def test_who_refers_to_what_is_gone_has_lost_a_race(
    storage: SqlCatalogStorage, what: str
) -> None:
    with pytest.raises(Conflict) as told:
        async with storage.begin() as work:
            await REFERS[what](work)
    assert told.value.code == "changed_meanwhile"
    assert told.value.hint


async def test_what_is_referred_to_stays_and_that_is_a_conflict_too(
    storage: SqlCatalogStorage,
) -> None:
    project = Project("1" * 24, ORG.id, "maps", "ada", NOW, NOW)
    robot = User("2" * 24, "robot@x", "", NOW, project_id=project.id)
    async with storage.begin() as work:
        await work.projects.add(project)
        await work.users.add(robot)
    with pytest.raises(InUse):
        async with storage.begin() as work:
            await work.projects.delete(project.id)


async def test_a_name_that_is_taken_is_still_told_as_that(storage: SqlCatalogStorage) -> None:
    with pytest.raises(Conflict) as told:
        async with storage.begin() as work:
            await work.users.add(User("2" * 24, USER.email, "", NOW))
    assert told.value.code == "name_taken"


async def test_who_makes_the_same_row_at_the_same_time_has_lost_a_race(
    storage: SqlCatalogStorage,
) -> None:
    hold = Hold("1" * 24, ORG.id, Kind.PRINCIPAL, USER.email, NOW)
    async with storage.begin() as work:
        await work.blocks.hold(hold)
    with pytest.raises(Conflict) as told:
        async with storage.begin() as work:
            await work.blocks.hold(hold)
    assert told.value.code == "changed_meanwhile"


async def test_two_who_wait_for_each_other_are_told_to_try_again(postgresql_url: str) -> None:
    await make_tables(postgresql_url)
    storage = SqlCatalogStorage.at(postgresql_url)
    names, met = ("1" * 24, "2" * 24), asyncio.Barrier(2)
    async with storage.begin() as work:
        await work.organizations.add(ORG)
        for project_id in names:
            await work.projects.add(Project(project_id, ORG.id, project_id, "ada", NOW, NOW))

    async def take(first: str, second: str) -> None:
        async with storage.begin() as work:
            await work.lock("project", first)
            await met.wait()
            await work.lock("project", second)

    done = await asyncio.wait_for(
        asyncio.gather(take(*names), take(*reversed(names)), return_exceptions=True), 30
    )
    [error] = [each for each in done if each is not None]
    assert isinstance(error, StorageBusy)
    assert "waited for each other" in error.message
    await storage.close()
