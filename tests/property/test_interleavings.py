"""Two verbs at once come to what one after the other would come to, in one order or the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from support.memory import OWNER, Memory, open_memory
from support.stepping import SteppedStorage
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.grants import Grant, SubjectKind
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.ports import UnitOfWork
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.locations import LocationChange, NewLocation
from valetkey.testing import MemoryStorage

READING = frozenset({AccessLevel.LIST, AccessLevel.READ})
BOB, EVE = "bob@example.com", "eve@example.com"
NEW_KEY = ("AKIAI44QH8DHBEXAMPLE", Secret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"))
NEW_ROLE = "arn:aws:iam::000000000000:role/other"


@dataclass
class Scene:
    """Two owners, a member, an integration, a location with a grant, a group."""

    memory: Memory
    storage: SteppedStorage
    ada: Caller
    bob: Caller
    integration: Integration
    location: Location
    grant: Grant
    group_id: str

    async def now(self) -> dict[str, Any]:
        """All that the verbs can change, without times and versions."""
        async with self.memory.storage.read() as work:
            return {
                "integration": await _integration(work, self.integration.id),
                "locations": await _locations(work, self.memory.project.id),
                "members": [
                    (each.email, each.role)
                    for each in await work.organizations.members(self.memory.org_id)
                ],
                "projects": [
                    (project.name, await _members(work, project.id))
                    for project in await work.projects.of_org(self.memory.org_id)
                ],
                "groups": [
                    (group.name, len(await work.groups.members(group.id)))
                    for group in await work.groups.of_org(self.memory.org_id)
                ],
            }


async def _integration(work: UnitOfWork, integration_id: str) -> Any:
    found = await work.integrations.get(integration_id)
    sealed = await work.integrations.sealed_secret(integration_id)
    return found and (found.name, found.role_arn, found.access_key_id, found.state, sealed)


async def _locations(work: UnitOfWork, project_id: str) -> Any:
    return [
        (
            each.name,
            sorted(each.access),
            each.allow_external_delete,
            [
                (grant.subject_name, grant.prefixes)
                for grant in await work.grants.of_location(each.id)
            ],
        )
        for each in await work.locations.of_project(project_id)
    ]


async def _members(work: UnitOfWork, project_id: str) -> Any:
    return [(each.email, each.role) for each in await work.projects.members(project_id)]


async def make_scene() -> Scene:
    storage = SteppedStorage(MemoryStorage())
    memory = await open_memory(storage)
    ada = await memory.caller()
    bob = await memory.member(BOB, None, org_role=OrgRole.OWNER)
    await memory.member(EVE, ProjectRole.ANNOTATOR)
    integration = await memory.integration()
    new = NewLocation(name="data", bucket="acme", integration_id=integration.id, folder="train")
    location = await memory.services.locations.create(ada, memory.project.id, new)
    granted = NewGrant(SubjectKind.USER, EVE, ("a",), READING)
    grant = await memory.services.grants.create(ada, location.id, granted)
    group = await memory.services.grants.create_group(ada, memory.org_id, "team")
    await memory.services.grants.put_member(ada, memory.org_id, group.id, EVE)
    return Scene(memory, storage, ada, bob, integration, location, grant, group.id)


Act = Callable[[Scene, Caller], Awaitable[Any]]
VERBS: Final[dict[str, dict[str, Act]]] = {
    "integration": {
        "rename": lambda s, who: s.memory.services.integrations.update(
            who, s.integration.id, name="renamed"
        ),
        "rename otherwise": lambda s, who: s.memory.services.integrations.update(
            who, s.integration.id, name="otherwise"
        ),
        "another role": lambda s, who: s.memory.services.integrations.update(
            who, s.integration.id, role_arn=NEW_ROLE
        ),
        "another key": lambda s, who: s.memory.services.integrations.update(
            who, s.integration.id, credentials=NEW_KEY
        ),
        "disable": lambda s, who: s.memory.services.integrations.disable(who, s.integration.id),
        "enable": lambda s, who: s.memory.services.integrations.enable(who, s.integration.id),
        "delete": lambda s, who: s.memory.services.integrations.delete(who, s.integration.id),
    },
    "location": {
        "rename": lambda s, who: s.memory.services.locations.update(
            who, s.location.id, LocationChange(name="renamed")
        ),
        "narrow": lambda s, who: s.memory.services.locations.update(
            who, s.location.id, LocationChange(access=READING)
        ),
        "let delete": lambda s, who: s.memory.services.locations.update(
            who, s.location.id, LocationChange(allow_external_delete=True)
        ),
        "child": lambda s, who: s.memory.services.locations.create(
            who,
            s.memory.project.id,
            NewLocation(name="cats", bucket="acme", parent_id=s.location.id, folder="train/cats"),
        ),
        "grant": lambda s, who: s.memory.services.grants.create(
            who, s.location.id, NewGrant(SubjectKind.USER, EVE, ("b",), READING)
        ),
        "take the grant": lambda s, who: s.memory.services.grants.delete(
            who, s.location.id, s.grant.id
        ),
        "delete": lambda s, who: s.memory.services.locations.delete(who, s.location.id),
    },
    "people": {
        "remove ada": lambda s, who: s.memory.services.people.remove_org_member(
            who, s.memory.org_id, OWNER
        ),
        "remove bob": lambda s, who: s.memory.services.people.remove_org_member(
            who, s.memory.org_id, BOB
        ),
        "step ada down": lambda s, who: s.memory.services.people.put_org_member(
            who, s.memory.org_id, OWNER, OrgRole.MEMBER
        ),
        "step bob down": lambda s, who: s.memory.services.people.put_org_member(
            who, s.memory.org_id, BOB, OrgRole.MEMBER
        ),
        "remove eve": lambda s, who: s.memory.services.people.remove_org_member(
            who, s.memory.org_id, EVE
        ),
        "give eve a role": lambda s, who: s.memory.services.people.put_project_member(
            who, s.memory.project.id, EVE, ProjectRole.DEVELOPER
        ),
        "take eve's role": lambda s, who: s.memory.services.people.remove_project_member(
            who, s.memory.project.id, EVE
        ),
        "rename the project": lambda s, who: s.memory.services.people.update_project(
            who, s.memory.project.id, name="renamed"
        ),
        "group eve": lambda s, who: s.memory.services.grants.put_member(
            who, s.memory.org_id, s.group_id, EVE
        ),
        "rename the group": lambda s, who: s.memory.services.grants.rename_group(
            who, s.memory.org_id, s.group_id, "renamed"
        ),
        "delete the group": lambda s, who: s.memory.services.grants.delete_group(
            who, s.memory.org_id, s.group_id
        ),
    },
}
ALL: Final = {f"{noun}: {name}": act for noun, acts in VERBS.items() for name, act in acts.items()}
#: One begins, the other does all of its work, the first goes on: after a first look, or a second.
ORDERS: Final = [one * times + other * 20 for one, other in ("AB", "BA") for times in (1, 2)]


async def come_to(one: str, other: str, order: str) -> tuple[Any, Any]:
    """Do two verbs, ada the one and bob the other; return what that came to."""
    scene = await make_scene()
    done = await scene.storage.run(
        order,
        A=lambda: ALL[one](scene, scene.ada),
        B=lambda: ALL[other](scene, scene.bob),
    )
    ended = {name: type(error).__name__ if error else "" for name, error in done.items()}
    return await scene.now(), ended


async def check(one: str, other: str) -> None:
    serial = [await come_to(one, other, "A" * 20), await come_to(one, other, "B" * 20)]
    states = [state for state, _ in serial]
    for order in ORDERS:
        state, ended = await come_to(one, other, order)
        assert state in states, f"{one} beside {other}, {order}: {ended}"
        # An answered success is a success of that order: what it did is there.
        assert (
            (state, ended) in serial
            or "" not in ended.values()
            or ended in [each for _, each in serial]
        ), f"{one} beside {other}, {order}: {ended}, and one after the other {serial}"
        assert any(role is OrgRole.OWNER for _, role in state["members"])


@pytest.mark.parametrize("one", ALL)
async def test_two_verbs_at_once_come_to_what_one_after_the_other_would(one: str) -> None:
    names = list(ALL)
    for other in names[names.index(one) :]:
        await check(one, other)
