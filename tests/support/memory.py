"""The real services over doubles: for rules that need no database, no AWS and no slow hashing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from valetkey.bootstrap import Parts, WiredServices, wire
from valetkey.crypto.tokens import JwtTokens
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location, NewLocation
from valetkey.domain.people import ApiToken, Project
from valetkey.domain.ports import Passwords, Storage
from valetkey.domain.secret import Secret
from valetkey.domain.token_limits import TokenLimits
from valetkey.identity.first_start import initialize
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.testing import (
    FakeAccessKeys,
    FakeObjectStore,
    FakeRolePolicies,
    FakeSts,
    ManualClock,
    MemoryStorage,
    SeededEntropy,
    UnsafePasswords,
    UnsafeSealer,
)

PASSWORD = Secret("correct horse battery staple")
OWNER = "ada@example.com"
ROLE = "arn:aws:iam::000000000000:role/valetkey-role"
KEY = ("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))


@dataclass
class Memory:
    """An installation with an owner, an organisation, a project and one bucket."""

    services: WiredServices
    clock: ManualClock
    storage: MemoryStorage
    sts: FakeSts
    sealer: UnsafeSealer
    org_id: str
    project: Project
    objects: FakeObjectStore
    parts: Parts

    async def caller(self, email: str = OWNER, password: Secret = PASSWORD) -> Caller:
        """Somebody who has logged in."""
        login = await self.services.accounts.login(email, password)
        principal = await self.services.principals.read(login.token.reveal(), source="")
        return Caller(principal, request_id="request-1", source="192.0.2.7")

    async def member(
        self, email: str, role: ProjectRole | None, *, org_role: OrgRole = OrgRole.MEMBER
    ) -> Caller:
        """Somebody new in the organisation, with a role in the project."""
        owner, people = await self.caller(), self.services.people
        await people.put_org_member(owner, self.org_id, email, org_role, password=PASSWORD)
        if role is not None:
            await people.put_project_member(owner, self.project.id, email, role)
        return await self.caller(email)

    async def integration(self, name: str = "aws", owner: Caller | None = None) -> Integration:
        """An integration, not yet verified."""
        key, secret = KEY
        return await self.services.integrations.create(
            owner or await self.caller(),
            self.org_id,
            name=name,
            key=key,
            secret=secret,
            role_arn=ROLE,
        )

    async def location(
        self, name: str = "data", *, folder: str = "train", owner: Caller | None = None
    ) -> Location:
        """A location on an integration of its own."""
        owner = owner or await self.caller()
        integration = await self.integration(f"for {name}", owner)
        new = NewLocation(name=name, integration_id=integration.id, bucket="acme", folder=folder)
        return await self.services.locations.create(owner, self.project.id, new)

    async def token(
        self, caller: Caller, description: str = "robot", **limits: Any
    ) -> tuple[ApiToken, str]:
        """An API token of a caller's, and its text."""
        new = NewToken(description, limits=TokenLimits(**limits))
        token, secret = await self.services.tokens.create(caller, new)
        return token, secret.reveal()

    def at_listing(self, number: int, act: Callable[[], Awaitable[object]]) -> None:
        """Have something happen when a page is asked for, the ``number``-th from now."""
        left = number

        async def step(operation: str, _: str) -> None:
            nonlocal left
            left -= operation == "list"
            if operation == "list" and left == 0:
                await act()

        self.objects.before = step

    def actions(self) -> list[tuple[str, str]]:
        """What the audit trail holds but for sign-ins: actions and outcomes, oldest first."""
        trail = self.storage._committed.audit.records
        events = [(record.event.action, record.event.outcome) for record in trail]
        return [event for event in events if event != ("user.sign_in", "allowed")]


async def open_memory(
    on: Storage | None = None,
    *,
    passwords: Passwords | None = None,
    make_objects: Callable[..., FakeObjectStore] = FakeObjectStore,
) -> Memory:
    """Make the services over doubles, with a first owner; ``on`` a real database if given."""
    clock, entropy = ManualClock(), SeededEntropy(7)
    # Who gives a database of their own looks at it by the port alone.
    storage = cast("MemoryStorage", on) if on is not None else MemoryStorage()
    sts, sealer = FakeSts(clock), UnsafeSealer()
    passwords = passwords or UnsafePasswords()
    new_id = IdFactory(clock, entropy)
    objects = make_objects(clock, {"acme": {}})
    parts = Parts(
        clock=clock,
        entropy=entropy,
        new_id=new_id,
        storage=storage,
        sealer=sealer,
        passwords=passwords,
        tokens=JwtTokens(Secret("ab" * 32), "installation"),
        sts=sts,
        objects=objects,
        access_keys=FakeAccessKeys(clock),
        role_policies=FakeRolePolicies(),
    )
    first = await initialize(
        storage,
        sealer,
        passwords,
        clock,
        entropy,
        new_id,
        organization="Acme",
        email=OWNER,
        password=PASSWORD,
    )
    org_id, project = first.organization.id, first.project
    return Memory(wire(parts), clock, storage, sts, sealer, org_id, project, objects, parts)


@pytest.fixture
async def memory() -> Memory:
    """The services over doubles, with a first owner."""
    return await open_memory()
