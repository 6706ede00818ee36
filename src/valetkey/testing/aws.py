"""An STS in memory, for rules that don't need IAM's enforcement."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports import AssumeRole, CallerIdentity, Clock
from valetkey.domain.secret import Secret

#: How the ids of fake sessions start whose policy lets nothing be changed.
READ_ONLY = "ASIAREAD"
#: What stands behind the ids of those whose policy lets no tags be read, or be written.
READS_NO_TAGS, WRITES_NO_TAGS = "-r", "-w"
_CHANGING = ("s3:PutObject", "s3:DeleteObject")
_TAGGING = {READS_NO_TAGS: "s3:GetObjectTagging", WRITES_NO_TAGS: "s3:PutObjectTagging"}


@dataclass
class FakeSts:
    """Answers every AssumeRole, unless ``failure`` is set, and once the ``gate`` is open; keeps the
    orders it was given."""

    clock: Clock
    failure: AwsRefused | AwsUnavailable | None = None
    #: Keys that it does not know.
    unknown: set[str] = field(default_factory=set)
    #: The keys that it was called with.
    keys: list[AccessKey] = field(default_factory=list)
    orders: list[AssumeRole] = field(default_factory=list)
    lifetime: timedelta | None = None
    gate: asyncio.Event | None = None
    #: By how much AWS's clock is ahead of ours.
    ahead: timedelta = timedelta()
    #: Each session's name, when it was issued, and its role's name.
    issued: dict[str, tuple[str, datetime, str]] = field(default_factory=dict)

    async def caller_identity(
        self,
        key: AccessKey | TemporaryCredentials,
        *,
        partition: str = "aws",
    ) -> CallerIdentity:
        if self.failure is not None:
            raise self.failure
        return CallerIdentity("000000000000", "arn:aws:iam::000000000000:user/fake", "AIDAFAKE")

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        self.orders.append(order)
        self.keys.append(key)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if key.id in self.unknown:
            raise AwsRefused("The key is not known.", aws_code="InvalidClientTokenId")
        number = len(self.orders)
        lifetime = order.duration if self.lifetime is None else self.lifetime
        policy = order.policy
        read_only = policy is not None and not any(action in policy for action in _CHANGING)
        key_id = f"{READ_ONLY if read_only else 'ASIAFAKE'}{number:012d}"
        for lack, action in _TAGGING.items():
            key_id += lack if policy is not None and action not in policy else ""
        now = self.clock.now() + self.ahead
        self.issued[key_id] = (order.session_name, now, order.role_arn.name)
        return TemporaryCredentials(
            key_id, Secret(f"fake-secret-{number}"), Secret(f"fake-token-{number}"), now + lifetime
        )
