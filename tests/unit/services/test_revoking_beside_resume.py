"""A revocation beside the scheduler's look at what is pending: whichever tells AWS last, nothing of
the target works, the probe neither."""

from __future__ import annotations

import itertools
from datetime import timedelta

from support.memory import Memory, open_memory
from support.refused import is_allowed
from support.stepping import SteppedStorage
from valetkey.domain.access import ProjectRole
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.domain.scope import AccessLevel
from valetkey.services.vending import VendRequest
from valetkey.testing import MemoryStorage

EVE = "eve@example.com"


async def beside_a_look(order: str) -> Memory:
    storage = SteppedStorage(MemoryStorage())
    memory = await open_memory(storage)
    location, owner = await memory.location(), await memory.caller()
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    read = VendRequest(("",), frozenset({AccessLevel.READ}))
    await memory.services.vending.vend(eve, location.id, read)
    leases = memory.services.leases
    target = await leases.target(owner, Kind.PRINCIPAL, EVE)
    # A probe of this moment is made in a later second of AWS's than the sessions.
    memory.sts.ahead = timedelta(seconds=3)
    await storage.run(
        order, A=lambda: leases.revoke(owner, target, reason="stolen"), B=leases.resume
    )
    return memory


async def state(memory: Memory) -> RevocationState:
    [revocation] = await memory.services.leases.revocations(await memory.caller(), memory.org_id)
    return revocation.state


async def test_a_look_at_what_is_pending_undoes_nothing_of_a_revocation() -> None:
    for first, looked in itertools.product(range(2, 9), range(1, 10)):
        memory = await beside_a_look("A" * first + "B" * looked + "A" * 40)
        if await state(memory) is RevocationState.PENDING:  # one waited for the other in vain
            await memory.services.leases.resume()
        assert await state(memory) is RevocationState.ENFORCED
        issued = memory.sts.issued
        [name] = {name for name, _, _ in issued.values() if name.startswith(EVE)}
        alive = [
            key for key, (each, _, _) in issued.items() if each == name and is_allowed(memory, key)
        ]
        assert not alive, (first, looked)
