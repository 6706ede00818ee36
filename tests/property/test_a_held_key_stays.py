"""The key that an integration holds is never switched off or deleted by Valetkey.

A person and a rotation do what they like in any order: keys are made in IAM and entered, a rotation
is begun, goes on, is cancelled, AWS refuses, time passes. And a rotation can always be ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from support.memory import ROLE, Memory, open_memory
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, ValetkeyError
from valetkey.domain.ports import Signer
from valetkey.domain.rotation import Rotation
from valetkey.domain.secret import Secret
from valetkey.domain.setup.observed import SeenKey
from valetkey.testing import FakeAccessKeys

T = TypeVar("T")
SECRET = Secret("fake/secret/".ljust(40, "x"))
#: Whose keys the double of STS says they are.
USER = "arn:aws:iam::000000000000:user/fake"
DENIED = AwsRefused("Not allowed.", hint="Ask for it.", aws_code="AccessDenied")


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

    async def set_active(self, signer: Signer, user: str, key_id: str, *, active: bool) -> None:
        if not active:
            await self._check(key_id)
        await super().set_active(signer, user, key_id, active=active)

    async def delete(self, signer: Signer, user: str, key_id: str) -> None:
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
        self.memory = await open_memory()
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

    @rule(stranger=st.booleans(), number=st.integers(0, 3))
    def begin_a_rotation(self, stranger: bool, number: int) -> None:
        async def work() -> Rotation:
            return await self.memory.services.rotations.start(
                await self.memory.caller(),
                self.integration_id,
                delete_stranger=self.key(number) if stranger else "",
                grace=timedelta(minutes=5),
            )

        self.attempt(work())

    @rule()
    def go_on(self) -> None:
        rotation = self.run(self.latest())
        if rotation is not None:
            self.attempt(self.memory.services.rotations.advance(rotation.id))

    @rule(number=st.integers(0, 3))
    def go_on_while_a_key_is_entered(self, number: int) -> None:
        self.keys.enters_first = self.key(number)
        self.go_on()
        self.keys.enters_first = ""

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

    @rule(refuses=st.booleans())
    def let_iam_refuse(self, refuses: bool) -> None:
        self.keys.failure = DENIED if refuses else None

    @rule(refuses=st.booleans())
    def let_sts_refuse(self, refuses: bool) -> None:
        self.memory.sts.failure = DENIED if refuses else None

    @rule(minutes=st.integers(1, 30))
    def let_time_pass(self, minutes: int) -> None:
        self.memory.clock.advance(60 * minutes)

    @rule()
    def cancel_until_it_is_over(self) -> None:
        async def work() -> Rotation:
            rotations = self.memory.services.rotations
            return await rotations.cancel(await self.memory.caller(), self.integration_id)

        for _ in range(2):
            self.attempt(work())
        rotation = self.run(self.latest())
        assert rotation is None or rotation.is_over

    @invariant()
    def the_held_key_is_as_somebody_left_it(self) -> None:
        async def held() -> SeenKey | None:
            async with self.memory.storage.read() as work:
                integration = await work.integrations.get(self.integration_id)
            assert integration is not None
            return self.keys.users[self.user].get(integration.access_key_id)

        assert self.run(held()) is not None


TestAHeldKeyStays: Any = Keys.TestCase
TestAHeldKeyStays.settings = settings(
    phases=[Phase.generate],
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
)
