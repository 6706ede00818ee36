"""Whatever ends a right while a credential is on its way: nothing leaves after the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from support.memory import Memory
from support.pauses import STEPS, paused
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import Location, LocationChange
from valetkey.domain.scope import AccessLevel
from valetkey.domain.tags import location_tag
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.vending import PresignRequest, VendRequest

READ = frozenset({AccessLevel.READ})
REQUEST = VendRequest(("",), READ)
EVE = "eve@example.com"


@dataclass
class Scene:
    """Eve, who may read a location by a grant, with an API key of hers."""

    memory: Memory
    owner: Caller
    eve: Caller
    location: Location
    grant_id: str
    key_id: str


@pytest.fixture
async def scene(memory: Memory) -> Scene:
    owner, location = await memory.caller(), await memory.location()
    plain = await memory.member(EVE, ProjectRole.ANNOTATOR)
    key, token = await memory.token(plain)
    new = NewGrant(SubjectKind.USER, EVE, ("",), READ)
    grant = await memory.services.grants.create(owner, location.id, new)
    eve = Caller(await memory.services.principals.of(token, source=""), "request-2")
    return Scene(memory, owner, eve, location, grant.id, key.id)


Change = Callable[[Scene], Awaitable[object]]


async def disable(scene: Scene) -> None:
    await scene.memory.services.integrations.disable(scene.owner, scene.location.integration_id)


async def delete_the_grant(scene: Scene) -> None:
    await scene.memory.services.grants.delete(scene.owner, scene.location.id, scene.grant_id)


async def delete_the_location(scene: Scene) -> None:
    await scene.memory.services.locations.delete(scene.owner, scene.location.id)


async def remove_the_member(scene: Scene) -> None:
    people = scene.memory.services.people
    await people.remove_org_member(scene.owner, scene.memory.org_id, EVE)


async def revoke_the_key(scene: Scene) -> None:
    await scene.memory.services.tokens.revoke(scene.owner, scene.key_id)


CHANGES = [disable, delete_the_grant, delete_the_location, remove_the_member, revoke_the_key]


async def presign(scene: Scene) -> object:
    wanted = PresignRequest(["train/a"])
    return await scene.memory.services.presigning.presign(scene.eve, scene.location.id, wanted)


async def vend(scene: Scene) -> object:
    return await scene.memory.services.vending.vend(scene.eve, scene.location.id, REQUEST)


@pytest.mark.parametrize("how", [vend, presign])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("step", STEPS)
async def test_nothing_leaves_after_a_right_was_ended(
    scene: Scene, step: str, change: Change, how: Change
) -> None:
    async with paused(scene.memory, step, how(scene)) as vending:
        await change(scene)
    with pytest.raises(ValetkeyError):
        await vending


@pytest.mark.parametrize("step", STEPS[1:])
async def test_what_was_recorded_and_not_handed_out_says_so(scene: Scene, step: str) -> None:
    async with paused(scene.memory, step, vend(scene)) as vending:
        await disable(scene)
    with pytest.raises(ValetkeyError):
        await vending
    records = [
        record.event
        async for record in scene.memory.services.audit.read()
        if record.event.action == "credentials.vend"
    ]
    said = [(event.outcome, event.details.get("lease_id")) for event in records]
    assert [outcome for outcome, _ in said] == ["allowed", "failed"]
    assert said[0][1] == said[1][1]
    assert "Not handed out" in records[1].reason


@pytest.mark.parametrize("step", STEPS)
async def test_what_does_not_concern_it_does_not_hold_it_up(scene: Scene, step: str) -> None:
    memory = scene.memory
    other = await memory.location("other")
    async with paused(memory, step, vend(scene)) as vending:
        await memory.services.locations.update(
            scene.owner, other.id, LocationChange(name="renamed")
        )
        await memory.member("mallory@example.com", ProjectRole.DEVELOPER)
    await vending
    assert len([order for order in memory.sts.orders if order.session_name.startswith(EVE)]) == 1
    assert memory.actions().count(("credentials.vend", "allowed")) == 1


@pytest.mark.parametrize("step", STEPS)
async def test_a_change_that_leaves_the_right_gives_what_holds_now(scene: Scene, step: str) -> None:
    memory = scene.memory
    async with paused(memory, step, vend(scene)) as vending, memory.storage.begin() as work:
        location = await work.locations.get(scene.location.id)
        assert location is not None
        await work.locations.save(replace(location, prefix="other/"))
        await work.invalidations.publish({location_tag(location.id)})
    vended = await vending
    assert vended.scope.prefixes == ("other/",)  # type: ignore[attr-defined]  # a vend
