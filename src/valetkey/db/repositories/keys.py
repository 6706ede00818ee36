"""Rotations, leases of work, revocations, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from valetkey.db.errors import conflict
from valetkey.db.repositories.rows import Repository, from_row, sealed_row, to_row
from valetkey.db.tables import keys as t
from valetkey.domain.errors import RotationUnderWay
from valetkey.domain.holding import LONGEST
from valetkey.domain.revocation import Block, Hold, Kind, Revocation, RevocationState
from valetkey.domain.rotation import ENDS, Rotation, Schedule, Stage, StepTaken
from valetkey.domain.sealing import SealedSecret

_NO_SECRET = {"kek_id": None, "wrapped_key": None, "nonce": None, "ciphertext": None}
_ENDS = [stage.value for stage in ENDS]
#: The two halves of PostgreSQL's advisory locks: ours for revocations, and the role's number.
_LOCK_CLASS = 0x564B5256


class SqlRotations(Repository):
    """Implements ports.RotationRepository."""

    async def add(self, rotation: Rotation) -> None:
        with conflict(
            "A rotation of this integration is under way.",
            "See how far it is, and let it end.",
            kind=RotationUnderWay,
        ):
            await self._insert(t.rotations, _rotation_row(rotation))

    async def save(self, rotation: Rotation) -> None:
        match = t.rotations.c.id == rotation.id
        await self._change(update(t.rotations).where(match).values(**_rotation_row(rotation)))

    async def get(self, rotation_id: str) -> Rotation | None:
        row = await self._one(select(t.rotations).where(t.rotations.c.id == rotation_id))
        return _rotation(row) if row else None

    async def latest(self, integration_id: str) -> Rotation | None:
        query = select(t.rotations).where(t.rotations.c.integration_id == integration_id)
        row = await self._one(query.order_by(t.rotations.c.id.desc()).limit(1))
        return _rotation(row) if row else None

    async def of_integration(self, integration_id: str) -> Sequence[Rotation]:
        query = select(t.rotations).where(t.rotations.c.integration_id == integration_id)
        return [_rotation(row) for row in await self._all(query.order_by(t.rotations.c.id))]

    async def unfinished(self) -> Sequence[Rotation]:
        query = select(t.rotations).where(t.rotations.c.stage.not_in(_ENDS))
        return [_rotation(row) for row in await self._all(query.order_by(t.rotations.c.id))]

    async def keep_secret(self, rotation_id: str, sealed: SealedSecret | None) -> None:
        row = sealed_row(sealed) if sealed else _NO_SECRET
        match = t.rotations.c.id == rotation_id
        await self._change(update(t.rotations).where(match).values(**row))

    async def sealed_secret(self, rotation_id: str) -> SealedSecret | None:
        row = await self._one(select(t.rotations).where(t.rotations.c.id == rotation_id))
        return from_row(SealedSecret, row) if row and row.kek_id else None

    async def schedule_of(self, integration_id: str) -> Schedule | None:
        match = t.rotation_schedules.c.integration_id == integration_id
        row = await self._one(select(t.rotation_schedules).where(match))
        return _schedule(row) if row else None

    async def put_schedule(self, schedule: Schedule) -> None:
        row = to_row(schedule) | {
            "every": int(schedule.every.total_seconds()),
            "jitter": int(schedule.jitter.total_seconds()),
        }
        await self._put(t.rotation_schedules, {"integration_id": row.pop("integration_id")}, row)

    async def drop_schedule(self, integration_id: str) -> bool:
        match = t.rotation_schedules.c.integration_id == integration_id
        return await self._change(delete(t.rotation_schedules).where(match))

    async def due_schedules(self, now: datetime) -> Sequence[Schedule]:
        query = select(t.rotation_schedules).where(t.rotation_schedules.c.next_at <= now)
        rows = await self._all(query.order_by(t.rotation_schedules.c.next_at))
        return [_schedule(row) for row in rows]


def _rotation_row(rotation: Rotation) -> dict[str, Any]:
    return to_row(rotation) | {
        "known": list(rotation.known),
        "removable": list(rotation.removable),
        "going": list(rotation.going),
        "grace": int(rotation.grace.total_seconds()),
        "steps": [[step.stage.value, step.at.isoformat(), step.note] for step in rotation.steps],
    }


def _rotation(row: Row[Any]) -> Rotation:
    return from_row(
        Rotation,
        row,
        stage=Stage(row.stage),
        known=tuple(row.known),
        removable=tuple(row.removable),
        going=tuple(row.going),
        grace=timedelta(seconds=row.grace),
        steps=tuple(
            StepTaken(Stage(stage), datetime.fromisoformat(at), note)
            for stage, at, note in row.steps
        ),
    )


def _schedule(row: Row[Any]) -> Schedule:
    return from_row(
        Schedule, row, every=timedelta(seconds=row.every), jitter=timedelta(seconds=row.jitter)
    )


class SqlWorkLeases(Repository):
    """Implements ports.WorkLeases."""

    async def take(self, name: str, owner: str, *, now: datetime, until: datetime) -> bool:
        table = t.work_leases
        over = (table.c.until <= now) | (table.c.until > now + LONGEST)
        free = (table.c.owner == owner) | over
        statement = update(table).where(table.c.name == name, free)
        if await self._change(statement.values(owner=owner, until=until)):
            return True
        try:
            # A savepoint: on PostgreSQL a refused row would spoil the whole transaction.
            async with self._connection.begin_nested():
                await self._insert(table, {"name": name, "owner": owner, "until": until})
        except IntegrityError:
            return False
        return True

    async def give_back(self, name: str, owner: str) -> None:
        table = t.work_leases
        await self._change(delete(table).where(table.c.name == name, table.c.owner == owner))


class SqlRevocations(Repository):
    """Implements ports.RevocationRepository."""

    async def lock(self, role_arn: str) -> None:
        if self._connection.dialect.name != "postgresql":
            return  # SQLite's writing transactions are alone from their first statement
        number = func.hashtext(role_arn)  # two roles of one number wait for each other, no more
        await self._connection.execute(select(func.pg_advisory_xact_lock(_LOCK_CLASS, number)))

    async def add(self, revocation: Revocation) -> None:
        await self._insert(t.revocations, _revocation_row(revocation))

    async def save(self, revocation: Revocation) -> None:
        match = t.revocations.c.id == revocation.id
        row = _revocation_row(revocation)
        await self._change(update(t.revocations).where(match).values(**row))

    async def get(self, revocation_id: str) -> Revocation | None:
        row = await self._one(select(t.revocations).where(t.revocations.c.id == revocation_id))
        return _revocation(row) if row else None

    async def of_org(self, org_id: str) -> Sequence[Revocation]:
        query = select(t.revocations).where(t.revocations.c.org_id == org_id)
        rows = await self._all(query.order_by(t.revocations.c.id.desc()))
        return [_revocation(row) for row in rows]

    async def of_role(self, role_arn: str) -> Sequence[Revocation]:
        return await self._open(t.revocations.c.role_arn == role_arn)

    async def unfinished(self) -> Sequence[Revocation]:
        return await self._open()

    async def _open(self, *conditions: Any) -> Sequence[Revocation]:
        is_open = t.revocations.c.state != RevocationState.OVER.value
        query = select(t.revocations).where(is_open, *conditions).order_by(t.revocations.c.id)
        return [_revocation(row) for row in await self._all(query)]


def _revocation_row(revocation: Revocation) -> dict[str, Any]:
    return to_row(revocation) | {"sessions": list(revocation.sessions)}


def _revocation(row: Row[Any]) -> Revocation:
    return from_row(
        Revocation,
        row,
        kind=Kind(row.kind),
        state=RevocationState(row.state),
        sessions=tuple(row.sessions),
    )


class SqlBlocks(Repository):
    """Implements ports.BlockRepository."""

    async def add(self, block: Block) -> None:
        row = to_row(block)
        await self._put(
            t.vend_blocks,
            {name: row[name] for name in ("org_id", "kind", "target")},
            {name: row[name] for name in ("id", "reason", "actor", "created_at")},
        )

    async def of_org(self, org_id: str) -> Sequence[Block]:
        query = select(t.vend_blocks).where(t.vend_blocks.c.org_id == org_id)
        rows = await self._all(query.order_by(t.vend_blocks.c.id))
        return [from_row(Block, row, kind=Kind(row.kind)) for row in rows]

    async def remove(self, org_id: str, kind: Kind, target: str) -> bool:
        c = t.vend_blocks.c
        match = (c.org_id == org_id) & (c.kind == kind.value) & (c.target == target)
        return await self._change(delete(t.vend_blocks).where(match))

    async def hold(self, hold: Hold) -> None:
        await self._insert(t.vend_holds, to_row(hold))

    async def holds_of(self, org_id: str) -> Sequence[Hold]:
        query = select(t.vend_holds).where(t.vend_holds.c.org_id == org_id)
        return [from_row(Hold, row, kind=Kind(row.kind)) for row in await self._all(query)]

    async def release(self, hold_id: str) -> None:
        await self._change(delete(t.vend_holds).where(t.vend_holds.c.id == hold_id))
