"""The steps of a rotation. Each reads what is stored, asks AWS for one thing, stores the outcome.

Between any two lines the process may die. What is stored then is either what was before the step,
and the step is taken again, or what is after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from valetkey.domain.access import Principal
from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import Conflict, Locked, NotFound, SealBroken, ValetkeyError
from valetkey.domain.ports import AccessKeys, Clock, Sealer, Storage, Sts, UnitOfWork
from valetkey.domain.rotation import MOST_KEYS_MADE, Rotation, Stage, since_the_intent
from valetkey.domain.sealing import SealContext
from valetkey.domain.setup.observed import ObservedKey
from valetkey.domain.tags import integration_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.integrations import open_key
from valetkey.services.nouns import INTEGRATION
from valetkey.services.rotation.proof import KeyProver
from valetkey.services.work import HeldLease

_log = structlog.get_logger("valetkey.rotation")


@dataclass(slots=True)
class _StepContext:
    """What a step works with. ``signer`` is an administrator, or None for the user itself."""

    rotation: Rotation
    hold: HeldLease
    administrator: AwsCredentials | None
    #: The stage that is stored: whoever finds another one has been overtaken.
    began: tuple[Stage, datetime]


class Steps:
    """Takes one step at a time."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        keys: AccessKeys,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._prover = KeyProver(sts, clock)
        self._steps: Mapping[Stage, Callable[[_StepContext], Awaitable[Rotation]]] = {
            Stage.INTENDED: self._create,
            Stage.CREATED: self._discard_lost,
            Stage.SEALED: self._prove,
            Stage.PROVEN: self._switch,
            Stage.SWITCHED: self._deactivate,
            Stage.DEACTIVATED: self._delete,
            Stage.ROLLING_BACK: self._roll_back,
        }

    async def take(
        self, rotation: Rotation, hold: HeldLease, administrator: AwsCredentials | None = None
    ) -> Rotation:
        """Take the next step of a rotation that is not over, and return it as stored.

        Raises AwsRefused, AwsUnavailable, Conflict, Locked, SealBroken, StorageUnavailable; what
        is stored is then as it was, and the step can be taken again.
        """
        if rotation.by_administrator and administrator is None:
            raise Conflict(
                "This rotation was begun with an administrator's credentials, which Valetkey has "
                "not kept.",
                hint="Give them once more: valetkey integrations rotate --aws-profile NAME",
                code="administrator_needed",
            )
        turn = _StepContext(rotation, hold, administrator, (rotation.stage, rotation.stage_at))
        try:
            superseded = rotation.superseded(await self._held(rotation))
            if superseded is not None:
                after = rotation.at(superseded.stage, self._clock.now(), superseded.why)
                return await self._store(turn, after)
            return await self._steps[rotation.stage](turn)
        except NotFound:
            why = (
                f"The integration was deleted meanwhile: see which keys {rotation.user_arn} has "
                "left in IAM, and delete them there."
            )
            return await self._store(turn, rotation.at(Stage.ROLLED_BACK, self._clock.now(), why))

    async def by_our_clock(self, rotation: Rotation, hold: HeldLease) -> Rotation:
        """Return a rotation whose wait begins now at the latest, as stored. Raises Conflict,
        Locked, StorageUnavailable."""
        now = self._clock.now()
        if rotation.is_over or not rotation.is_ahead(now):
            return rotation
        turn = _StepContext(rotation, hold, None, (rotation.stage, rotation.stage_at))
        async with self._storage.begin() as work:
            await work.lock(INTEGRATION.name, rotation.integration_id)
            await hold.renew(work)
            timed = replace(await _as_it_began(work, turn), stage_at=now)
            await work.rotations.save(timed)
        return timed

    async def _create(self, turn: _StepContext) -> Rotation:
        rotation = turn.rotation
        signer = await self._signer(turn)
        seen = await self._keys.list_keys(signer, rotation.user_arn)
        suspects = since_the_intent(rotation, await self._used(signer, rotation, seen))
        if suspects.unknown_keys or rotation.keys_made >= MOST_KEYS_MADE:
            why = (
                f"Somebody else made the key {suspects.unknown_keys[0]} meanwhile."
                if suspects.unknown_keys
                else "The new key's secret could not be stored, several times."
            )
            return await self._store(turn, rotation.at(Stage.ROLLING_BACK, self._clock.now(), why))
        present = {key.id for key in seen}
        await self._delete_keys(
            turn, signer, present & {*rotation.removable, *suspects.orphans} - {rotation.old_key_id}
        )
        key = await self._keys.create(signer, rotation.user_arn)
        created = turn.rotation.at(Stage.CREATED, self._clock.now(), new_key_id=key.id)
        try:
            await self._store(turn, created)
        except (Locked, Conflict):
            # Overtaken while AWS was asked: whoever goes on may have ended it without this key.
            await self._take_back(turn, signer, key.id)
            raise
        sealed = await self._sealer.seal(key.secret, _context(rotation))
        stored = created.at(Stage.SEALED, self._clock.now())

        async def keep(work: UnitOfWork) -> None:
            await work.rotations.keep_secret(rotation.id, sealed)

        return await self._store(turn, stored, keep)

    async def _take_back(self, turn: _StepContext, signer: AwsCredentials, key_id: str) -> None:
        user = turn.rotation.user_arn
        try:
            await self._keys.delete(signer, user, key_id)
        except ValetkeyError as error:
            _log.error("an unused new key is left in IAM", user=user, key=key_id)
            raise Conflict(
                f"Another process went on with the rotation meanwhile, and the unused "
                f"new key {key_id} is left: {error.message}",
                hint=f"Delete it in IAM: it belongs to {user}.",
                code="changed_meanwhile",
            ) from error

    async def _discard_lost(self, turn: _StepContext) -> Rotation:
        """AWS made the key, and its secret was lost before it was stored."""
        rotation = turn.rotation
        signer = await self._signer(turn)
        await self._delete_keys(turn, signer, {rotation.new_key_id})
        note = f"The secret of {rotation.new_key_id} was lost; the key is deleted."
        return await self._store(turn, turn.rotation.again(self._clock.now(), note))

    async def _prove(self, turn: _StepContext) -> Rotation:
        rotation = turn.rotation
        async with self._storage.read() as work:
            integration = await work.integrations.get(rotation.integration_id)
        if integration is None:
            why = "The integration was deleted meanwhile."
            return await self._store(turn, rotation.at(Stage.ROLLING_BACK, self._clock.now(), why))
        key = await self._new_key(rotation)
        why_not = await self._prover.prove(rotation, key, integration, turn.hold)
        now = self._clock.now()
        stage = Stage.ROLLING_BACK if why_not else Stage.PROVEN
        note = f"AWS never accepted the new key: {why_not}" if why_not else ""
        return await self._store(turn, rotation.at(stage, now, note))

    async def _switch(self, turn: _StepContext) -> Rotation:
        rotation, now = turn.rotation, self._clock.now()
        async with self._storage.begin() as work:
            await work.lock(INTEGRATION.name, rotation.integration_id)
            await turn.hold.renew(work)
            integration = await work.integrations.get(rotation.integration_id)
            sealed = await work.rotations.sealed_secret(rotation.id)
            if integration is None or integration.access_key_id != rotation.old_key_id:
                why = "The integration was deleted, or given another key, meanwhile."
                after = rotation.at(Stage.ROLLING_BACK, now, why)
            elif sealed is None:
                raise _lost(rotation)
            else:
                after = rotation.at(Stage.SWITCHED, now)
                new = replace(integration.with_key(rotation.new_key_id, now), updated_at=now)
                await work.integrations.save(new)
                before = await work.integrations.sealed_secret(new.id)
                await work.integrations.replace_secret(new.id, sealed)
                # Until the old key goes, vending falls back to it where AWS doesn't know the new.
                await work.rotations.keep_secret(rotation.id, before)
                await work.invalidations.publish({integration_tag(new.id)})
            await self._write(work, turn, after)
        return after

    async def _deactivate(self, turn: _StepContext) -> Rotation:
        rotation = turn.rotation
        signer = await self._signer(turn)
        for key_id in await self._mark_going(turn, {rotation.old_key_id}):
            await self._keys.set_active(signer, rotation.user_arn, key_id, active=False)
        return await self._store(turn, turn.rotation.at(Stage.DEACTIVATED, self._clock.now()))

    async def _delete(self, turn: _StepContext) -> Rotation:
        rotation = turn.rotation
        signer = await self._signer(turn)
        seen = await self._keys.list_keys(signer, rotation.user_arn)
        old = next((key for key in seen if key.id == rotation.old_key_id), None)
        if old is not None and old.active and old.id not in rotation.removable:
            raise Conflict(
                f"Somebody has activated the old key {old.id} again: something else uses it.",
                hint="Give what uses it a key of its own, then have it deleted: "
                f"valetkey integrations rotate --delete-unknown-key {old.id}",
                code="key_in_use",
            )
        await self._delete_keys(turn, signer, {rotation.old_key_id})
        return await self._store(turn, turn.rotation.at(Stage.DONE, self._clock.now()))

    async def _roll_back(self, turn: _StepContext) -> Rotation:
        rotation = turn.rotation
        held = await self._held(rotation)
        signer = await self._signer_of_rollback(turn, held)
        going = {rotation.new_key_id} if rotation.new_key_id else set()
        if not going:
            seen = await self._keys.list_keys(signer, rotation.user_arn)
            used = await self._used(signer, rotation, seen)
            going = set(since_the_intent(rotation, used).orphans)
        await self._delete_keys(turn, signer, going)

        async def forget(work: UnitOfWork) -> None:
            await work.rotations.keep_secret(rotation.id, None)

        over = turn.rotation.at(Stage.ROLLED_BACK, self._clock.now(), rotation.problem)
        return await self._store(turn, over, forget)

    async def _held(self, rotation: Rotation) -> str:
        """Return the key that the integration holds now; empty if it is gone."""
        async with self._storage.read() as work:
            integration = await work.integrations.get(rotation.integration_id)
        return integration.access_key_id if integration else ""

    async def _delete_keys(
        self, turn: _StepContext, signer: AwsCredentials, key_ids: Collection[str]
    ) -> None:
        for key_id in await self._mark_going(turn, key_ids):
            await self._keys.delete(signer, turn.rotation.user_arn, key_id)

    async def _mark_going(self, turn: _StepContext, key_ids: Collection[str]) -> Sequence[str]:
        """Store that keys go, and return those that may: not the one that the integration holds.

        What AWS is asked next can't be undone. From here on nobody can enter such a key: whoever
        does so looks at the mark under the same lock.
        """
        rotation = turn.rotation
        async with self._storage.begin() as work:
            await work.lock(INTEGRATION.name, rotation.integration_id)
            await turn.hold.renew(work)
            integration = await work.integrations.get(rotation.integration_id)
            held = integration.access_key_id if integration else ""
            stored = await _as_it_began(work, turn)
            await work.rotations.save(stored.marking(key_ids, held))
            await forget_old(work, rotation)
        turn.rotation = rotation.marking(key_ids, held)
        return sorted(key_id for key_id in key_ids if key_id and key_id != held)

    async def _used(
        self, signer: AwsCredentials, rotation: Rotation, seen: Sequence[ObservedKey]
    ) -> Sequence[ObservedKey]:
        """Look up the last use of keys that were not known at the intent."""
        return [
            key
            if key.id in rotation.known
            else await with_last_use(self._keys, signer, rotation.user_arn, key)
            for key in seen
        ]

    async def _signer(self, turn: _StepContext) -> AwsCredentials:
        """Whoever makes the change: an administrator, or the user by the key that vending uses."""
        if turn.administrator is not None:
            return turn.administrator
        _, key = await open_key(self._storage, self._sealer, turn.rotation.integration_id)
        return key

    async def _signer_of_rollback(self, turn: _StepContext, held: str) -> AwsCredentials:
        if turn.administrator is None and held != turn.rotation.old_key_id:
            # The integration is another user's by now, or gone: the new key removes itself.
            return await self._new_key(turn.rotation)
        return await self._signer(turn)

    async def _new_key(self, rotation: Rotation) -> AccessKey:
        async with self._storage.read() as work:
            sealed = await work.rotations.sealed_secret(rotation.id)
        if sealed is None:
            raise _lost(rotation)
        return AccessKey(rotation.new_key_id, await self._sealer.open(sealed, _context(rotation)))

    async def _store(
        self,
        turn: _StepContext,
        rotation: Rotation,
        also: Callable[[UnitOfWork], Awaitable[None]] | None = None,
    ) -> Rotation:
        async with self._storage.begin() as work:
            await work.lock(INTEGRATION.name, rotation.integration_id)
            await turn.hold.renew(work)
            if also is not None:
                await also(work)
            await self._write(work, turn, rotation)
        return rotation

    async def _write(self, work: UnitOfWork, turn: _StepContext, rotation: Rotation) -> None:
        await forget_old(work, await _as_it_began(work, turn))
        turn.rotation, turn.began = rotation, (rotation.stage, rotation.stage_at)
        await work.rotations.save(rotation)
        await work.audit.append([rotation_event(self._audit, rotation)])


async def _as_it_began(work: UnitOfWork, turn: _StepContext) -> Rotation:
    """Return the rotation as it is stored. Raises Conflict when somebody else has moved it."""
    stored = await work.rotations.get(turn.rotation.id)
    if stored is None or (stored.stage, stored.stage_at) != turn.began:
        raise Conflict(
            "The rotation was cancelled meanwhile.",
            hint="Ask for its status: it says how.",
            code="changed_meanwhile",
        )
    return stored


async def forget_old(work: UnitOfWork, rotation: Rotation) -> None:
    """Forget the old key's secret, if it was kept since the switch."""
    if rotation.stage is not Stage.SWITCHED:
        return
    await work.rotations.keep_secret(rotation.id, None)
    await work.invalidations.publish({integration_tag(rotation.integration_id)})


def rotation_event(audit: AuditLog, rotation: Rotation) -> Any:
    """Describe a rotation's stage for the audit trail."""
    failed = {Stage.ROLLING_BACK, Stage.ROLLED_BACK}
    return audit.event(
        Caller(Principal("", rotation.actor)),
        "integration.rotate",
        f"integration:{rotation.integration_id}",
        org_id=rotation.org_id,
        outcome="failed" if rotation.stage in failed else "allowed",
        reason=rotation.steps[-1].note if rotation.steps else "",
        stage=rotation.stage.value,
        rotation_id=rotation.id,
        old_key_id=rotation.old_key_id,
        new_key_id=rotation.new_key_id,
    )


async def with_last_use(
    keys: AccessKeys, signer: AwsCredentials, user: str, key: ObservedKey
) -> ObservedKey:
    """Return a key with when it was last used."""
    return replace(key, last_used_at=await keys.last_used(signer, user, key.id))


def _lost(rotation: Rotation) -> SealBroken:
    return SealBroken(
        f"The secret of the new key {rotation.new_key_id or '(none)'} is not stored.",
        hint=f"Delete the key in IAM: it belongs to {rotation.user_arn}.",
    )


def _context(rotation: Rotation) -> SealContext:
    """The new secret is sealed where it will belong, so that the switch moves it as it is."""
    return SealContext(rotation.org_id, rotation.integration_id, "secret")
