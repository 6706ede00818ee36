"""Nobody makes a location that opens more than what an organisation's owner gave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.memory import Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Denied, InUse, InvalidInput
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import ALL_ACCESS, LocationChange, NewLocation
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.vending import VendRequest

LIST, READ, WRITE = AccessLevel.LIST, AccessLevel.READ, AccessLevel.WRITE
READING = frozenset({LIST, READ})


async def developer(memory: Memory) -> Caller:
    return await memory.member("grace@example.com", ProjectRole.DEVELOPER)


async def test_an_integration_opens_nothing_to_who_does_not_own_the_organisation(
    memory: Memory,
) -> None:
    location = await memory.location(folder="train")
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    own = await memory.services.people.create_project(eve, memory.org_id, "eve's")
    eve = await memory.caller("eve@example.com")
    new = NewLocation(name="all", integration_id=location.integration_id, bucket="acme")
    with pytest.raises(Denied):
        await memory.services.locations.create(eve, own.id, new)
    assert memory.actions()[-1] == ("location.create", "denied")


async def test_a_developer_makes_locations_within_what_the_project_has(memory: Memory) -> None:
    root = await memory.location(folder="train")
    grace = await developer(memory)
    new = NewLocation(name="cats", bucket="acme", folder="train/cats", access=READING)
    child = await memory.services.locations.create(grace, memory.project.id, new)
    assert (child.parent_id, child.integration_id) == (root.id, root.integration_id)
    for folder in ("private", "", "tra"):
        with pytest.raises(Denied):
            await memory.services.locations.create(
                grace, memory.project.id, NewLocation(name="more", bucket="acme", folder=folder)
            )


async def test_a_child_gives_less_and_nobody_gets_more_through_it(memory: Memory) -> None:
    await memory.location(folder="train")
    grace = await developer(memory)
    new = NewLocation(name="cats", bucket="acme", folder="train/cats", access=READING)
    child = await memory.services.locations.create(grace, memory.project.id, new)
    await memory.services.vending.vend(grace, child.id, VendRequest(("",), READING))
    with pytest.raises(Denied, match="does not give write"):
        await memory.services.vending.vend(grace, child.id, VendRequest(("",), frozenset({WRITE})))


async def test_narrowing_a_parent_narrows_its_children_at_once(memory: Memory) -> None:
    root, owner = await memory.location(folder="train"), await memory.caller()
    grace = await developer(memory)
    new = NewLocation(name="cats", bucket="acme", folder="train/cats")
    child = await memory.services.locations.create(grace, memory.project.id, new)
    wanted = VendRequest(("",), frozenset({WRITE}))
    await memory.services.vending.vend(grace, child.id, wanted)
    changed = await memory.services.locations.update(owner, root.id, LocationChange(access=READING))
    assert [each.id for each in changed.below] == [child.id]
    with pytest.raises(Denied, match="does not give write"):
        await memory.services.vending.vend(grace, child.id, wanted)


async def test_a_location_that_ended_opens_nothing_and_no_session_outlives_its_end(
    memory: Memory,
) -> None:
    location, owner = await memory.location(folder="train"), await memory.caller()
    end = memory.clock.now() + timedelta(minutes=40)
    await memory.services.locations.update(owner, location.id, LocationChange(ends_at=end))
    wanted = VendRequest(("",), READING, ttl=timedelta(hours=1))
    vended = await memory.services.vending.vend(owner, location.id, wanted)
    assert vended.credentials.expires_at <= end
    memory.clock.advance(30 * 60)
    with pytest.raises(Denied, match="ends at"):
        await memory.services.vending.vend(
            owner, location.id, VendRequest(("",), frozenset({LIST}))
        )
    memory.clock.advance(10 * 60)
    with pytest.raises(Denied, match="ended at"):
        await memory.services.vending.vend(owner, location.id, wanted)


async def test_a_child_is_not_widened_beyond_its_parent_and_a_root_by_an_owner_alone(
    memory: Memory,
) -> None:
    owner, root = await memory.caller(), await memory.location(folder="train")
    await memory.services.locations.update(owner, root.id, LocationChange(access=READING))
    grace = await developer(memory)
    new = NewLocation(name="cats", bucket="acme", folder="train/cats", access=frozenset({LIST}))
    child = await memory.services.locations.create(grace, memory.project.id, new)
    locations = memory.services.locations
    assert (
        await locations.update(grace, child.id, LocationChange(access=READING))
    ).location.access == READING
    with pytest.raises(InvalidInput):
        await locations.update(grace, child.id, LocationChange(access=ALL_ACCESS))
    with pytest.raises(Denied):
        await locations.update(grace, root.id, LocationChange(access=ALL_ACCESS))
    with pytest.raises(Denied):
        await locations.update(grace, root.id, LocationChange(shared_sessions=True))
    with pytest.raises(Denied):
        await locations.delete(grace, root.id)
    with pytest.raises(InUse):
        await locations.delete(owner, root.id)


async def test_a_grant_ends_and_no_session_by_it_outlives_it(memory: Memory) -> None:
    location, owner = await memory.location(folder="train"), await memory.caller()
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    end = memory.clock.now() + timedelta(minutes=30)
    new = NewGrant(
        SubjectKind.USER, "eve@example.com", ("a/",), READING, ends_at=end, reason="a trial"
    )
    grant = await memory.services.grants.create(owner, location.id, new)
    assert (grant.ends_at, grant.reason) == (end, "a trial")
    wanted = VendRequest(("a/",), READING)
    vended = await memory.services.vending.vend(eve, location.id, wanted)
    assert vended.credentials.expires_at <= end
    memory.clock.advance(31 * 60)
    with pytest.raises(Denied, match="No grant"):
        await memory.services.vending.vend(eve, location.id, wanted)


async def test_who_has_grants_alone_does_not_learn_through_what_a_location_is_opened(
    memory: Memory,
) -> None:
    location, owner = await memory.location(folder="train"), await memory.caller()
    other = await memory.location("other", folder="private")
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    new = NewGrant(SubjectKind.USER, "eve@example.com", ("a/",), READING)
    await memory.services.grants.create(owner, location.id, new)
    shown = [
        await memory.services.locations.get(eve, location.id),
        *await memory.services.locations.of_project(eve, memory.project.id),
        *await memory.services.locations.visible(eve),
        *await memory.services.locations.visible(eve, name=location.name),
        *await memory.services.locations.open_to(eve),
    ]
    assert {each.id for each in shown} == {location.id}
    assert {(each.integration_id, each.kms_key_arn, each.creator) for each in shown} == {
        ("", "", "")
    }
    assert await memory.services.locations.visible(eve, name=other.name) == []
    assert len(await memory.services.locations.visible(owner)) == 2
