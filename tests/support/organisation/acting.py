"""What people do is done through these, and known to the ledger alone."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from support.ledger import BUILDERS, Known, Ledger, Rights, Token, opened
from support.memory import OWNER, Memory, open_memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller

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

people = st.sampled_from(PEOPLE)
actors = st.just(OWNER) | people
folders = st.sampled_from(FOLDERS)
below = st.sampled_from(BELOW)
levels = st.sampled_from(ACCESS)
roles = st.sampled_from(list(ProjectRole))
which = st.integers(0, 7)
#: Until when something is given, in minutes from now; None is for good.
lasting = st.sampled_from((None, None, 10, 30, 300))
names = map("n{}".format, itertools.count())


class Acting(RuleBasedStateMachine):
    """An organisation of doubles, and the ledger of what was given in it."""

    #: How often the machine came to what, in all of its runs.
    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.memory: Memory = self.run(open_memory())
        self.ledger = Ledger()
        self.turn = 0
        self.projects: list[str] = [self.memory.project.id]
        self.integration = self.run(self.memory.integration())

    def reach(self, what: str) -> None:
        """Count that the machine came to this."""
        self.reached[what] += 1

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
