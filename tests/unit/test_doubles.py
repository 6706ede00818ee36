"""The storage in memory is as good as a database where tests lean on it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from valetkey.domain.access import OrgRole
from valetkey.domain.people import Organization, OrgMember, User
from valetkey.testing import MemoryStorage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORG, USER = "a" * 24, "b" * 24


async def filled() -> MemoryStorage:
    storage = MemoryStorage()
    async with storage.begin() as work:
        await work.users.add(User(USER, "ada@example.com", "hash", NOW))
        await work.organizations.add(Organization(ORG, "acme", NOW))
        await work.organizations.put_member(OrgMember(ORG, USER, "ada@example.com", OrgRole.OWNER))
    return storage


async def test_with_a_user_go_their_memberships_in_the_same_transaction() -> None:
    storage = await filled()
    async with storage.begin() as work:
        await work.users.delete(USER)
    async with storage.read() as work:
        assert await work.organizations.members(ORG) == []


async def test_what_a_failed_transaction_did_was_never_there() -> None:
    storage = await filled()
    with suppress(RuntimeError):
        async with storage.begin() as work:
            await work.users.delete(USER)
            raise RuntimeError
    async with storage.read() as work:
        assert await work.users.get(USER) is not None
        assert len(await work.organizations.members(ORG)) == 1


async def test_what_is_restored_is_as_it_was() -> None:
    storage = await filled()
    snapshot = storage.snapshot()
    for _ in range(2):
        async with storage.begin() as work:
            await work.users.delete(USER)
        storage.restore(snapshot)
        async with storage.read() as work:
            assert await work.users.get(USER) is not None
            assert len(await work.organizations.members(ORG)) == 1


async def test_what_a_transaction_asks_for_is_its_own_and_nobody_sees_it_before_the_end() -> None:
    storage = await filled()
    async with storage.begin() as work, storage.read() as before:
        await work.users.delete(USER)
        assert await work.organizations.members(ORG) == []
        assert len(await before.organizations.members(ORG)) == 1


async def test_a_transaction_after_others_of_other_things_acts_on_what_is_there_now() -> None:
    storage = await filled()
    for number in range(2):
        async with storage.begin() as work:
            await work.organizations.add(Organization(f"{number}" * 24, f"{number}", NOW))
    async with storage.begin() as work:
        await work.users.delete(USER)
    async with storage.read() as work:
        assert await work.organizations.members(ORG) == []
        assert await work.organizations.get("1" * 24) is not None
