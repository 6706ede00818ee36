"""`destroy`: first the list of what goes, then the going. Broken off, it is run again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from valetkey.counting import counted
from valetkey.domain.errors import AwsRefused, Conflict
from valetkey.domain.ports.setup import AwsApi, KeyCustodian, SetupJournals
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.setup import (
    AwsCall,
    Dependents,
    Desired,
    KeyIntent,
    Observed,
    ObservedBucket,
    ObservedPolicy,
    ObservedRole,
    Removal,
    SetupSpec,
    TeardownPlan,
    iam,
    make_teardown,
    s3,
)
from valetkey.services.setup.observe import Observer
from valetkey.services.setup.progress import Phase, Progress, StepEvent, ignore, waits
from valetkey.services.setup.retries import CallRetries, OnWait, aws_code

_GONE: Final = {"NoSuchEntity", "NoSuchBucket", "404"}
#: A detached policy or a removed object may be seen for a moment longer.
_STILL_SEEN: Final = frozenset({"DeleteConflict", "BucketNotEmpty"})
_WAIT_SECONDS: Final = 30.0


class Teardown:
    """Takes one set-up down: what it made and nothing else."""

    def __init__(
        self,
        aws: AwsApi,
        custodian: KeyCustodian,
        journals: SetupJournals,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._aws = aws
        self._custodian = custodian
        self._clock = clock
        self._journals = journals
        self._patience = CallRetries(clock, entropy, limit=_WAIT_SECONDS)
        self._observer = Observer(aws, self._patience)

    async def plan(self, spec: SetupSpec, *, delete_objects: bool = False) -> TeardownPlan:
        """Say what would go. Changes nothing. Raises AwsRefused, AwsUnavailable."""
        identity = await self._observer.identity()
        desired = spec.resolve(account=identity.account, partition=identity.arn.split(":")[1])
        observed = await self._observer.observe(desired)
        dependents = await self._dependents(desired, observed)
        return make_teardown(desired, observed, dependents, delete_objects=delete_objects)

    async def destroy(
        self, teardown: TeardownPlan, *, progress: Progress = ignore
    ) -> tuple[str, ...]:
        """Carry a teardown out: first the registration, then the identities, last the bucket.

        Returns what the custodian released. Raises Conflict when something stands in the way
        (nothing is removed then), InUse, Locked, AwsRefused, AwsUnavailable.
        """
        _refuse_obstacles(teardown)
        desired = teardown.desired
        journal = self._journals.open(account=desired.account, setup=desired.name)
        if not teardown.changes:
            return ()
        with journal.lock():
            # Once released, nobody remembers which key of an adopted user is ours.
            journal.write(
                KeyIntent(self._clock.now(), frozenset(), self._custodian.name, teardown.held_key)
            )
            released = await self._custodian.release(desired)
            for removal in teardown.changes:
                progress(StepEvent(removal.kind, Phase.STARTED, removal.what, removal.action))
                await self._remove(desired, removal, waits(removal.kind, progress))
                progress(StepEvent(removal.kind, Phase.DONE, removal.what, removal.action))
            journal.clear()
        return released

    async def _remove(self, desired: Desired, removal: Removal, on_wait: OnWait) -> None:
        if removal.empty_first:
            await self._empty(desired, on_wait)
        for call in removal.calls:
            await self._do(call, on_wait)

    async def _do(self, call: AwsCall, on_wait: OnWait) -> Mapping[str, Any]:
        try:
            return await self._patience.call(self._aws, call, awaits=_STILL_SEEN, on_wait=on_wait)
        except AwsRefused as error:
            if aws_code(error) in _GONE:
                return {}
            raise

    async def _dependents(self, desired: Desired, observed: Observed) -> Dependents:
        users, profiles, count = await asyncio.gather(
            self._policy_users(desired, observed),
            self._instance_profiles(desired, observed),
            self._count_versions(desired, observed),
        )
        intent = self._journals.open(account=desired.account, setup=desired.name).read()
        held = await self._custodian.holds() or (intent.created if intent else "")
        return Dependents(users, profiles, count, held)

    async def _policy_users(self, desired: Desired, observed: Observed) -> tuple[str, ...]:
        if not isinstance(observed.policy, ObservedPolicy):
            return ()
        call = iam("ListEntitiesForPolicy", PolicyArn=desired.policy_arn)
        names: list[str] = []
        for kind, member, name in (
            ("user", "PolicyUsers", "UserName"),
            ("role", "PolicyRoles", "RoleName"),
            ("group", "PolicyGroups", "GroupName"),
        ):
            narrowed = iam(call.operation, **call.parameters, EntityFilter=kind.capitalize())
            found = await self._observer.listed(narrowed, member)
            names += [f"{kind} {item[name]}" for item in found]
        return tuple(names)

    async def _instance_profiles(self, desired: Desired, observed: Observed) -> tuple[str, ...]:
        if not isinstance(observed.role, ObservedRole):
            return ()
        call = iam("ListInstanceProfilesForRole", RoleName=desired.role)
        found = await self._observer.listed(call, "InstanceProfiles")
        return tuple(item["InstanceProfileName"] for item in found)

    async def _count_versions(self, desired: Desired, observed: Observed) -> int:
        if not isinstance(observed.bucket, ObservedBucket) or observed.bucket.foreign:
            return 0
        count = 0
        async for page in self._versions(desired, observed.bucket.region):
            count += len(page)
        return count

    async def _versions(self, desired: Desired, region: str) -> AsyncIterator[list[dict[str, str]]]:
        """Yield the versions and delete markers of all objects, up to 1,000 at a time."""
        marker: dict[str, str] = {}
        while True:
            call = s3("ListObjectVersions", region, Bucket=desired.bucket, **marker)
            answer = await self._patience.call(self._aws, call)
            yield [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for item in (*answer.get("Versions", []), *answer.get("DeleteMarkers", []))
            ]
            if not answer.get("IsTruncated"):
                return
            marker = {"KeyMarker": answer["NextKeyMarker"]}
            if answer.get("NextVersionIdMarker"):
                marker["VersionIdMarker"] = answer["NextVersionIdMarker"]

    async def _empty(self, desired: Desired, on_wait: OnWait) -> None:
        async for page in self._versions(desired, desired.region):
            if not page:
                continue
            answer = await self._do(
                s3(
                    "DeleteObjects",
                    desired.region,
                    Bucket=desired.bucket,
                    Delete={"Objects": page, "Quiet": True},
                ),
                on_wait,
            )
            if errors := answer.get("Errors"):
                first = errors[0]
                raise AwsRefused(
                    f"{counted(len(errors), 'object')} could not be deleted; the first is "
                    f"{first.get('Key')!r}: {first.get('Message')}",
                    hint="See whether object lock or a bucket policy protects them.",
                    aws_code=first.get("Code", ""),
                )


def _refuse_obstacles(teardown: TeardownPlan) -> None:
    if not teardown.obstacles:
        return
    first = teardown.obstacles[0]
    raise Conflict(
        f"The {first.what} can't be removed: {first.detail}. Nothing was removed.",
        hint=first.fix,
        kind=first.kind,
    )
