"""A rotation on the embedded AWS and SQLite, with a wire that can be tripped at any operation."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from support.aws import ACCOUNT, assume_policy, client, trust_policy
from support.entities import make_integration
from support.own_aws import FreshSts, settings_for
from valetkey.aws.access_keys import BotoAccessKeys
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.crypto.keys import LocalKeyWrapper, new_key
from valetkey.crypto.sealing import EnvelopeSealer
from valetkey.domain.access import OrgRole, Principal
from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable, StorageUnavailable
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import IntegrationState
from valetkey.domain.people import Organization, OrgMember, User
from valetkey.domain.ports import AssumeRole, CallerIdentity
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret
from valetkey.domain.setup.observed import ObservedKey
from valetkey.embedded import EmbeddedAws
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.integrations import open_key, secret_context
from valetkey.services.rotation import Rotations
from valetkey.testing import ManualClock, SeededEntropy

_numbers = itertools.count(1)
ORG, OWNER = "a" * 24, "ada@example.com"
_SELF_ROTATION = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:UpdateAccessKey",
    "iam:ListAccessKeys",
)


class Killed(BaseException):
    """The process is gone: nothing after it happens."""


class Mishap(StrEnum):
    """What befalls an operation."""

    FAILS = "fails"
    REFUSED = "is refused"
    ANSWER_LOST = "loses its answer"
    KILLED_BEFORE = "is never reached: kill -9"
    KILLED_AFTER = "is followed by kill -9"


@dataclass
class Wire:
    """Counts the operations of one kind; at one of them, the mishap happens."""

    at: int = 0
    mishap: Mishap = Mishap.FAILS
    seen: list[str] = field(default_factory=list)
    dead: bool = False

    def reach(self, name: str) -> Mishap | None:
        """Note an operation; return what befalls it."""
        if self.dead:
            raise Killed
        self.seen.append(name)
        if len(self.seen) != self.at:
            return None
        if self.mishap is Mishap.KILLED_BEFORE:
            self.die()
        return self.mishap

    def die(self) -> None:
        self.dead = True
        raise Killed


class WiredStorage:
    """Storage whose transactions that write can be tripped."""

    def __init__(self, storage: SqlCatalogStorage, wire: Wire, aws: Wire) -> None:
        self._storage = storage
        self._wire = wire
        self._aws = aws

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        if self._aws.dead:
            raise Killed
        mishap = self._wire.reach("write")
        lost = StorageUnavailable("The database is gone.", hint="Bring it back.")
        if mishap in {Mishap.FAILS, Mishap.REFUSED}:
            raise lost
        async with self._storage.begin() as work:
            yield work
        if mishap is Mishap.ANSWER_LOST:
            raise lost
        if mishap is Mishap.KILLED_AFTER:
            self._aws.dead = True
            self._wire.die()


class WiredAws:
    """The calls of a rotation, any of which can be tripped. Implements ports.Sts, AccessKeys."""

    def __init__(self, sts: FreshSts, keys: BotoAccessKeys, wire: Wire, storage: Wire) -> None:
        self._sts = sts
        self._keys = keys
        self._wire = wire
        self._storage = storage

    async def _do(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        if self._storage.dead:
            raise Killed
        mishap = self._wire.reach(name)
        if mishap is Mishap.FAILS:
            raise AwsUnavailable("AWS failed.", hint="Try again.", aws_code="InternalFailure")
        if mishap is Mishap.REFUSED:
            raise AwsRefused("AWS refused.", hint="Ask for it.", aws_code="AccessDenied")
        answer = await work()
        if mishap is Mishap.ANSWER_LOST:
            raise AwsUnavailable("AWS did not answer.", hint="Try again.")
        if mishap is Mishap.KILLED_AFTER:
            self._wire.die()
        return answer

    async def caller_identity(self, key: Any, *, partition: str = "aws") -> CallerIdentity:
        found: CallerIdentity = await self._do(
            "GetCallerIdentity", lambda: self._sts.caller_identity(key, partition=partition)
        )
        return found

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> Any:
        return await self._do("AssumeRole", lambda: self._sts.assume_role(key, order))

    async def list_keys(self, signer: AwsCredentials, user: str) -> Sequence[ObservedKey]:
        found: Sequence[ObservedKey] = await self._do(
            "ListAccessKeys", lambda: self._keys.list_keys(signer, user)
        )
        return found

    async def last_used(self, signer: AwsCredentials, user: str, key_id: str) -> datetime | None:
        used: datetime | None = await self._do(
            "GetAccessKeyLastUsed", lambda: self._keys.last_used(signer, user, key_id)
        )
        return used

    async def create(self, signer: AwsCredentials, user: str) -> AccessKey:
        made: AccessKey = await self._do("CreateAccessKey", lambda: self._keys.create(signer, user))
        return made

    async def set_active(
        self, signer: AwsCredentials, user: str, key_id: str, *, active: bool
    ) -> None:
        await self._do(
            "UpdateAccessKey",
            lambda: self._keys.set_active(signer, user, key_id, active=active),
        )

    async def delete(self, signer: AwsCredentials, user: str, key_id: str) -> None:
        await self._do("DeleteAccessKey", lambda: self._keys.delete(signer, user, key_id))


class Ground:
    """An AWS and a database template, shared by the cases of a module."""

    def __init__(self, aws: EmbeddedAws, template: Path) -> None:
        self.aws = aws
        self.template = template
        settings = settings_for(aws.endpoint)
        self.sts = FreshSts(settings)
        self.keys = BotoAccessKeys(settings)
        self.iam = client(aws, "iam")
        self.seal_key = new_key(SeededEntropy(3))

    def close(self) -> None:
        self.keys.close()


@dataclass
class Case:
    """One user with one key, one integration, one database; processes come and go."""

    ground: Ground
    storage: SqlCatalogStorage
    clock: ManualClock
    sealer: EnvelopeSealer
    user: str
    role_arn: str
    first_key: AccessKey
    integration_id: str
    audit: AuditLog
    entropy: SeededEntropy
    new_id: IdFactory

    def process(self, *, aws: Wire | None = None, database: Wire | None = None) -> Rotations:
        """Start Valetkey anew."""
        aws, database = aws or Wire(), database or Wire()
        wired = WiredAws(self.ground.sts, self.ground.keys, aws, database)
        return self.process_over(wired, WiredStorage(self.storage, database, aws))

    def process_over(self, aws: Any, storage: Any = None) -> Rotations:
        return Rotations(
            storage or self.storage,
            self.sealer,
            aws,
            aws,
            self.audit,
            self.clock,
            self.entropy,
            self.new_id,
        )

    @property
    def caller(self) -> Caller:
        return Caller(Principal("b" * 24, OWNER, org_roles={ORG: OrgRole.OWNER}))

    def at_aws(self) -> dict[str, bool]:
        """The user's keys as AWS has them: id, and whether it is active."""
        found = self.ground.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]
        return {key["AccessKeyId"]: key["Status"] == "Active" for key in found}

    async def held(self) -> AccessKey:
        """The key that vending would use now."""
        _, key = await open_key(self.storage, self.sealer, self.integration_id)
        return key

    async def opens_the_role(self) -> bool:
        order = AssumeRole(RoleArn.parse(self.role_arn), "test", _QUARTER)
        credentials = await self.ground.sts.assume_role(await self.held(), order)
        return bool(credentials.access_key_id)


_QUARTER = timedelta(minutes=15)


def make_user(iam: Any) -> tuple[str, str, AccessKey]:
    """Make a user that may assume a role and rotate its own keys."""
    name = f"rotating-{next(_numbers)}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=trust_policy(arn))
    role_arn = role["Role"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="assume", PolicyDocument=assume_policy(role_arn))
    own = {"Effect": "Allow", "Action": list(_SELF_ROTATION), "Resource": arn}
    # The stand-in knows no resource for this one; AWS takes the user's.
    last = {"Effect": "Allow", "Action": "iam:GetAccessKeyLastUsed", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [own, last]}
    iam.put_user_policy(UserName=name, PolicyName="rotation", PolicyDocument=json.dumps(document))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return name, role_arn, AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))


@asynccontextmanager
async def open_case(ground: Ground, folder: Path) -> AsyncIterator[Case]:
    """Make a user, and an integration on its key."""
    user, role_arn, key = make_user(ground.iam)
    place = folder / f"{user}.db"
    shutil.copy(ground.template, place)
    storage = SqlCatalogStorage.at(f"sqlite:///{place}")
    clock, entropy = ManualClock(datetime.now(UTC)), SeededEntropy(5)
    sealer = EnvelopeSealer([LocalKeyWrapper(ground.seal_key, entropy)], entropy)
    new_id = IdFactory(clock, entropy)
    now = clock.now()
    integration = make_integration(
        at=now,
        id=new_id(),
        org_id=ORG,
        name="aws",
        access_key_id=key.id,
        role_arn=RoleArn.parse(role_arn),
        state=IntegrationState.VERIFIED,
        creator=OWNER,
    )
    sealed = await sealer.seal(key.secret, secret_context(integration))
    async with storage.begin() as work:
        await work.users.add(User("b" * 24, OWNER, "x", now))
        await work.organizations.add(Organization(ORG, "Acme", now))
        await work.organizations.put_member(OrgMember(ORG, "b" * 24, OWNER, OrgRole.OWNER))
        await work.integrations.add(integration, sealed)
    audit = AuditLog(storage, clock, new_id)
    try:
        yield Case(
            ground,
            storage,
            clock,
            sealer,
            user,
            role_arn,
            key,
            integration.id,
            audit,
            entropy,
            new_id,
        )
    finally:
        await storage.close()


def user_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def operations(count: int, mishaps: Sequence[Mishap]) -> list[tuple[int, Mishap]]:
    """Every operation with every mishap."""
    return list(itertools.product(range(1, count + 1), mishaps))
