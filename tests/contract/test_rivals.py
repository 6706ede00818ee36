"""Two writers at once on a real database: nothing is lost, and an owner stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.memory import OWNER, PASSWORD, Memory, open_memory
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.schema import migrate
from valetkey.domain.access import OrgRole
from valetkey.domain.integration import IntegrationState
from valetkey.services.locations import LocationChange

BOB = "bob@example.com"
ROUNDS = 10


@pytest.fixture
async def installed(database_url: str) -> AsyncIterator[Memory]:
    """The services over each kind of real database."""
    await migrate(database_url)
    storage = SqlCatalogStorage.at(database_url)
    yield await open_memory(storage)
    await storage.close()


async def test_of_two_owners_who_remove_each_other_one_stays(installed: Memory) -> None:
    people = installed.services.people
    for _ in range(ROUNDS):
        ada = await installed.caller()
        bob = await installed.member(BOB, None, org_role=OrgRole.OWNER)
        done = await asyncio.gather(
            people.remove_org_member(ada, installed.org_id, BOB),
            people.remove_org_member(bob, installed.org_id, OWNER),
            return_exceptions=True,
        )
        assert [isinstance(each, Exception) for each in done].count(True) == 1
        async with installed.storage.read() as work:
            [left] = await work.organizations.members(installed.org_id)
        assert left.role is OrgRole.OWNER
        if left.email == BOB:
            await people.put_org_member(
                bob, installed.org_id, OWNER, OrgRole.OWNER, password=PASSWORD
            )
            ada = await installed.caller()
            await people.remove_org_member(ada, installed.org_id, BOB)


async def test_a_disable_beside_a_rename_stays(installed: Memory) -> None:
    integrations, ada = installed.services.integrations, await installed.caller()
    integration = await installed.integration()
    for number in range(ROUNDS):
        await integrations.enable(ada, integration.id)
        await asyncio.gather(
            integrations.disable(ada, integration.id),
            integrations.update(ada, integration.id, name=f"renamed {number}"),
        )
        found = await integrations.get(ada, integration.id)
        assert (found.state, found.name) == (IntegrationState.DISABLED, f"renamed {number}")


async def test_two_changes_of_a_location_are_both_there(installed: Memory) -> None:
    locations, ada = installed.services.locations, await installed.caller()
    location = await installed.location()
    for number in range(ROUNDS):
        allowed = bool(number % 2)
        await asyncio.gather(
            locations.update(ada, location.id, LocationChange(name=f"renamed {number}")),
            locations.update(ada, location.id, LocationChange(allow_external_delete=allowed)),
        )
        found = await locations.get(ada, location.id)
        assert (found.name, found.allow_external_delete) == (f"renamed {number}", allowed)
