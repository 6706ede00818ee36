"""Valetkey's own AWS adapters, wired to the embedded AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from support.aws import REGION, GoodSetup
from valetkey.aws.endpoints import Resolve, resolve
from valetkey.aws.objects import S3ObjectStore
from valetkey.aws.settings import AwsSettings
from valetkey.aws.sts import AwsSts
from valetkey.domain.credentials import AccessKey, AwsCredentials, TemporaryCredentials
from valetkey.domain.ports import AssumeRole, BucketPlace, CallerIdentity
from valetkey.domain.role_arn import RoleArn
from valetkey.embedded import EmbeddedAws
from valetkey.services.buckets import OpenBucket
from valetkey.system import SystemClock, SystemEntropy


@dataclass(frozen=True)
class OwnAws:
    """The adapters, and the settings that they were made with."""

    settings: AwsSettings
    sts: AwsSts
    stores: S3ObjectStore

    def open(self, credentials: AwsCredentials, place: BucketPlace) -> OpenBucket:
        """A bucket as a credential sees it."""
        return OpenBucket(self.stores, credentials, place)


@dataclass(frozen=True)
class FreshSts:
    """STS over connections of each call's own, for fixtures that outlive an event loop."""

    settings: AwsSettings

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[AwsSts]:
        sts = AwsSts(self.settings, SystemClock(), SystemEntropy())
        try:
            yield sts
        finally:
            await sts.close()

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, partition: str = "aws"
    ) -> CallerIdentity:
        async with self._open() as sts:
            return await sts.caller_identity(key, partition=partition)

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        async with self._open() as sts:
            return await sts.assume_role(key, order)


class MakeOwnAws(Protocol):
    """Makes adapters, perhaps with a name service of one's own."""

    def __call__(self, settings: AwsSettings, look_up: Resolve = resolve) -> OwnAws: ...


def settings_for(endpoint: str) -> AwsSettings:
    """Settings that lead to one endpoint, without retries. Whoever waits for the end of the
    patience with a call has less of it."""
    return AwsSettings(
        sts_endpoint=endpoint,
        iam_endpoint=endpoint,
        s3_endpoint=endpoint,
        region=REGION,
        connect_timeout=90,
        read_timeout=90,
        attempts=1,
        threads=8,
    )


def adapters(settings: AwsSettings, look_up: Resolve = resolve) -> OwnAws:
    """The adapters that settings make."""
    clock, entropy = SystemClock(), SystemEntropy()
    sts = AwsSts(settings, clock, entropy)
    store = S3ObjectStore(settings, clock, entropy, look_up=look_up)
    return OwnAws(settings, sts, store)


async def closed(own: OwnAws) -> None:
    """Close what :func:`adapters` made."""
    await own.sts.close()
    await own.stores.close()


@pytest.fixture
async def make_own_aws() -> AsyncIterator[MakeOwnAws]:
    """Makes adapters from settings and closes them after the test."""
    made: list[OwnAws] = []

    def make(settings: AwsSettings, look_up: Resolve = resolve) -> OwnAws:
        made.append(adapters(settings, look_up))
        return made[-1]

    yield make
    for own in made:
        await closed(own)


@pytest.fixture
def own_aws(embedded_aws: EmbeddedAws, make_own_aws: MakeOwnAws) -> OwnAws:
    """The adapters, wired to the embedded AWS."""
    return make_own_aws(settings_for(embedded_aws.endpoint))


def order_for(setup: GoodSetup, **changes: object) -> AssumeRole:
    """The plainest order that the good set-up grants, with changes."""
    plain = AssumeRole(RoleArn.parse(setup.role_arn), "ada", timedelta(seconds=900))
    return replace(plain, **changes)  # type: ignore[arg-type]
