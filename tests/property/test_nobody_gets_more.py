"""Nobody can get, by any sequence of calls, what an organisation's owner did not give them.

Random people (no owners) do random verbs for many steps, in between the owner gives and takes. Each
credential and each URL that somebody gets is held against a ledger of what was given, which is kept
here in plain sets and knows nothing of how the services decide.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.memory import OWNER, PASSWORD, Memory, open_memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.grants import SubjectKind
from valetkey.domain.presign import Method
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.locations import LocationChange, NewLocation
from valetkey.services.vending import PresignRequest, VendRequest

T = TypeVar("T")
#: The bucket, as far as anybody can tell it apart.
KEYS = ("train/a/1", "train/ab/1", "private/a/1", "top")
FOLDERS = ("", "train", "train/a", "private")
BELOW = ("", "a")
#: Few enough to meet one another often.
ACCESS = (
    frozenset({AccessLevel.READ}),
    frozenset({AccessLevel.WRITE}),
    frozenset({AccessLevel.READ, AccessLevel.WRITE}),
)
PEOPLE = ("bob@example.com", "eve@example.com", "grace@example.com")
BUILDERS = {ProjectRole.OWNER, ProjectRole.DEVELOPER}

people = st.sampled_from(PEOPLE)
folders = st.sampled_from(FOLDERS)
below = st.sampled_from(BELOW)
levels = st.sampled_from(ACCESS)
roles = st.sampled_from(list(ProjectRole))
which = st.integers(0, 7)
names = map("n{}".format, itertools.count())

#: What can be had: a key, and what may be done with it.
Right = tuple[str, AccessLevel]


def opened(prefix: str, access: frozenset[AccessLevel]) -> set[Right]:
    """What access to a folder opens."""
    return {(key, level) for key in KEYS if key.startswith(prefix) for level in access}


@dataclass
class Known:
    """A location, as whoever made it asked for it."""

    id: str
    project: str
    prefix: str
    is_root: bool
    access: frozenset[AccessLevel]
    maker: str = ""


@dataclass
class Ledger:
    """What was given, and by whom it may be given on."""

    roles: dict[tuple[str, str], ProjectRole] = field(default_factory=dict)
    grants: dict[str, tuple[str, str, set[Right]]] = field(default_factory=dict)
    locations: list[Known] = field(default_factory=list)
    members: set[str] = field(default_factory=set)

    def base(self, project: str) -> set[Right]:
        """What the organisation's owner gave to a project."""
        rights: set[Right] = set()
        for each in self.locations:
            if each.is_root and each.project == project:
                rights |= opened(each.prefix, each.access)
        return rights

    def of(self, person: str) -> set[Right]:
        """All that somebody may have at this moment."""
        rights: set[Right] = set()
        if person not in self.members:
            return rights
        for (project, somebody), role in self.roles.items():
            if somebody == person and role in BUILDERS:
                rights |= self.base(project)
        for somebody, project, given in self.grants.values():
            if somebody == person:
                rights |= given & self.base(project)
        return rights

    def owns(self, person: str, project: str) -> bool:
        return person in self.members and self.roles.get((project, person)) is ProjectRole.OWNER

    def forget(self, person: str) -> None:
        self.members.discard(person)
        self.roles = {key: role for key, role in self.roles.items() if key[1] != person}
        self.grants = {key: each for key, each in self.grants.items() if each[0] != person}


class Organisation(RuleBasedStateMachine):
    """An organisation, its owner, and people who try everything."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.memory: Memory = self.run(open_memory())
        self.ledger = Ledger()
        self.turn = 0
        self.projects: list[str] = [self.memory.project.id]
        self.integration = self.run(self.memory.integration())

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def teardown(self) -> None:
        self.runner.close()

    def attempt(self, person: str, verb: Callable[[Caller], Awaitable[T]]) -> T | None:
        """Do something as somebody; None if it was refused."""
        if person not in self.ledger.members:
            return None

        async def work() -> T:
            return await verb(await self.memory.caller(person))

        try:
            return self.run(work())
        except ValetkeyError:
            return None

    def as_owner(self, verb: Callable[[Caller], Awaitable[T]]) -> T | None:
        async def work() -> T:
            return await verb(await self.memory.caller(OWNER))

        try:
            return self.run(work())
        except ValetkeyError:
            return None

    def project(self, number: int) -> str:
        return self.projects[number % len(self.projects)]

    def own_project(self, person: str, number: int) -> str:
        """A project that somebody builds in, as a person would choose; else any."""
        builds = [
            project
            for project in self.projects
            if self.ledger.roles.get((project, person)) in BUILDERS
        ]
        return builds[number % len(builds)] if builds else self.project(number)

    def place(self, number: int, person: str = "") -> Known | None:
        """A location, the newest first; half of the time one that somebody made, or builds with."""
        known = self.ledger.locations[::-1]
        mine = [
            each
            for each in known
            if person == each.maker or self.ledger.roles.get((each.project, person)) in BUILDERS
        ]
        chosen = mine if mine and number % 2 else known
        return chosen[number // 2 % len(chosen)] if chosen else None

    def got(self, person: str, prefixes: tuple[str, ...], access: frozenset[AccessLevel]) -> None:
        """Hold what somebody got against what they were given."""
        for prefix in prefixes:
            beyond = opened(prefix, access) - self.ledger.of(person)
            assert not beyond, f"{person} got {sorted(beyond)[:3]} and was never given it"

    @initialize()
    def everybody_joins(self) -> None:
        for person in PEOPLE:
            self.join(person)
        bob, eve, _ = PEOPLE
        self.owner_makes_a_root(0, "train", ACCESS[2])
        self.owner_makes_a_root(0, "private", ACCESS[2])
        self.somebody_gives_a_role(OWNER, 0, bob, ProjectRole.DEVELOPER)
        self.somebody_gives_a_role(OWNER, 0, eve, ProjectRole.ANNOTATOR)
        self.somebody_grants(OWNER, 0, eve, "a", ACCESS[2])

    @rule(person=people)
    def join(self, person: str) -> None:
        services, org_id = self.memory.services, self.memory.org_id

        async def work(owner: Caller) -> None:
            await services.people.put_org_member(
                owner, org_id, person, OrgRole.MEMBER, password=PASSWORD
            )

        self.as_owner(work)
        self.ledger.members.add(person)

    @rule(person=people)
    def leave(self, person: str) -> None:
        people = self.memory.services.people
        self.as_owner(lambda owner: people.remove_org_member(owner, self.memory.org_id, person))
        self.ledger.forget(person)

    @rule(number=which, folder=folders, access=levels)
    def owner_makes_a_root(self, number: int, folder: str, access: frozenset[AccessLevel]) -> None:
        new = NewLocation(
            name=next(names),
            bucket="acme",
            integration_id=self.integration.id,
            folder=folder,
            access=access,
        )
        project, locations = self.project(number), self.memory.services.locations
        made = self.as_owner(lambda owner: locations.create(owner, project, new))
        assert made is not None
        self.ledger.locations.append(Known(made.id, project, made.prefix, True, access))

    @rule(number=which, access=levels)
    def owner_changes_what_a_root_gives(self, number: int, access: frozenset[AccessLevel]) -> None:
        place = self.place(number)
        if place is None or not place.is_root:
            return
        change, locations = LocationChange(access=access), self.memory.services.locations
        assert self.as_owner(lambda owner: locations.update(owner, place.id, change))
        place.access = access

    @rule(actor=st.just(OWNER) | people, number=which, person=people, role=roles)
    def somebody_gives_a_role(
        self, actor: str, number: int, person: str, role: ProjectRole
    ) -> None:
        project, people = self.project(number), self.memory.services.people
        done = self.by(actor, lambda it: people.put_project_member(it, project, person, role))
        if done is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            self.ledger.roles[project, person] = role

    @rule(actor=st.just(OWNER) | people, number=which, person=people)
    def somebody_takes_a_role(self, actor: str, number: int, person: str) -> None:
        project, people = self.project(number), self.memory.services.people

        async def work(caller: Caller) -> bool:
            await people.remove_project_member(caller, project, person)
            return True

        if self.by(actor, work) is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            self.ledger.roles.pop((project, person), None)
            self.ledger.grants = {
                key: each
                for key, each in self.ledger.grants.items()
                if (each[0], each[1]) != (person, project)
            }

    @rule(actor=st.just(OWNER) | people, number=which, person=people, folder=below, access=levels)
    def somebody_grants(
        self,
        actor: str,
        number: int,
        person: str,
        folder: str,
        access: frozenset[AccessLevel],
    ) -> None:
        place = self.place(number)
        if place is None:
            return
        new = NewGrant(SubjectKind.USER, person, (folder,), access)
        grants = self.memory.services.grants
        made = self.by(actor, lambda caller: grants.create(caller, place.id, new))
        if made is not None:
            assert actor == OWNER or self.ledger.owns(actor, place.project)
            prefix = place.prefix + (f"{folder}/" if folder else "")
            self.ledger.grants[made.id] = (person, place.project, opened(prefix, access))

    @rule(person=people, number=which)
    def somebody_makes_a_project(self, person: str, number: int) -> None:
        del number
        services, org_id = self.memory.services, self.memory.org_id
        made = self.attempt(
            person, lambda caller: services.people.create_project(caller, org_id, next(names))
        )
        if made is not None:
            self.projects.append(made.id)
            self.ledger.roles[made.id, person] = ProjectRole.OWNER

    @rule(
        person=people,
        number=which,
        folder=folders,
        access=levels,
        parent=st.none() | which,
        by_integration=st.booleans(),
    )
    def somebody_makes_a_location(
        self,
        person: str,
        number: int,
        folder: str,
        access: frozenset[AccessLevel],
        parent: int | None,
        by_integration: bool,
    ) -> None:
        within = self.place(parent) if parent is not None else None
        new = NewLocation(
            name=next(names),
            bucket="acme",
            integration_id=self.integration.id if by_integration else "",
            folder=folder,
            access=access,
            parent_id=within.id if within else "",
        )
        locations = self.memory.services.locations
        project = self.own_project(person, number)
        made = self.attempt(person, lambda caller: locations.create(caller, project, new))
        if made is not None:
            known = Known(made.id, project, made.prefix, False, access, person)
            self.ledger.locations.append(known)

    @rule(person=people, number=which, access=levels)
    def somebody_changes_a_location(
        self, person: str, number: int, access: frozenset[AccessLevel]
    ) -> None:
        place, change = self.place(number), LocationChange(access=access)
        if place is None:
            return
        locations = self.memory.services.locations
        done = self.attempt(person, lambda caller: locations.update(caller, place.id, change))
        assert done is None or not place.is_root or access == place.access

    @rule(person=people, number=which, folder=below, access=levels)
    def somebody_asks_for_credentials(
        self, person: str, number: int, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        place = self.place(number, person)
        if place is not None:
            self.asks(person, place, folder, access)

    def asks(self, person: str, place: Known, folder: str, access: frozenset[AccessLevel]) -> None:
        request, vending = VendRequest((folder,), access), self.memory.services.vending
        vended = self.attempt(person, lambda caller: vending.vend(caller, place.id, request))
        if vended is not None:
            self.got(person, vended.scope.prefixes, vended.scope.levels)

    @rule(
        person=people,
        number=which,
        key=st.sampled_from(KEYS),
        method=st.sampled_from(list(Method)),
    )
    def somebody_asks_for_a_url(self, person: str, number: int, key: str, method: Method) -> None:
        place = self.place(number, person)
        if place is None:
            return
        request, presigning = PresignRequest([key], method), self.memory.services.presigning
        made = self.attempt(person, lambda caller: presigning.presign(caller, place.id, request))
        if made is not None:
            assert (key, method.level) in self.ledger.of(person)

    @rule(person=people)
    def somebody_looks_at_what_there_is(self, person: str) -> None:
        locations = self.memory.services.locations
        for seen in self.attempt(person, locations.visible) or ():
            project = next(each.project for each in self.ledger.locations if each.id == seen.id)
            builds = self.ledger.roles.get((project, person)) in BUILDERS
            assert builds or not seen.integration_id

    @invariant()
    def whoever_asks_now_gets_no_more(self) -> None:
        """After each step somebody asks for all of a place: its maker, and the next in turn."""
        self.turn += 1
        known = self.ledger.locations
        for place in known[-1:] + known[self.turn % len(known) :][:1] if known else ():
            for person in {place.maker, PEOPLE[self.turn % len(PEOPLE)]} - {""}:
                self.asks(person, place, "", ACCESS[self.turn % len(ACCESS)])

    @invariant()
    def the_owner_is_still_there(self) -> None:
        members = self.as_owner(
            lambda owner: self.memory.services.people.org_members(owner, self.memory.org_id)
        )
        assert members is not None
        assert any(member.role is OrgRole.OWNER for member in members)

    def by(self, actor: str, verb: Callable[[Caller], Awaitable[T]]) -> T | None:
        return self.as_owner(verb) if actor == OWNER else self.attempt(actor, verb)


TestNobodyGetsMore: Any = Organisation.TestCase
TestNobodyGetsMore.settings = settings(
    phases=[Phase.generate],
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
)
