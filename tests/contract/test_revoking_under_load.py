"""Two servers on one database vend while sessions are revoked: nothing works afterwards that was
vended before the answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from support.databases import make_tables
from support.memory import Memory, open_memory
from support.refused import works
from valetkey.bootstrap import wire
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import BeingRevoked, Denied, ValetkeyError
from valetkey.domain.lease import Lease
from valetkey.domain.location import Location
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.vending import Vended, VendRequest

READ = frozenset({AccessLevel.READ})
CLIENTS = 8
#: As often as a client vends at most while one revocation is under way.
TURNS = 200
SECONDS = 60.0


@dataclass
class Servers:
    """Servers on one database; the first one revokes."""

    memories: list[Memory]
    left: list[Vended] = field(default_factory=list)
    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    is_answered: bool = False

    @property
    def first(self) -> Memory:
        return self.memories[0]

    async def keep_vending(self, number: int, caller: Caller, location: Location) -> None:
        """Vend until the revocation is answered: now the same again, now something else."""
        vending = self.memories[number % len(self.memories)].services.vending
        for turn in range(TURNS):
            wanted = VendRequest((f"p{number}/{turn % 3}",), READ)
            with contextlib.suppress(BeingRevoked, Denied, ValetkeyError):
                self.left.append(await vending.vend(caller, location.id, wanted))
            self.asked.release()
            if self.is_answered:
                break
            await asyncio.sleep(0)

    async def until_all_vend(self) -> None:
        async with asyncio.timeout(SECONDS):
            for _ in range(2 * CLIENTS):
                await self.asked.acquire()


@pytest.fixture
async def servers(database_url: str) -> AsyncIterator[Servers]:
    await make_tables(database_url)
    count = 2 if database_url.startswith("postgresql") else 1
    storages = [SqlCatalogStorage.at(database_url) for _ in range(count)]
    first = await open_memory(storages[0])
    memories = [first]
    for storage in storages[1:]:
        parts = replace(first.parts, storage=storage)
        memories.append(replace(first, services=wire(parts), storage=storage))  # type: ignore[arg-type]
    for memory in memories:
        async with asyncio.timeout(SECONDS):
            while memory.services.caches.is_deaf:  # noqa: ASYNC110  # until it has connected
                await asyncio.sleep(0.01)
    yield Servers(memories)
    for storage in storages:
        await storage.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kind.PRINCIPAL, Kind.LOCATION, Kind.INTEGRATION])
async def test_nothing_works_that_was_vended_before_the_answer(
    servers: Servers, kind: Kind
) -> None:
    memory = servers.first
    location = await memory.location()
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    names = {
        Kind.PRINCIPAL: "eve@example.com",
        Kind.LOCATION: location.id,
        Kind.INTEGRATION: location.integration_id,
    }
    owner, leases = await memory.caller(), memory.services.leases
    target = await leases.target(owner, kind, names[kind])
    for _ in range(4):
        servers.is_answered, servers.asked = False, asyncio.Semaphore(0)
        clients = [
            asyncio.create_task(servers.keep_vending(number, eve, location))
            for number in range(CLIENTS)
        ]
        await servers.until_all_vend()
        result = await leases.revoke(owner, target, reason="stolen")
        left, servers.is_answered = list(servers.left), True
        assert all(each.state is RevocationState.ENFORCED for each in result.revocations)
        assert not [each for each in left if works(memory, each.credentials)]
        memory.clock.advance(2)
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*clients)
    assert len(servers.left) > CLIENTS


async def test_of_many_leases_the_newest_is_covered_too(servers: Servers) -> None:
    memory = servers.first
    location, owner = await memory.location(), await memory.caller()
    mine = await memory.services.vending.vend(owner, location.id, VendRequest(("",), READ))
    async with memory.storage.read() as work:
        lease = await work.leases.get(mine.lease_id)
    assert lease is not None
    await memory.storage.record([], [_another(lease, number) for number in range(5_000)])
    memory.clock.advance(30)
    memory.sts.ahead = timedelta(seconds=3)
    newest = await memory.services.vending.vend(owner, location.id, VendRequest(("x",), READ))
    leases = memory.services.leases
    target = await leases.target(owner, Kind.LOCATION, location.id)
    result = await leases.revoke(owner, target, reason="stolen")
    assert result.leases == 5_002
    (revocation,) = result.revocations
    assert (revocation.state, revocation.widened) == (RevocationState.ENFORCED, True)
    assert not works(memory, mine.credentials)
    assert not works(memory, newest.credentials)
    fresh = await memory.services.vending.vend(owner, location.id, VendRequest(("x",), READ))
    assert works(memory, fresh.credentials)


def _another(lease: Lease, number: int) -> Lease:
    own = f"{number:024x}"
    return replace(lease, id=own, session_name=f"ada@example.com-{own}")
