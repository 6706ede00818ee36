"""Proving a revocation by using what it means to end.

The credential that was handed out is its holder's. But AWS names a session by the role and the
session's name, and so a probe of the same name, made before the deny stands, shares its fate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from valetkey.domain.credentials import MIN_TTL, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, ValetkeyError
from valetkey.domain.integration import Integration
from valetkey.domain.lease import Lease
from valetkey.domain.ports import AssumeRole, BucketPlace, Clock, ObjectStore, Storage, Sts
from valetkey.domain.role_arn import RoleArn
from valetkey.services.buckets import OpenBucket
from valetkey.services.revocation.enforcement import Enforcer

#: IAM's changes take seconds to reach S3, sometimes more; a person is waiting.
_PATIENCE: Final = 45.0
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 5.0
_REFUSED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass(frozen=True, slots=True)
class Probe:
    """A session that reads, or (``excuse``) why there is none. ``aws_is_ahead`` is by how much
    AWS's clock was ahead of ours when it was made (negative: behind)."""

    credentials: TemporaryCredentials | None
    place: BucketPlace
    prefix: str
    excuse: str = ""
    aws_is_ahead: timedelta = timedelta()

    @classmethod
    def none(cls, excuse: str) -> Probe:
        """Return a probe that could not be made."""
        return cls(None, BucketPlace(""), "", excuse)


class DenialProver:
    """Makes probes, and watches them being refused."""

    def __init__(
        self, storage: Storage, enforcer: Enforcer, sts: Sts, stores: ObjectStore, clock: Clock
    ) -> None:
        self._storage = storage
        self._enforcer = enforcer
        self._sts = sts
        self._stores = stores
        self._clock = clock

    async def prepare(self, lease: Lease) -> Probe:
        """Make a probe of a lease's name, and see that it reads. Never raises for AWS's sake."""
        excuse = "no integration stands on the role any more"
        try:
            for integration in await self._enforcer.integrations_on(lease.role_arn, lease.org_id):
                try:
                    return await self._make(lease, integration)
                except ValetkeyError as error:
                    excuse = error.message  # another integration's key may do it
        except ValetkeyError as error:
            excuse = error.message
        return Probe.none(excuse)

    async def _make(self, lease: Lease, integration: Integration) -> Probe:
        place, prefix = await self._place(lease), next(iter(lease.prefixes), "")
        key = await self._enforcer.signer(integration.id)
        order = AssumeRole(
            RoleArn.parse(lease.role_arn),
            lease.session_name,
            MIN_TTL,
            external_id=integration.external_id,
        )
        credentials = await self._sts.assume_role(key, order)
        ahead = credentials.expires_at - MIN_TTL - self._clock.now()
        await OpenBucket(self._stores, credentials, place).list_some(prefix, limit=1)
        return Probe(credentials, place, prefix, aws_is_ahead=ahead)

    async def prove(self, probe: Probe) -> str:
        """Use a probe until it is refused. Returns what was seen, as a sentence."""
        if probe.credentials is None:
            return f"Not proven: no probe could be made before ({probe.excuse})"
        store = OpenBucket(self._stores, probe.credentials, probe.place)
        started, delay = self._clock.monotonic(), _FIRST_DELAY
        while True:
            try:
                await store.list_some(probe.prefix, limit=1)
                seen = "it still reads"
            except AwsRefused as error:
                if error.details.get("aws_code") in _REFUSED:
                    return "Proven: a session of the same name read before, and is refused now."
                seen = error.message
            except ValetkeyError as error:
                seen = error.message
            if self._clock.monotonic() - started >= _PATIENCE:
                return f"Not proven within {_PATIENCE:.0f} seconds: {seen}."
            await self._clock.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _place(self, lease: Lease) -> BucketPlace:
        async with self._storage.read() as work:
            location = await work.locations.get(lease.location_id)
        if location is None:
            return BucketPlace(lease.bucket)
        return BucketPlace(
            lease.bucket, location.region, location.endpoint, location.requester_pays
        )
