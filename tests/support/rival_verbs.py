"""Verbs that may meet, and what they come to: an installation small enough to be told whole."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from support.memory import OWNER, Memory, open_memory
from support.stepping import SteppedStorage
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.grants import Grant, SubjectKind
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location, LocationChange, NewLocation
from valetkey.domain.people import User
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
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
    dataset_id: str
    account: User
    token_id: str
    sealed: object = None

    async def now(self) -> dict[str, Any]:
        """All that the verbs can change, without times and versions."""
        async with self.memory.storage.read() as work:
            return {
                "integration": await self._integration(work),
                "tokens": [
                    (each.description, each.revoked_at is not None)
                    for each in await work.api_tokens.of_org(self.memory.org_id)
                ],
                "accounts": [
                    each.name for each in await work.users.of_project(self.memory.project.id)
                ],
                "datasets": [
                    (each.name, dict(each.metadata))
                    for each in await work.datasets.of_project(self.memory.project.id)
                ],
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

    async def _integration(self, work: Any) -> Any:
        found = await work.integrations.get(self.integration.id)
        sealed = await work.integrations.sealed_secret(self.integration.id)
        is_first = sealed == self.sealed
        return found and (found.name, found.role_arn, found.access_key_id, found.state, is_first)


async def _locations(work: Any, project_id: str) -> Any:
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


async def _members(work: Any, project_id: str) -> Any:
    return [(each.email, each.role) for each in await work.projects.members(project_id)]


async def make_scene(storage: SteppedStorage) -> Scene:
    """Make it on a storage that is empty."""
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
    other = NewLocation(name="dogs", bucket="acme", integration_id=integration.id, folder="dogs")
    beside = await memory.services.locations.create(ada, memory.project.id, other)
    new_dataset = NewDataset("cats", beside.id)
    dataset = await memory.services.catalog.datasets.create(ada, memory.project.id, new_dataset)
    account = await memory.services.service_accounts.create(
        ada, memory.project.id, "jobs", ProjectRole.DEVELOPER
    )
    token, _ = await memory.services.service_accounts.create_token(
        ada, account.id, NewToken("first")
    )
    async with memory.storage.read() as work:
        sealed = await work.integrations.sealed_secret(integration.id)
    return Scene(
        memory,
        storage,
        ada,
        bob,
        integration,
        location,
        grant,
        group.id,
        dataset.dataset.id,
        account,
        token.id,
        sealed,
    )


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
        "root": lambda s, who: s.memory.services.locations.create(
            who,
            s.memory.project.id,
            NewLocation(name="maps", bucket="acme", integration_id=s.integration.id, folder="maps"),
        ),
        "grant the group": lambda s, who: s.memory.services.grants.create(
            who, s.location.id, NewGrant(SubjectKind.GROUP, s.group_id, ("b",), READING)
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
        "make oneself a token": lambda s, who: s.memory.services.tokens.create(
            who, NewToken("own")
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
    "service account": {
        "make it a token": lambda s, who: s.memory.services.service_accounts.create_token(
            who, s.account.id, NewToken("second")
        ),
        "revoke its token": lambda s, who: s.memory.services.tokens.revoke(who, s.token_id),
        "take its role": lambda s, who: s.memory.services.people.remove_project_member(
            who, s.memory.project.id, s.account.email
        ),
        "grant it": lambda s, who: s.memory.services.grants.create(
            who, s.location.id, NewGrant(SubjectKind.USER, s.account.email, ("b",), READING)
        ),
        "delete it": lambda s, who: s.memory.services.service_accounts.delete(who, s.account.id),
    },
    "dataset": {
        "rename": lambda s, who: s.memory.services.catalog.datasets.update(
            who, s.dataset_id, name="renamed"
        ),
        "describe": lambda s, who: s.memory.services.catalog.datasets.update(
            who, s.dataset_id, metadata={"a": 1}
        ),
        "sync": lambda s, who: s.memory.services.catalog.syncs.start(who, s.dataset_id),
        "delete": lambda s, who: s.memory.services.catalog.datasets.delete(who, s.dataset_id),
    },
}
ALL: Final = {f"{noun}: {name}": act for noun, acts in VERBS.items() for name, act in acts.items()}
#: Verbs that are about another noun's entity too, or end what another one needs.
CROSS: Final = {
    "integration": ("another role", "another key", "disable", "delete"),
    "location": ("narrow", "root", "child", "grant", "grant the group", "take the grant", "delete"),
    "people": (
        "remove ada",
        "step ada down",
        "remove eve",
        "make oneself a token",
        "give eve a role",
        "take eve's role",
        "delete the group",
    ),
    "service account": tuple(VERBS["service account"]),
    "dataset": ("rename", "sync", "delete"),
}


def pairs(noun: str, other: str) -> list[tuple[str, str]]:
    """Name the verbs of two nouns that may meet, each pair once."""
    if noun != other:
        both = itertools.product(CROSS[noun], CROSS[other])
        return [(f"{noun}: {one}", f"{other}: {two}") for one, two in both]
    own = itertools.combinations_with_replacement(VERBS[noun], 2)
    return [(f"{noun}: {one}", f"{noun}: {two}") for one, two in own]


@dataclass(frozen=True)
class Outcome:
    """What two verbs at once came to: the state, and each one's error ("" is none)."""

    state: dict[str, Any]
    ended: dict[str, str]

    @classmethod
    async def of(cls, scene: Scene, done: Mapping[str, BaseException | None]) -> Outcome:
        ended = {name: type(error).__name__ if error else "" for name, error in done.items()}
        return cls(await scene.now(), ended)

    def must_be_one_of(self, serial: Sequence[Outcome], what: str) -> None:
        """Nothing is lost: this is what one after the other would have come to."""
        states = [each.state for each in serial]
        assert self.state in states, f"{what}: {self.ended}, {_differences(self.state, states)}"
        # An answered success is a success of that order: what it did is there.
        assert (
            self in serial
            or "" not in self.ended.values()
            or self.ended in [each.ended for each in serial]
        ), f"{what}: {self.ended}, and one after the other {serial}"
        assert any(role is OrgRole.OWNER for _, role in self.state["members"]), what


def _differences(state: dict[str, Any], others: Sequence[dict[str, Any]]) -> list[Any]:
    return [
        (name, found, [other[name] for other in others])
        for name, found in state.items()
        if any(found != other[name] for other in others)
    ]


def verbs_of(scene: Scene, one: str, other: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Two verbs, ada the one and bob the other."""
    return {
        "A": lambda: ALL[one](scene, scene.ada),
        "B": lambda: ALL[other](scene, scene.bob),
    }


async def in_memory(one: str, other: str, order: str) -> Outcome:
    """Do two verbs on the double, a transaction for each letter of an order."""
    scene = await make_scene(SteppedStorage(MemoryStorage()))
    return await Outcome.of(scene, await scene.storage.run(order, **verbs_of(scene, one, other)))


async def one_after_the_other(one: str, other: str) -> list[Outcome]:
    """What two verbs come to in one order, and in the other."""
    return [await in_memory(one, other, actor * 40) for actor in "AB"]
