"""Leases of a location are also those of what lies, or lay, within it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from support.memory import Memory, open_memory
from support.refused import works
from valetkey.domain.access import ProjectRole
from valetkey.domain.lease import Lease, LiveLeases
from valetkey.domain.location import Location, LocationChange, NewLocation
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.vending import Vended, VendRequest

READ, BOTH = (
    frozenset({AccessLevel.READ}),
    frozenset({AccessLevel.READ, AccessLevel.WRITE}),
)


@dataclass
class Tree:
    """train/, train/cats/ in it, train/cats/black/ in that, and dogs/ on the same integration; the
    owner, and a developer who is vended to."""

    memory: Memory
    owner: Caller
    eve: Caller
    root: Location
    child: Location
    grandchild: Location
    other: Location

    async def vend(self, at: Location, access: frozenset[AccessLevel] = READ) -> Vended:
        return await self.memory.services.vending.vend(self.eve, at.id, VendRequest(("",), access))

    async def lease(self, vended: Vended) -> Lease:
        return await self.memory.services.leases.get(self.owner, vended.lease_id)


async def make_tree() -> Tree:
    memory = await open_memory()
    owner, locations = await memory.caller(), memory.services.locations
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    root = await memory.location("root")

    async def within(parent: Location, name: str) -> Location:
        new = NewLocation(
            name=name, bucket="acme", folder=f"{parent.prefix}{name}", parent_id=parent.id
        )
        return await locations.create(eve, memory.project.id, new)

    child = await within(root, "cats")
    grandchild = await within(child, "black")
    new = NewLocation(name="dogs", bucket="acme", integration_id=root.integration_id, folder="dogs")
    other = await locations.create(owner, memory.project.id, new)
    return Tree(memory, owner, eve, root, child, grandchild, other)


@pytest.fixture
async def tree() -> Tree:
    return await make_tree()


async def test_revoking_a_location_revokes_what_was_vended_of_all_within_it(tree: Tree) -> None:
    leases = tree.memory.services.leases
    mine, theirs = await tree.vend(tree.grandchild), await tree.vend(tree.other)
    target = await leases.target(tree.owner, Kind.LOCATION, tree.root.id)
    result = await leases.revoke(tree.owner, target, reason="stolen")
    assert result.leases == 1
    assert [each.state for each in result.revocations] == [RevocationState.ENFORCED]
    assert not works(tree.memory, mine.credentials)
    assert works(tree.memory, theirs.credentials)
    assert (await tree.lease(mine)).revoked_at is not None


async def test_a_location_that_is_gone_is_still_revoked_with_what_it_lay_within(tree: Tree) -> None:
    leases, locations = tree.memory.services.leases, tree.memory.services.locations
    vended = await tree.vend(tree.grandchild)
    await locations.delete(tree.eve, tree.grandchild.id)
    await locations.delete(tree.eve, tree.child.id)
    target = await leases.target(tree.owner, Kind.LOCATION, tree.child.id, tree.memory.org_id)
    result = await leases.revoke(tree.owner, target, reason="stolen")
    assert result.leases == 1
    assert not works(tree.memory, vended.credentials)


async def test_leases_from_before_their_chain_was_stored_are_found_by_the_tree_of_now(
    tree: Tree,
) -> None:
    leases = tree.memory.services.leases
    vended = await tree.vend(tree.grandchild)
    async with tree.memory.storage.begin() as work:
        old = await work.leases.get(vended.lease_id)
        assert old is not None
        assert old.within == (tree.child.id, tree.root.id)
        await work.leases.add(
            type(old)(**{n: getattr(old, n) for n in old.__slots__} | {"within": ()})
        )
    target = await leases.target(tree.owner, Kind.LOCATION, tree.root.id)
    assert (await leases.revoke(tree.owner, target, reason="stolen")).leases == 1


async def test_narrowing_says_how_many_leases_open_more_and_revokes_them_if_asked(
    tree: Tree,
) -> None:
    locations = tree.memory.services.locations
    reading, writing = await tree.vend(tree.grandchild), await tree.vend(tree.grandchild, BOTH)
    narrow = LocationChange(access=READ)
    told = await locations.update(tree.owner, tree.root.id, narrow)
    assert (told.beyond.live.count, told.beyond.revoked) == (1, None)
    assert works(tree.memory, writing.credentials)
    await locations.update(tree.owner, tree.root.id, LocationChange(access=BOTH))
    done = await locations.update(
        tree.owner, tree.root.id, LocationChange(access=READ, revokes_beyond=True)
    )
    assert done.beyond.revoked is not None
    assert (done.beyond.revoked.leases, done.beyond.live.count) == (1, 0)
    assert not works(tree.memory, writing.credentials)
    assert works(tree.memory, reading.credentials)


async def test_an_end_that_comes_sooner_revokes_what_lasts_longer_if_asked(tree: Tree) -> None:
    locations, now = tree.memory.services.locations, tree.memory.clock.now()
    vended = await tree.vend(tree.grandchild)
    later = LocationChange(ends_at=now + timedelta(days=2), revokes_beyond=True)
    assert (await locations.update(tree.owner, tree.root.id, later)).beyond.live.count == 0
    sooner = LocationChange(ends_at=now + timedelta(minutes=20), revokes_beyond=True)
    done = await locations.update(tree.owner, tree.root.id, sooner)
    assert done.beyond.revoked is not None
    assert done.beyond.revoked.leases == 1
    assert not works(tree.memory, vended.credentials)


async def test_a_location_is_deleted_with_its_leases_if_asked(tree: Tree) -> None:
    locations = tree.memory.services.locations
    below, own = await tree.vend(tree.grandchild), await tree.vend(tree.child)
    left = await locations.delete(tree.eve, tree.grandchild.id)
    assert left.live == LiveLeases(1, below.credentials.expires_at)
    assert works(tree.memory, below.credentials)
    done = await locations.delete(tree.eve, tree.child.id, revokes=True)
    assert done.revoked is not None
    assert (done.revoked.leases, done.live.count) == (2, 0)
    assert not works(tree.memory, below.credentials)
    assert not works(tree.memory, own.credentials)
