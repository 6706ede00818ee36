"""The key that an integration holds is never switched off or deleted by Valetkey.

A person and a rotation do what they like in any order: keys are made in IAM and entered, a rotation
is begun, goes on, is cancelled, AWS refuses, time passes. A person is as quick as can be: a key is
entered before any of a step's transactions, and before each irreversible call to AWS. And a
rotation can always be ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from support.memory import ROLE, Memory, open_memory
from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import AwsRefused, ValetkeyError
from valetkey.domain.rotation import Rotation
from valetkey.domain.secret import Secret
from valetkey.domain.setup.observed import ObservedKey
from valetkey.testing import FakeAccessKeys, MemoryStorage
from valetkey.testing.repositories import MemoryUnitOfWork

T = TypeVar("T")
#: So many transactions of a step are let pass before a key is entered.
moments = st.integers(0, 6) | st.integers(0, 20)
SECRET = Secret("fake/secret/".ljust(40, "x"))
#: Whose keys the double of STS says they are.
USER = "arn:aws:iam::000000000000:user/fake"
MOST_TRANSACTIONS = 200
DENIED = AwsRefused("Not allowed.", hint="Ask for it.", aws_code="AccessDenied")


class PromptStorage(MemoryStorage):
    """A storage before whose next transactions somebody else does something."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.counts = False
        self.act: Callable[[], Awaitable[None]] | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryUnitOfWork]:
        await self._let_act()
        async with super().begin() as work:
            yield work

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryUnitOfWork]:
        await self._let_act()
        async with super().read() as work:
            yield work

    async def _let_act(self) -> None:
        act = self.act
        if act is None or not self.counts:
            return
        self.left -= 1
        if self.left < 0:
            self.act = None
            await act()


@dataclass
class WatchedKeys(FakeAccessKeys):
    """Keys at AWS, and who must not lose one of them."""

    memory: Memory | None = None
    integration_id: str = ""
    enters_first: str = ""

    async def _check(self, key_id: str) -> None:
        assert self.memory is not None
        if self.enters_first:
            # A person enters the very key between the rotation's look and AWS's doing.
            await enter(self.memory, self.integration_id, self.enters_first)
            self.enters_first = ""
        async with self.memory.storage.read() as work:
            integration = await work.integrations.get(self.integration_id)
        assert integration is not None
        assert integration.access_key_id != key_id, f"{key_id} is held, and was taken away"

    async def set_active(
        self, signer: AwsCredentials, user: str, key_id: str, *, active: bool
    ) -> None:
        if not active:
            await self._check(key_id)
        await super().set_active(signer, user, key_id, active=active)

    async def delete(self, signer: AwsCredentials, user: str, key_id: str) -> None:
        await self._check(key_id)
        await super().delete(signer, user, key_id)


async def enter(memory: Memory, integration_id: str, key_id: str) -> None:
    """Enter a key, as a person does; a refusal is an answer."""
    try:
        await memory.services.integrations.update(
            await memory.caller(), integration_id, credentials=(key_id, SECRET)
        )
    except ValetkeyError:
        return


class Keys(RuleBasedStateMachine):
    """An integration, its user's keys at AWS, and somebody with both in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.run(self.begin())

    async def begin(self) -> None:
        self.storage = PromptStorage()
        self.memory = await open_memory(self.storage)
        self.keys = WatchedKeys(self.memory.clock, memory=self.memory)
        for holder in (self.memory.services.rotations, self.memory.services.rotations._steps):
            holder._keys = self.keys
        first = await self.keys.create(AccessKey("", SECRET), self.user)
        integration = await self.memory.services.integrations.create(
            await self.memory.caller(),
            self.memory.org_id,
            name="aws",
            key=first.id,
            secret=SECRET,
            role_arn=ROLE,
        )
        self.integration_id = self.keys.integration_id = integration.id

    @property
    def user(self) -> str:
        return USER

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def attempt(self, work: Awaitable[T]) -> T | None:
        try:
            return self.run(work)
        except ValetkeyError:
            return None

    def teardown(self) -> None:
        self.runner.close()

    async def latest(self) -> Rotation | None:
        async with self.memory.storage.read() as work:
            return await work.rotations.latest(self.integration_id)

    def key(self, number: int) -> str:
        there = sorted(self.keys.users.get(self.user, {}))
        return there[number % len(there)] if there else ""

    @property
    def is_under_way(self) -> bool:
        rotation = self.run(self.latest())
        return rotation is not None and not rotation.is_over

    @initialize()
    def a_rotation_is_begun(self) -> None:
        self.begin_a_rotation(False, 0)

    @precondition(lambda self: not self.is_under_way)
    @rule(stranger=st.booleans(), number=st.integers(0, 3))
    def begin_a_rotation(self, stranger: bool, number: int) -> None:
        async def work() -> Rotation:
            return await self.memory.services.rotations.start(
                await self.memory.caller(),
                self.integration_id,
                delete_unknown_key=self.key(number) if stranger else "",
                grace=timedelta(minutes=5),
            )

        self.attempt(work())

    @precondition(lambda self: self.is_under_way)
    @rule()
    def go_on(self) -> None:
        rotation = self.run(self.latest())
        if rotation is not None:
            self.storage.counts = True
            self.attempt(self.memory.services.rotations.advance(rotation.id))
            self.storage.counts = False

    @precondition(lambda self: self.is_under_way)
    @rule(number=st.integers(0, 3))
    def go_on_while_a_key_is_entered(self, number: int) -> None:
        self.keys.enters_first = self.key(number)
        self.go_on()
        self.keys.enters_first = ""

    @precondition(lambda self: self.is_under_way)
    @rule(number=st.integers(0, 3), left=moments, keep_on=st.booleans())
    def go_on_while_a_key_is_entered_before_a_transaction(
        self, number: int, left: int, keep_on: bool
    ) -> None:
        """The rotation's own new key too: whoever made it in IAM could know its secret."""
        self.storage.left, self.storage.act = left, partial(self.enter_one, number)
        self.go_on()
        self.storage.act = None
        if keep_on:
            self.go_on()

    @precondition(lambda self: self.is_under_way)
    @rule(number=st.integers(0, 3), left=moments)
    def cancel_while_a_key_is_entered(self, number: int, left: int) -> None:
        self.storage.left, self.storage.act = left, partial(self.enter_one, number)
        self.cancel_until_it_is_over()
        self.storage.act = None

    async def enter_one(self, number: int) -> None:
        """Enter one of the keys that there are by then."""
        if self.key(number):
            await enter(self.memory, self.integration_id, self.key(number))

    @rule(number=st.integers(0, 3))
    def enter_a_key(self, number: int) -> None:
        if self.key(number):
            self.run(enter(self.memory, self.integration_id, self.key(number)))

    @rule()
    def make_a_key_in_iam(self) -> None:
        if self.keys.failure is None:
            self.attempt(self.keys.create(AccessKey("", SECRET), self.user))

    @rule(number=st.integers(0, 3))
    def use_a_key(self, number: int) -> None:
        there, key_id = self.keys.users[self.user], self.key(number)
        if key_id:
            there[key_id] = replace(there[key_id], last_used_at=self.memory.clock.now())

    @rule(number=st.integers(0, 3))
    def activate_a_key_in_iam(self, number: int) -> None:
        there, key_id = self.keys.users[self.user], self.key(number)
        if key_id:
            there[key_id] = replace(there[key_id], active=True)

    @rule(refuses=st.sampled_from((True, False, False)))
    def let_iam_refuse(self, refuses: bool) -> None:
        self.keys.failure = DENIED if refuses else None

    @rule(refuses=st.sampled_from((True, False, False)))
    def let_sts_refuse(self, refuses: bool) -> None:
        self.memory.sts.failure = DENIED if refuses else None

    @rule(minutes=st.integers(1, 30))
    def let_time_pass(self, minutes: int) -> None:
        self.memory.clock.advance(60 * minutes)

    @precondition(lambda self: self.is_under_way)
    @rule()
    def cancel_until_it_is_over(self) -> None:
        async def work() -> Rotation:
            rotations = self.memory.services.rotations
            return await rotations.cancel(await self.memory.caller(), self.integration_id)

        self.storage.counts = True
        for _ in range(2):
            self.attempt(work())
        self.storage.counts = False
        rotation = self.run(self.latest())
        assert rotation is None or rotation.is_over

    @invariant()
    def the_held_key_is_as_somebody_left_it(self) -> None:
        async def held() -> ObservedKey | None:
            async with self.memory.storage.read() as work:
                integration = await work.integrations.get(self.integration_id)
            assert integration is not None
            return self.keys.users[self.user].get(integration.access_key_id)

        assert self.run(held()) is not None


def whole(keys: Keys) -> None:
    """A rotation from its beginning to its end."""
    keys.begin_a_rotation(False, 0)
    until_it_is_over(keys)


def refused(keys: Keys) -> None:
    """One whose new key AWS never accepts: it is rolled back."""
    keys.begin_a_rotation(False, 0)
    keys.let_sts_refuse(True)
    until_it_is_over(keys)


def in_the_way(keys: Keys) -> None:
    """One that deletes a key which a person has named."""
    keys.make_a_key_in_iam()
    keys.begin_a_rotation(True, 1)
    until_it_is_over(keys)


def cancelled(keys: Keys) -> None:
    """One that a person ends while its new key is not proven."""
    keys.begin_a_rotation(False, 0)
    keys.let_sts_refuse(True)
    keys.go_on()
    keys.attempt(cancel(keys))
    until_it_is_over(keys)


async def cancel(keys: Keys) -> Rotation:
    rotations = keys.memory.services.rotations
    return await rotations.cancel(await keys.memory.caller(), keys.integration_id)


def until_it_is_over(keys: Keys) -> None:
    for _ in range(8):
        keys.go_on()
        keys.let_time_pass(30)


@pytest.mark.parametrize("course", [whole, refused, in_the_way, cancelled])
def test_whenever_a_key_is_entered_it_stays(course: Callable[[Keys], None]) -> None:
    """Each key, before each transaction of each course of a rotation."""
    for number in range(3):
        for left in range(MOST_TRANSACTIONS):
            keys = Keys()
            enter_one = partial(keys.enter_one, number)
            keys.storage.left, keys.storage.act = left, enter_one
            course(keys)
            has_been, keys.storage.act = keys.storage.act is None, None
            keys.the_held_key_is_as_somebody_left_it()
            keys.teardown()
            if not has_been:
                break
        else:
            pytest.fail(f"A rotation has more than {MOST_TRANSACTIONS} transactions.")


TestAHeldKeyStays: Any = Keys.TestCase
TestAHeldKeyStays.settings = settings(
    phases=[Phase.generate],
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
)
