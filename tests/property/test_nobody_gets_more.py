"""Nobody can get, by any sequence of calls, what an organisation's owner did not give them.

Random people (no owners), their API tokens and service accounts do random verbs for many steps, in
between the owner gives and takes, and time passes. Each credential and each URL that somebody gets
is held against a ledger of what was given and until when, which is kept here in plain sets and
knows nothing of how the services decide.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from support.ledger import BUILDERS, KEYS, NEVER, Given, Known, Ledger, Rights, Token, opened
from support.memory import OWNER, PASSWORD, Memory, open_memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import LocationChange, NewLocation
from valetkey.domain.presign import Method
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import TokenLimits
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.vending import PresignRequest, VendRequest

T = TypeVar("T")
FOLDERS = ("", "train", "train/a", "private")
BELOW = ("", "a")
#: Few enough to meet one another often.
ACCESS = (
    frozenset({AccessLevel.READ}),
    frozenset({AccessLevel.WRITE}),
    frozenset({AccessLevel.READ, AccessLevel.WRITE}),
)
PEOPLE = ("bob@example.com", "eve@example.com", "grace@example.com")
MOST_ROOTS = 3

people = st.sampled_from(PEOPLE)
folders = st.sampled_from(FOLDERS)
below = st.sampled_from(BELOW)
levels = st.sampled_from(ACCESS)
roles = st.sampled_from(list(ProjectRole))
which = st.integers(0, 7)
#: Until when something is given, in minutes from now; None is for good.
lasting = st.sampled_from((None, None, 10, 30, 300))
names = map("n{}".format, itertools.count())


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

    @property
    def now(self) -> datetime:
        return self.memory.clock.now()

    def until(self, minutes: int | None) -> datetime | None:
        return None if minutes is None else self.now + timedelta(minutes=minutes)

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def teardown(self) -> None:
        self.runner.close()

    def attempt(self, person: str | Token, verb: Callable[[Caller], Awaitable[T]]) -> T | None:
        """Do something as somebody; None if it was refused."""

        async def work() -> T:
            if isinstance(person, Token):
                principals = self.memory.services.principals
                return await verb(Caller(await principals.of(person.secret, source="")))
            return await verb(await self.memory.caller(person))

        try:
            return self.run(work())
        except ValetkeyError:
            return None

    def as_owner(self, verb: Callable[[Caller], Awaitable[T]]) -> T | None:
        return self.attempt(OWNER, verb)

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

    def builder(self, person: str, number: int) -> str:
        """Somebody who builds somewhere, three times of four; else a person."""
        builds = sorted(
            somebody
            for (_, somebody), role in self.ledger.roles.items()
            if role in BUILDERS and somebody in PEOPLE
        )
        return builds[number % len(builds)] if builds and number % 4 else person

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

    def allowed(self, person: str | Token) -> Rights:
        if isinstance(person, Token):
            return self.ledger.shown(person, self.now)
        return self.ledger.of(person, self.now)

    def got(
        self,
        person: str | Token,
        prefixes: tuple[str, ...],
        access: frozenset[AccessLevel],
        expires_at: datetime,
    ) -> None:
        """Hold what somebody got against what they were given."""
        rights = self.allowed(person)
        for prefix in prefixes:
            wanted = opened(prefix, access)
            beyond = sorted(wanted - rights.keys())
            assert not beyond, f"{person} got {beyond[:3]} and was never given it"
            late = sorted(right for right in wanted if rights[right] < expires_at)
            assert not late, f"{person} got {late[:3]} until {expires_at}: {rights[late[0]]}"

    @initialize()
    def everybody_joins(self) -> None:
        for person in PEOPLE:
            self.join(person)
        bob, eve, _ = PEOPLE
        self.owner_makes_a_root(0, "train", ACCESS[2], None)
        self.owner_makes_a_root(0, "private", ACCESS[2], None)
        self.somebody_gives_a_role(OWNER, 0, bob, ProjectRole.DEVELOPER)
        self.somebody_gives_a_role(OWNER, 0, eve, ProjectRole.ANNOTATOR)
        self.somebody_grants(OWNER, 0, eve, "a", ACCESS[2], None)
        self.somebody_makes_a_location(5, bob, 3, "a", ACCESS[2], False, None)
        assert self.ledger.locations[-1].maker == bob
        self.somebody_makes_a_token(bob, 1, "", None, 300)
        self.a_root_gives_less_for_a_while()

    def a_root_gives_less_for_a_while(self) -> None:
        """Whoever has something within it asks meanwhile, and once it gives more again."""
        roots = [each for each in self.ledger.locations if each.is_root]
        for root in roots[:1]:
            before = root.access
            for access in (ACCESS[0], before):
                self.change_root(root, access, None)

    @rule(minutes=st.sampled_from((1, 12, 40)))
    def time_passes(self, minutes: int) -> None:
        self.memory.clock.advance(60 * minutes)

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
        lost = self.places_of(person)
        self.ledger.forget(person)
        for token in self.ledger.ended[-2:]:
            self.asks_for_all(token, lost)

    @rule(person=people)
    def leave_and_come_back(self, person: str) -> None:
        """With the same roles, and nothing else of what there was."""
        lost, roles = self.places_of(person), dict(self.ledger.roles)
        self.leave(person)
        self.join(person)
        self.asks_for_all(person, lost)
        for (project, somebody), role in roles.items():
            if somebody == person:
                self.somebody_gives_a_role(OWNER, self.projects.index(project), person, role)
        for token in self.ledger.ended[-2:]:
            self.asks_for_all(token, lost)

    @rule(number=which, folder=folders, access=levels, minutes=lasting)
    def owner_makes_a_root(
        self, number: int, folder: str, access: frozenset[AccessLevel], minutes: int | None
    ) -> None:
        if sum(each.is_root for each in self.ledger.locations) >= MOST_ROOTS:
            return  # or everybody would soon have been given everything
        ends_at = self.until(minutes)
        new = NewLocation(
            name=next(names),
            bucket="acme",
            integration_id=self.integration.id,
            folder=folder,
            access=access,
            ends_at=ends_at,
        )
        project, locations = self.project(number), self.memory.services.locations
        made = self.as_owner(lambda owner: locations.create(owner, project, new))
        assert made is not None
        known = Known(made.id, project, made.prefix, access, ends_at=ends_at or NEVER)
        self.ledger.locations.append(known)

    @rule(number=which, access=levels, minutes=lasting)
    def owner_changes_what_a_root_gives(
        self, number: int, access: frozenset[AccessLevel], minutes: int | None
    ) -> None:
        place = self.place(number)
        if place is None:
            return
        self.change_root(list(place.chain())[-1], access, self.until(minutes))

    def change_root(
        self, root: Known, access: frozenset[AccessLevel], ends_at: datetime | None
    ) -> None:
        change = LocationChange(access=access, ends_at=ends_at)
        locations = self.memory.services.locations
        assert self.as_owner(lambda owner: locations.update(owner, root.id, change))
        root.access, root.ends_at = access, ends_at or NEVER
        self.everybody_asks([each for each in self.ledger.locations if root in each.chain()])

    @rule(actor=st.just(OWNER) | people, number=which)
    def somebody_deletes_a_location(self, actor: str, number: int) -> None:
        place, locations = self.place(number), self.memory.services.locations
        if place is None or (place.is_root and actor == OWNER and number % 3):
            return  # or little would be left

        async def work(caller: Caller) -> bool:
            await locations.delete(caller, place.id)
            return True

        if self.attempt(actor, work):
            assert actor == OWNER or not place.is_root
            assert all(each.parent is not place for each in self.ledger.locations)
            self.ledger.locations.remove(place)
            self.ledger.grants = {
                key: each for key, each in self.ledger.grants.items() if each.place is not place
            }

    @rule(actor=st.just(OWNER) | people, number=which, person=people, role=roles)
    def somebody_gives_a_role(
        self, actor: str, number: int, person: str, role: ProjectRole
    ) -> None:
        project, people = self.project(number), self.memory.services.people
        done = self.attempt(actor, lambda it: people.put_project_member(it, project, person, role))
        if done is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            assert person in self.ledger.members
            self.ledger.roles[project, person] = role

    @rule(actor=st.just(OWNER) | people, number=which, person=people)
    def somebody_takes_a_role(self, actor: str, number: int, person: str) -> None:
        project, people = self.project(number), self.memory.services.people

        async def work(caller: Caller) -> bool:
            await people.remove_project_member(caller, project, person)
            return True

        if self.attempt(actor, work) is None:
            return
        assert actor == OWNER or self.ledger.owns(actor, project)
        lost = self.places_of(person)
        self.ledger.roles.pop((project, person), None)
        self.ledger.grants = {
            key: each
            for key, each in self.ledger.grants.items()
            if (each.person, each.place.project) != (person, project)
        }
        own = {each.id for each in self.ledger.locations if each.project == project}
        self.ledger.end(
            [
                each
                for each in self.ledger.tokens
                if each.person == person
                and each.places is not None
                and all(place.id in own for place in each.places)
            ]
        )
        self.asks_for_all(person, lost)

    @rule(
        actor=st.just(OWNER) | people,
        number=which,
        person=people,
        folder=below,
        access=levels,
        minutes=lasting,
    )
    def somebody_grants(
        self,
        actor: str,
        number: int,
        person: str,
        folder: str,
        access: frozenset[AccessLevel],
        minutes: int | None,
    ) -> None:
        place = self.place(number)
        if place is None:
            return
        ends_at = self.until(minutes)
        new = NewGrant(SubjectKind.USER, person, (folder,), access, ends_at=ends_at)
        grants = self.memory.services.grants
        made = self.attempt(actor, lambda caller: grants.create(caller, place.id, new))
        if made is not None:
            assert actor == OWNER or self.ledger.owns(actor, place.project)
            assert person in self.ledger.members
            prefix = place.prefix + (f"{folder}/" if folder else "")
            self.ledger.grants[made.id] = Given(
                person, place, opened(prefix, access), ends_at or NEVER
            )

    @rule(actor=st.just(OWNER) | people, number=which)
    def somebody_takes_a_grant_back(self, actor: str, number: int) -> None:
        if not self.ledger.grants:
            return
        grant_id = list(self.ledger.grants)[number % len(self.ledger.grants)]
        place, grants = self.ledger.grants[grant_id].place, self.memory.services.grants

        async def work(caller: Caller) -> bool:
            await grants.delete(caller, place.id, grant_id)
            return True

        if self.attempt(actor, work):
            assert actor == OWNER or self.ledger.owns(actor, place.project)
            del self.ledger.grants[grant_id]

    @rule(person=people)
    def somebody_makes_a_project(self, person: str) -> None:
        services, org_id = self.memory.services, self.memory.org_id
        made = self.attempt(
            person, lambda caller: services.people.create_project(caller, org_id, next(names))
        )
        if made is not None:
            self.projects.append(made.id)
            self.ledger.roles[made.id, person] = ProjectRole.OWNER

    @rule(
        number=which,
        person=people,
        parent=which | st.none(),
        folder=below,
        access=levels,
        by_integration=st.booleans(),
        minutes=lasting,
    )
    def somebody_makes_a_location(
        self,
        number: int,
        person: str,
        parent: int | None,
        folder: str,
        access: frozenset[AccessLevel],
        by_integration: bool,
        minutes: int | None,
    ) -> None:
        """Within one that they build with, mostly: it may reach beyond that one in any way."""
        person = self.builder(person, number)
        within = self.place(parent, person) if parent is not None else None
        ends_at = self.until(minutes)
        new = NewLocation(
            name=next(names),
            bucket="acme",
            integration_id=self.integration.id if by_integration else "",
            folder=f"{within.prefix if within else ''}{folder}" or FOLDERS[number % len(FOLDERS)],
            access=access,
            parent_id=within.id if within and number % 4 else "",
            ends_at=ends_at,
        )
        locations = self.memory.services.locations
        project = self.own_project(person, number)
        made = self.attempt(person, lambda caller: locations.create(caller, project, new))
        if made is None:
            return
        around = next(each for each in self.ledger.locations if each.id == made.parent_id)
        assert around.project == project
        known = Known(made.id, project, made.prefix, access, around, person, ends_at or NEVER)
        self.lies_within(known)
        self.ledger.locations.append(known)

    def lies_within(self, place: Known) -> None:
        """A location as it was asked for reaches no further than what it lies within."""
        for around in place.chain():
            assert place.prefix.startswith(around.prefix), f"{place} is beside {around}"
            assert place.access <= around.access, f"{place} gives more than {around}"
            assert place.ends_at <= around.ends_at, f"{place} lasts longer than {around}"

    @rule(person=people, number=which, access=levels, minutes=lasting)
    def somebody_changes_a_location(
        self, person: str, number: int, access: frozenset[AccessLevel], minutes: int | None
    ) -> None:
        person = self.builder(person, number)
        place, ends_at = self.place(number, person), self.until(minutes)
        if place is None:
            return
        change = LocationChange(access=access, ends_at=ends_at)
        locations = self.memory.services.locations
        if self.attempt(person, lambda caller: locations.update(caller, place.id, change)) is None:
            return
        if place.is_root:
            assert (access, ends_at or NEVER) == (place.access, place.ends_at)
            return
        place.access, place.ends_at = access, ends_at or NEVER
        self.lies_within(place)

    @rule(
        person=people,
        number=which | st.none(),
        folder=below,
        access=levels | st.none(),
        minutes=st.sampled_from((12, 30, 300)),
    )
    def somebody_makes_a_token(
        self,
        person: str,
        number: int | None,
        folder: str,
        access: frozenset[AccessLevel] | None,
        minutes: int,
    ) -> None:
        """For all that they may, or for a location, what lies within it, and a folder of it."""
        place = self.place(number, person) if number is not None else None
        new, folder = self.new_token(place, folder, access, minutes)
        tokens = self.memory.services.tokens
        made = self.attempt(person, lambda caller: tokens.create(caller, new))
        if made is not None:
            assert person in self.ledger.members
            self.note_token(*made, person, place, folder, access)

    def new_token(
        self,
        place: Known | None,
        folder: str,
        access: frozenset[AccessLevel] | None,
        minutes: int,
    ) -> tuple[NewToken, str]:
        folder = f"{folder}/" if folder and place else ""
        limits = TokenLimits(
            locations=frozenset({place.id}) if place else None,
            prefixes=(folder,) if folder else None,
            levels=access,
        )
        return NewToken(next(names), timedelta(minutes=minutes), limits), folder

    def note_token(
        self,
        token: Any,
        secret: Any,
        person: str,
        place: Known | None,
        folder: str,
        access: frozenset[AccessLevel] | None,
    ) -> None:
        places = [place] if place else None
        self.ledger.tokens.append(
            Token(token.id, secret.reveal(), person, places, folder, access, token.expires_at)
        )

    @rule(actor=st.just(OWNER) | people, number=which)
    def somebody_revokes_a_token(self, actor: str, number: int) -> None:
        if not self.ledger.tokens:
            return
        token = self.ledger.tokens[number % len(self.ledger.tokens)]

        async def work(caller: Caller) -> bool:
            await self.memory.services.tokens.revoke(caller, token.id)
            return True

        if self.attempt(actor, work):
            _, project = self.ledger.accounts.get(token.person, ("", ""))
            assert actor in {OWNER, token.person} or self.ledger.owns(actor, project)
            self.ledger.end([token])

    @rule(number=which)
    def a_token_makes_no_tokens_and_gives_nothing(self, number: int) -> None:
        if not self.ledger.tokens or not self.ledger.locations:
            return
        token = self.ledger.tokens[number % len(self.ledger.tokens)]
        services, place = self.memory.services, self.ledger.locations[0]
        grant = NewGrant(SubjectKind.USER, PEOPLE[0], ("",), ACCESS[0])
        role = ProjectRole.OWNER
        for verb in (
            lambda who: services.tokens.create(who, NewToken("more")),
            lambda who: services.people.create_project(who, self.memory.org_id, next(names)),
            lambda who: services.people.put_project_member(who, place.project, PEOPLE[0], role),
            lambda who: services.grants.create(who, place.id, grant),
            lambda who: services.locations.update(who, place.id, LocationChange(access=ACCESS[2])),
        ):
            assert self.attempt(token, verb) is None

    @rule(actor=st.just(OWNER) | people, number=which, role=roles, place=which | st.none())
    def somebody_makes_a_service_account(
        self, actor: str, number: int, role: ProjectRole, place: int | None
    ) -> None:
        services, project = self.memory.services, self.project(number)
        limit = self.place(place) if place is not None else None
        new, folder = self.new_token(limit, "", None, 300)

        async def work(caller: Caller) -> Any:
            account = await services.service_accounts.create(caller, project, next(names), role)
            return account, await services.service_accounts.create_token(caller, account.id, new)

        made = self.attempt(actor, work)
        if made is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            account, (token, secret) = made
            self.ledger.accounts[account.email] = (account.id, project)
            self.ledger.members.add(account.email)
            self.ledger.roles[project, account.email] = role
            self.note_token(token, secret, account.email, limit, folder, None)

    @rule(actor=st.just(OWNER) | people, number=which)
    def somebody_deletes_a_service_account(self, actor: str, number: int) -> None:
        if not self.ledger.accounts:
            return
        email = list(self.ledger.accounts)[number % len(self.ledger.accounts)]
        account_id, project = self.ledger.accounts[email]
        accounts = self.memory.services.service_accounts
        if self.attempt(actor, lambda caller: accounts.delete(caller, account_id)) is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            self.ledger.forget(email)

    @rule(person=people, number=which, folder=below, access=levels)
    def somebody_asks_for_credentials(
        self, person: str, number: int, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        place = self.place(number, person)
        if place is not None:
            self.asks(person, place, folder, access)

    @rule(token=which, number=which, folder=below, access=levels)
    def a_token_asks_for_credentials(
        self, token: int, number: int, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        if self.ledger.tokens:
            shown = self.ledger.tokens[-1 - token % len(self.ledger.tokens)]
            place = self.place(number, shown.person)
            if place is not None:
                self.asks(shown, place, folder, access)

    def places_of(self, person: str) -> list[Known]:
        """Where somebody may have something."""
        granted = [each.place for each in self.ledger.grants.values() if each.person == person]
        return [
            each
            for each in self.ledger.locations
            if each in granted or self.ledger.roles.get((each.project, person)) in BUILDERS
        ]

    def asks_for_all(self, person: str | Token, places: list[Known]) -> None:
        for place in places:
            for folder in BELOW:
                for access in ACCESS[:2]:
                    self.asks(person, place, folder, access)

    def everybody_asks(self, places: list[Known]) -> None:
        """Whoever has made one of the places, or builds with it, or has a token."""
        for place in places:
            builders = {
                person
                for (project, person), role in self.ledger.roles.items()
                if project == place.project and role in BUILDERS and person in PEOPLE
            }
            for person in sorted(builders | ({place.maker} - {""})):
                self.asks_for_all(person, [place])

    def asks(
        self, person: str | Token, place: Known, folder: str, access: frozenset[AccessLevel]
    ) -> None:
        request, vending = VendRequest((folder,), access), self.memory.services.vending
        vended = self.attempt(person, lambda caller: vending.vend(caller, place.id, request))
        if vended is not None:
            ends = vended.credentials.expires_at
            self.got(person, vended.scope.prefixes, vended.scope.levels, ends)

    @rule(
        person=people,
        token=which | st.none(),
        number=which,
        key=st.sampled_from(KEYS),
        method=st.sampled_from(list(Method)),
    )
    def somebody_asks_for_a_url(
        self, person: str, token: int | None, number: int, key: str, method: Method
    ) -> None:
        who: str | Token = person
        if token is not None and self.ledger.tokens:
            who = self.ledger.tokens[-1 - token % len(self.ledger.tokens)]
        place = self.place(number, who.person if isinstance(who, Token) else person)
        if place is None:
            return
        request, presigning = PresignRequest([key], method), self.memory.services.presigning
        made = self.attempt(who, lambda caller: presigning.presign(caller, place.id, request))
        if made is not None:
            rights = self.allowed(who)
            assert (key, method.level) in rights, f"{who} got a URL of {key}"
            assert made.expires_at <= rights[key, method.level]

    @rule(person=people)
    def somebody_looks_at_what_there_is(self, person: str) -> None:
        locations = self.memory.services.locations
        for seen in self.attempt(person, locations.visible) or ():
            project = next(each.project for each in self.ledger.locations if each.id == seen.id)
            builds = self.ledger.roles.get((project, person)) in BUILDERS
            assert builds or not seen.integration_id

    @invariant()
    def whoever_asks_now_gets_no_more(self) -> None:
        """After each step somebody asks for all, or a folder, of a place: its maker, the next in
        turn, and whoever has a token for it."""
        self.turn += 1
        known, turn = self.ledger.locations, self.turn
        tokens: list[str | Token] = [*self.ledger.tokens[-2:], *self.ledger.ended[-1:]]
        for place in known[-1:] + known[turn % len(known) :][:1] if known else ():
            who: list[str | Token] = [PEOPLE[turn % len(PEOPLE)], *tokens]
            for person in [*who, *({place.maker} - {""})]:
                self.asks(person, place, BELOW[turn % len(BELOW)], ACCESS[turn % len(ACCESS)])

    @invariant()
    def the_owner_is_still_there(self) -> None:
        members = self.as_owner(
            lambda owner: self.memory.services.people.org_members(owner, self.memory.org_id)
        )
        assert members is not None
        assert any(member.role is OrgRole.OWNER for member in members)


TestNobodyGetsMore: Any = Organisation.TestCase
TestNobodyGetsMore.settings = settings(
    phases=[Phase.generate],
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
)
