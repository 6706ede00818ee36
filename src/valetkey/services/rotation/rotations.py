"""Rotating integrations' access keys: on demand, on a schedule, and on after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from valetkey.domain.access import Action, Principal
from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import AwsRefused, Conflict, Locked, NotFound, NotOffered, ValetkeyError
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.ports import AccessKeys, Clock, Entropy, Sealer, Storage, Sts, UnitOfWork
from valetkey.domain.rotation import (
    DEFAULT_GRACE,
    Rotation,
    Schedule,
    Stage,
    StepTaken,
    before_rotating,
    make_schedule,
)
from valetkey.domain.setup.observed import ObservedKey
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.background import log_unexpected
from valetkey.services.integrations import open_key
from valetkey.services.lookup import load_integration, missing
from valetkey.services.nouns import INTEGRATION
from valetkey.services.rotation.steps import Steps, forget_old, rotation_event, with_last_use
from valetkey.services.work import WorkLocks

#: A wait for the old key's end is cut into pieces, in seconds, so that the lease is kept.
_A_WHILE: Final = 60.0
#: Whoever asks for something waits so many seconds for the step that is being taken.
_PATIENCE: Final = 10.0
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


READ: Final = Verb("integration.read", Action.READ_INTEGRATIONS)
ROTATE: Final = Verb("integration.rotate", Action.MANAGE_INTEGRATIONS)
CANCEL: Final = Verb("integration.rotate.cancel", Action.MANAGE_INTEGRATIONS)
SCHEDULE: Final = Verb("integration.schedule", Action.MANAGE_INTEGRATIONS)

_log = structlog.get_logger("valetkey.rotation")


@dataclass(frozen=True, slots=True)
class RotationStatus:
    """An integration's latest rotation and its schedule, where there are any."""

    rotation: Rotation | None
    schedule: Schedule | None


class Rotations:
    """Start, resume, schedule and show rotations. They are the organisation owner's."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        keys: AccessKeys,
        audit: AuditLog,
        clock: Clock,
        entropy: Entropy,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._sts = sts
        self._keys = keys
        self._audit = audit
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._clock = clock
        self._entropy = entropy
        self._new_id = new_id
        self._locks = WorkLocks(storage, clock, new_id)
        self._steps = Steps(storage, sealer, sts, keys, audit, clock)
        self._running: set[asyncio.Task[Rotation]] = set()

    async def start(
        self,
        caller: Caller,
        integration_id: str,
        *,
        delete_unknown_key: str = "",
        grace: timedelta = DEFAULT_GRACE,
        administrator: AwsCredentials | None = None,
    ) -> Rotation:
        """Store the intent to replace an integration's key, or return the rotation under way.

        ``administrator`` is used instead of the user's own rights, and never stored.
        ``delete_unknown_key`` is a key that may go to make room. Raises NotFound, Denied, Conflict
        (an unknown key is in the way), InvalidInput, AwsRefused, AwsUnavailable, SealBroken.
        """
        # Nobody without the right is worth a question to AWS.
        await self._access.require(caller, ROTATE, INTEGRATION, integration_id)
        under_way = await self._under_way(integration_id)
        if under_way is not None:
            return await self._allow_removal(under_way, delete_unknown_key)
        integration, key = await open_key(self._storage, self._sealer, integration_id)
        if not integration.type.rules.has_iam_key:
            raise Conflict(
                f"An integration of the type {integration.type} has no access key to rotate.",
                hint="Rotate the keys of aws-sts integrations.",
                code="not_rotatable",
            )
        user = await self._user_of(key, integration.role_arn.partition)
        seen = await self._seen(administrator or key, user)
        before = before_rotating(
            seen, key.id, ours=await self._ours(integration_id), told=delete_unknown_key
        )
        now = self._clock.now()
        rotation = Rotation(
            id=self._new_id(),
            org_id=integration.org_id,
            integration_id=integration.id,
            user_arn=user,
            stage=Stage.INTENDED,
            actor=caller.principal.email,
            old_key_id=key.id,
            known=tuple(each.id for each in seen),
            removable=before.remove,
            by_administrator=administrator is not None,
            grace=grace,
            started_at=now,
            stage_at=now,
            steps=(StepTaken(Stage.INTENDED, now),),
        )
        await self._store(caller, rotation)
        return rotation

    async def _store(self, caller: Caller, rotation: Rotation) -> None:
        """Store an intent, if the integration still holds the key that it is to replace."""
        integration_id = rotation.integration_id
        async with self._access.changing(caller, ROTATE, INTEGRATION, integration_id) as change:
            if change.entity.access_key_id != rotation.old_key_id:
                raise Conflict(
                    "The integration was given another key meanwhile.",
                    hint="Start again.",
                    code="changed_meanwhile",
                )
            await change.work.rotations.add(rotation)
            await change.work.audit.append([rotation_event(self._audit, rotation)])

    async def cancel(self, caller: Caller, integration_id: str) -> Rotation:
        """End the rotation under way, whatever stage it has reached.

        Before the switch the new key is taken back (``advance`` does it); cancelled once more, it
        ends as it is and says what may be left in IAM. After the switch the old key stays as it is.
        Raises NotFound (none is under way), Denied.
        """
        async with self._access.changing(caller, CANCEL, INTEGRATION, integration_id) as change:
            rotation = await change.work.rotations.latest(integration_id)
            if rotation is None or rotation.is_over:
                raise NotFound("No rotation is under way.", hint="Ask for the latest one's status.")
            await forget_old(change.work, rotation)
            rotation = rotation.cancelled(self._clock.now(), caller.principal.email)
            await change.work.rotations.save(rotation)
            await change.work.audit.append([rotation_event(self._audit, rotation)])
            change.note(stage=rotation.stage.value, rotation_id=rotation.id)
        return rotation

    async def advance(
        self,
        rotation_id: str,
        administrator: AwsCredentials | None = None,
        *,
        to_the_end: bool = False,
    ) -> Rotation:
        """Take all steps that are due; with ``to_the_end``, wait for the old key's end as well.

        What went wrong is kept with the rotation, and raised; it goes on from there next time.
        Raises Locked while another process is at it.
        """
        async with self._locks.hold(f"rotation:{rotation_id}") as hold:
            rotation = await self._steps.by_our_clock(await self._get(rotation_id), hold)
            try:
                while not rotation.is_over:
                    wait = (rotation.due_at - self._clock.now()).total_seconds()
                    if wait > 0 and not to_the_end:
                        break
                    if wait > 0:
                        await self._clock.sleep(min(wait, _A_WHILE))
                        await hold.keep()
                        continue
                    rotation = await self._steps.take(rotation, hold, administrator)
            except Locked:
                raise
            except ValetkeyError as error:
                await self._note(rotation_id, error)
                raise
            return rotation

    def advance_soon(self, rotation_id: str, administrator: AwsCredentials | None = None) -> None:
        """Take the steps that are due in the background: whoever asked need not wait."""
        to_the_end = administrator is not None
        task = asyncio.create_task(self.advance(rotation_id, administrator, to_the_end=to_the_end))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Rotation]) -> None:
        self._running.discard(task)
        log_unexpected("rotation")(task)  # what was raised on purpose is kept with the rotation

    async def settle(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def resume(self) -> Sequence[Rotation]:
        """Go on with every rotation that has something to do; return those that were moved.

        One that fails keeps its problem, and doesn't keep the others waiting.
        """
        async with self._storage.read() as work:
            unfinished = await work.rotations.unfinished()
        moved = []
        for rotation in unfinished:
            if rotation.by_administrator or not rotation.is_due(self._clock.now()):
                continue
            try:
                moved.append(await self.advance(rotation.id))
            except ValetkeyError:
                continue
            except Exception:  # noqa: BLE001  # one that meets a bug doesn't keep the others
                _log.error("a rotation failed unexpectedly", rotation=rotation.id, exc_info=True)
        return moved

    async def start_due(self) -> Sequence[Rotation]:
        """Start the rotations whose turn has come by schedule. The next turn is stored first:
        a rotation that can't start is tried again at its next turn, and its problem is audited."""
        now = self._clock.now()
        async with self._storage.begin() as work:
            await work.require_clock()
            due = await work.rotations.due_schedules(now)
            for schedule in due:
                following = schedule.following(now, self._entropy.uniform(0, 1))
                await work.rotations.put_schedule(following)
        started = []
        for schedule in due:
            try:
                started.append(await self._start_by(schedule))
            except ValetkeyError as error:
                await self._audit_failure(schedule, error)
        return started

    async def schedule(
        self, caller: Caller, integration_id: str, every: timedelta | None
    ) -> Schedule | None:
        """Rotate an integration's key every so often from now on, or (None) no more.

        Raises NotFound, Denied, InvalidInput.
        """
        schedule = None
        if every is not None:
            schedule = make_schedule(
                integration_id,
                every,
                now=self._clock.now(),
                chance=self._entropy.uniform(0, 1),
                actor=caller.principal.email,
            )
        async with self._access.changing(caller, SCHEDULE, INTEGRATION, integration_id) as change:
            if schedule is None:
                await change.work.rotations.drop_schedule(integration_id)
            else:
                await change.work.rotations.put_schedule(schedule)
            change.note(every_seconds=int(every.total_seconds()) if every else None)
        return schedule

    async def get(self, caller: Caller, rotation_id: str) -> Rotation:
        """Return a rotation by its id. Raises NotFound, Denied."""
        async with self._storage.read() as work:
            rotation = await work.rotations.get(rotation_id) if is_id(rotation_id) else None
        if rotation is None:
            raise missing(f"rotation:{rotation_id[:80]}")
        async with self._access.reading(caller, READ, INTEGRATION, rotation.integration_id):
            return rotation

    async def status(self, caller: Caller, integration_id: str) -> RotationStatus:
        """Return an integration's latest rotation and its schedule. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, INTEGRATION, integration_id) as read:
            return RotationStatus(
                await read.work.rotations.latest(integration_id),
                await read.work.rotations.schedule_of(integration_id),
            )

    async def _start_by(self, schedule: Schedule) -> Rotation:
        async with self._storage.read() as work:
            integration = await load_integration(work, schedule.integration_id)
            roles = await work.organizations.members(integration.org_id)
        # In the name of whoever set the schedule, who must still be an owner.
        role = next((each.role for each in roles if each.email == schedule.actor), None)
        principal = Principal(
            "", schedule.actor, org_roles={integration.org_id: role} if role else {}
        )
        caller = Caller(principal, request_id="schedule")
        rotation = await self.start(caller, schedule.integration_id)
        return await self.advance(rotation.id)

    async def _audit_failure(self, schedule: Schedule, error: ValetkeyError) -> None:
        async with self._storage.begin() as work:
            integration = await work.integrations.get(schedule.integration_id)
            if integration is None:
                return
            event = self._audit.event(
                Caller(Principal("", schedule.actor), request_id="schedule"),
                "integration.rotate",
                f"integration:{integration.id}",
                org_id=integration.org_id,
                outcome="failed",
                reason=str(error),
            )
            await work.audit.append([event])

    async def _under_way(self, integration_id: str) -> Rotation | None:
        async with self._storage.read() as work:
            latest = await work.rotations.latest(integration_id)
        return latest if latest is not None and not latest.is_over else None

    async def _allow_removal(self, rotation: Rotation, unknown_key: str) -> Rotation:
        if not unknown_key or unknown_key in rotation.removable:
            return rotation
        async with (
            self._locks.hold(f"rotation:{rotation.id}", patience=_PATIENCE),
            self._storage.begin() as work,
        ):
            current = await work.rotations.get(rotation.id) or rotation
            told = replace(current, removable=(*current.removable, unknown_key))
            await work.rotations.save(told)
        return told

    async def _ours(self, integration_id: str) -> frozenset[str]:
        async with self._storage.read() as work:
            earlier = await work.rotations.of_integration(integration_id)
        return frozenset(
            key_id for each in earlier for key_id in (each.old_key_id, each.new_key_id) if key_id
        )

    async def _user_of(self, key: AccessKey, partition: str) -> str:
        try:
            who = await self._sts.caller_identity(key, partition=partition)
        except NotOffered as error:
            raise Conflict(
                "The store does not say whose a key is (GetCallerIdentity), so that Valetkey can't "
                "tell which user's keys to replace.",
                hint="Make a new key at the store, and give it to Valetkey: valetkey integrations "
                "update.",
                code="not_rotatable",
            ) from error
        if ":user/" not in who.arn:
            raise Conflict(
                f"The integration's key belongs to {who.arn}, which is not an IAM user.",
                hint="Set up a user of its own (valetkey setup aws), whose key can be rotated.",
                code="not_rotatable",
            )
        return who.arn

    async def _seen(self, signer: AwsCredentials, user: str) -> Sequence[ObservedKey]:
        try:
            seen = await self._keys.list_keys(signer, user)
            if len(seen) == 1:
                return seen  # nobody to compare it with
            return [await with_last_use(self._keys, signer, user, key) for key in seen]
        except AwsRefused as error:
            if error.details.get("aws_code") not in _DENIED:
                raise
            raise AwsRefused(
                f"Valetkey may not replace the keys of {user}: {error.message}",
                hint="Let the user rotate its own keys (valetkey setup aws apply does), or give "
                "an administrator's credentials for the moment "
                "(valetkey integrations rotate --aws-profile NAME).",
                **error.details,
            ) from None

    async def _note(self, rotation_id: str, error: ValetkeyError) -> None:
        try:
            async with self._storage.begin() as work:
                current = await work.rotations.get(rotation_id)
                if current is not None and not current.is_over:  # others may have ended it
                    await work.rotations.save(replace(current, problem=str(error)))
        except ValetkeyError:
            return  # the database is what failed; the error itself is raised to the caller

    async def _get(self, rotation_id: str) -> Rotation:
        async with self._storage.read() as work:
            rotation = await work.rotations.get(rotation_id)
        if rotation is None:
            raise NotFound("There is no such rotation.", hint="Ask for the integration's latest.")
        return rotation
