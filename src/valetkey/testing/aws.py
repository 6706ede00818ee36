"""An STS and buckets in memory, for rules that don't need IAM's enforcement."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports import (
    AssumeRole,
    BucketPlace,
    CallerIdentity,
    Clock,
    ObjectStore,
    ObjectSummary,
)
from valetkey.domain.secret import Secret

#: How the ids of fake sessions start whose policy lets nothing be written.
_READ_ONLY = "ASIAREAD"


@dataclass
class FakeSts:
    """Answers every AssumeRole, unless ``failure`` is set, and once the ``gate`` is open; keeps the
    orders it was given."""

    clock: Clock
    failure: AwsRefused | AwsUnavailable | None = None
    orders: list[AssumeRole] = field(default_factory=list)
    lifetime: timedelta | None = None
    gate: asyncio.Event | None = None

    async def caller_identity(
        self,
        key: AccessKey | TemporaryCredentials,
        *,
        region: str = "",
    ) -> CallerIdentity:
        if self.failure is not None:
            raise self.failure
        return CallerIdentity("000000000000", "arn:aws:iam::000000000000:user/fake", "AIDAFAKE")

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        self.orders.append(order)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        number = len(self.orders)
        lifetime = order.duration if self.lifetime is None else self.lifetime
        read_only = order.policy is not None and "s3:PutObject" not in order.policy
        return TemporaryCredentials(
            f"{_READ_ONLY if read_only else 'ASIAFAKE'}{number:012d}",
            Secret(f"fake-secret-{number}"),
            Secret(f"fake-token-{number}"),
            self.clock.now() + lifetime,
        )


@dataclass
class FakeObjectStores:
    """Buckets as dictionaries. ``refuse`` names operations that are refused (``"put"``)."""

    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    region: str = "eu-central-1"
    refuse: set[str] = field(default_factory=set)
    confined_to: str = ""

    def open(
        self,
        credentials: AccessKey | TemporaryCredentials,
        place: BucketPlace,
    ) -> ObjectStore:
        held = credentials.access_key_id if isinstance(credentials, TemporaryCredentials) else ""
        read_only = held.startswith(_READ_ONLY)
        return _FakeStore(self, self.buckets.setdefault(place.bucket, {}), read_only=read_only)

    async def find_region(
        self, place: BucketPlace, credentials: AccessKey | TemporaryCredentials
    ) -> str:
        if place.bucket not in self.buckets:
            raise AwsRefused("There is no such bucket.", hint="Check it.", aws_code="NoSuchBucket")
        return self.region

    async def check_endpoint(self, endpoint: str) -> str:
        return endpoint


@dataclass
class _FakeStore:
    stores: FakeObjectStores
    objects: dict[str, bytes]
    read_only: bool = False

    def _allow(self, operation: str, key: str) -> None:
        outside = not key.startswith(self.stores.confined_to)
        too_much = self.read_only and operation in {"put", "delete"}
        if operation in self.stores.refuse or outside or too_much:
            raise AwsRefused(f"{operation} is refused.", hint="Allow it.", aws_code="AccessDenied")

    async def list_some(self, prefix: str, *, limit: int = 1000) -> Sequence[ObjectSummary]:
        self._allow("list", prefix)
        found = sorted(key for key in self.objects if key.startswith(prefix))
        return [ObjectSummary(key, len(self.objects[key])) for key in found[:limit]]

    async def get(self, key: str) -> bytes:
        self._allow("get", key)
        if key not in self.objects:
            raise AwsRefused("There is no such object.", hint="Check it.", aws_code="NoSuchKey")
        return self.objects[key]

    async def put(self, key: str, body: bytes, *, storage_class: str = "") -> None:
        self._allow("put", key)
        self.objects[key] = body

    async def delete(self, key: str) -> None:
        self._allow("delete", key)
        self.objects.pop(key, None)

    async def may_put(self, key: str) -> bool:
        try:
            self._allow("put", key)
        except AwsRefused:
            return False
        return True

    async def blocks_public_access(self) -> bool:
        return True

    async def methods_for_browsers(self, prefix: str, origin: str) -> frozenset[str]:
        return frozenset({"GET", "PUT"})
