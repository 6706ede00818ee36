"""Rotations, leases of work, revocations and blocks in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from valetkey.domain.errors import RotationUnderWay
from valetkey.domain.holding import LONGEST
from valetkey.domain.revocation import Block, Hold, Kind, Revocation, RevocationState
from valetkey.domain.rotation import Rotation, Schedule
from valetkey.domain.sealing import SealedSecret


class MemoryRotations:
    """Implements ports.RotationRepository."""

    def __init__(self) -> None:
        self.rows: dict[str, Rotation] = {}
        self.secrets: dict[str, SealedSecret] = {}
        self.schedules: dict[str, Schedule] = {}

    async def add(self, rotation: Rotation) -> None:
        if any(not row.is_over for row in await self.of_integration(rotation.integration_id)):
            raise RotationUnderWay(
                "A rotation of this integration is under way.",
                hint="See how far it is, and let it end.",
            )
        self.rows[rotation.id] = rotation

    async def save(self, rotation: Rotation) -> None:
        if rotation.id in self.rows:
            self.rows[rotation.id] = rotation

    async def get(self, rotation_id: str) -> Rotation | None:
        return self.rows.get(rotation_id)

    async def latest(self, integration_id: str) -> Rotation | None:
        return next(reversed(await self.of_integration(integration_id)), None)

    async def of_integration(self, integration_id: str) -> Sequence[Rotation]:
        rows = [row for _, row in sorted(self.rows.items())]
        return [row for row in rows if row.integration_id == integration_id]

    async def unfinished(self) -> Sequence[Rotation]:
        return [row for _, row in sorted(self.rows.items()) if not row.is_over]

    async def keep_secret(self, rotation_id: str, sealed: SealedSecret | None) -> None:
        if sealed is None:
            self.secrets.pop(rotation_id, None)
        else:
            self.secrets[rotation_id] = sealed

    async def sealed_secret(self, rotation_id: str) -> SealedSecret | None:
        return self.secrets.get(rotation_id)

    async def schedule_of(self, integration_id: str) -> Schedule | None:
        return self.schedules.get(integration_id)

    async def put_schedule(self, schedule: Schedule) -> None:
        self.schedules[schedule.integration_id] = schedule

    async def drop_schedule(self, integration_id: str) -> bool:
        return self.schedules.pop(integration_id, None) is not None

    async def due_schedules(self, now: datetime) -> Sequence[Schedule]:
        due = [schedule for schedule in self.schedules.values() if schedule.next_at <= now]
        return sorted(due, key=lambda schedule: schedule.next_at)


class MemoryWorkLeases:
    """Implements ports.WorkLeases."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, datetime]] = {}

    async def take(self, name: str, owner: str, *, now: datetime, until: datetime) -> bool:
        holder, held_until = self._rows.get(name, (owner, now))
        if holder != owner and now < held_until <= now + LONGEST:
            return False
        self._rows[name] = (owner, until)
        return True

    async def give_back(self, name: str, owner: str) -> None:
        if self._rows.get(name, ("", None))[0] == owner:
            del self._rows[name]


class MemoryRevocations:
    """Implements ports.RevocationRepository."""

    def __init__(self) -> None:
        self.rows: dict[str, Revocation] = {}

    async def lock(self, role_arn: str) -> None:
        """Transactions in memory are alone."""

    async def add(self, revocation: Revocation) -> None:
        self.rows[revocation.id] = revocation

    async def save(self, revocation: Revocation) -> None:
        if revocation.id in self.rows:
            self.rows[revocation.id] = revocation

    async def get(self, revocation_id: str) -> Revocation | None:
        return self.rows.get(revocation_id)

    async def of_org(self, org_id: str) -> Sequence[Revocation]:
        rows = sorted(self.rows.items(), reverse=True)
        return [row for _, row in rows if row.org_id == org_id]

    async def of_role(self, role_arn: str) -> Sequence[Revocation]:
        return [row for row in await self.unfinished() if row.role_arn == role_arn]

    async def unfinished(self) -> Sequence[Revocation]:
        rows = [row for _, row in sorted(self.rows.items())]
        return [row for row in rows if row.state is not RevocationState.OVER]


class MemoryBlocks:
    """Implements ports.BlockRepository."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Kind, str], Block] = {}
        self._holds: dict[str, Hold] = {}

    async def add(self, block: Block) -> None:
        self._rows[block.org_id, block.kind, block.target] = block

    async def of_org(self, org_id: str) -> Sequence[Block]:
        rows = sorted(self._rows.values(), key=lambda block: block.id)
        return [block for block in rows if block.org_id == org_id]

    async def remove(self, org_id: str, kind: Kind, target: str) -> bool:
        return self._rows.pop((org_id, kind, target), None) is not None

    async def hold(self, hold: Hold) -> None:
        self._holds[hold.id] = hold

    async def holds_of(self, org_id: str) -> Sequence[Hold]:
        return [hold for hold in self._holds.values() if hold.org_id == org_id]

    async def release(self, hold_id: str) -> None:
        self._holds.pop(hold_id, None)
