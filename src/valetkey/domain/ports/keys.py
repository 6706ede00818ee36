"""What rotation, revocation and custody need of the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.revocation import Block, Hold, Kind, Revocation
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.rotation import Rotation, Schedule
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.setup.observed import ObservedKey


class AccessKeys(Protocol):
    """An IAM user's access keys; the user is named by its ARN. All methods raise AwsRefused or
    AwsUnavailable."""

    async def list_keys(self, signer: AwsCredentials, user: str) -> Sequence[ObservedKey]:
        """Return the user's keys, without their last use."""
        ...

    async def last_used(self, signer: AwsCredentials, user: str, key_id: str) -> datetime | None:
        """Return when a key was last used; None if never."""
        ...

    async def create(self, signer: AwsCredentials, user: str) -> AccessKey:
        """Make a key. Never sent twice: an AwsUnavailable leaves open whether there is one now."""
        ...

    async def set_active(
        self, signer: AwsCredentials, user: str, key_id: str, *, active: bool
    ) -> None:
        """Activate or deactivate a key."""
        ...

    async def delete(self, signer: AwsCredentials, user: str, key_id: str) -> None:
        """Delete a key; one that is not there is as good as deleted."""
        ...


class RolePolicies(Protocol):
    """A role's inline policies. All methods raise AwsRefused or AwsUnavailable."""

    async def get(
        self, signer: AwsCredentials, role: RoleArn, name: str
    ) -> Mapping[str, Any] | None:
        """Return a policy's document; None if there is none of this name."""
        ...

    async def put(self, signer: AwsCredentials, role: RoleArn, name: str, document: str) -> None:
        """Put a policy in, in place of an earlier one of its name."""
        ...

    async def delete(self, signer: AwsCredentials, role: RoleArn, name: str) -> None:
        """Take a policy out; one that is not there is as good as taken out."""
        ...


class RotationRepository(Protocol):
    """Rotations; an integration has at most one that is not over: ``add`` raises Conflict."""

    async def add(self, rotation: Rotation) -> None:
        """Store a rotation that begins."""
        ...

    async def save(self, rotation: Rotation) -> None:
        """Store how far a rotation is."""
        ...

    async def get(self, rotation_id: str) -> Rotation | None:
        """Return a rotation; None if there is none."""
        ...

    async def latest(self, integration_id: str) -> Rotation | None:
        """Return an integration's newest rotation; None before the first."""
        ...

    async def of_integration(self, integration_id: str) -> Sequence[Rotation]:
        """Return all rotations, oldest first."""
        ...

    async def unfinished(self) -> Sequence[Rotation]:
        """Return those of all integrations that are not over, oldest first."""
        ...

    async def keep_secret(self, rotation_id: str, sealed: SealedSecret | None) -> None:
        """Keep, or forget, a sealed secret: the new key's until the switch, then the old one's
        until that goes."""
        ...

    async def sealed_secret(self, rotation_id: str) -> SealedSecret | None:
        """Return the secret that is kept, as it is stored; None if none is."""
        ...

    async def schedule_of(self, integration_id: str) -> Schedule | None:
        """Return how often an integration's key is rotated; None if it is not, by itself."""
        ...

    async def put_schedule(self, schedule: Schedule) -> None:
        """Store an integration's schedule, in place of an earlier one."""
        ...

    async def drop_schedule(self, integration_id: str) -> bool:
        """Forget a schedule; tell whether there was one."""
        ...

    async def due_schedules(self, now: datetime) -> Sequence[Schedule]:
        """Return the schedules whose next moment has come."""
        ...


class WorkLeases(Protocol):
    """Locks that end by themselves, so that a killed process blocks nobody for long."""

    async def take(self, name: str, owner: str, *, now: datetime, until: datetime) -> bool:
        """Take a lease, or prolong one's own; False while somebody else holds it, which is until
        it ends, and where that is in more than ``holding.LONGEST`` not at all."""
        ...

    async def give_back(self, name: str, owner: str) -> None:
        """End one's lease; somebody else's is let be."""
        ...


class RevocationRepository(Protocol):
    """What was called back."""

    async def lock(self, role_arn: str) -> None:
        """Keep everybody else from claiming sessions of a role, and from changing what is revoked
        of it, until this transaction ends. Wait for whoever does so now."""
        ...

    async def add(self, revocation: Revocation) -> None:
        """Store a revocation that begins."""
        ...

    async def save(self, revocation: Revocation) -> None:
        """Store how far a revocation is."""
        ...

    async def get(self, revocation_id: str) -> Revocation | None:
        """Return a revocation; None if there is none."""
        ...

    async def of_org(self, org_id: str) -> Sequence[Revocation]:
        """Return revocations, newest first."""
        ...

    async def of_role(self, role_arn: str) -> Sequence[Revocation]:
        """Return those that are not over, of all integrations on a role."""
        ...

    async def unfinished(self) -> Sequence[Revocation]:
        """Return those that are not over, of all organisations, oldest first."""
        ...


class BlockRepository(Protocol):
    """Who is given no new session. Adding one that is there already changes nothing."""

    async def add(self, block: Block) -> None:
        """Store a block."""
        ...

    async def of_org(self, org_id: str) -> Sequence[Block]:
        """Return an organisation's blocks, oldest first."""
        ...

    async def remove(self, org_id: str, kind: Kind, target: str) -> bool:
        """Forget a block; tell whether there was one."""
        ...

    async def hold(self, hold: Hold) -> None:
        """Store that somebody is given nothing new while a revocation is at work."""
        ...

    async def holds_of(self, org_id: str) -> Sequence[Hold]:
        """Return an organisation's holds."""
        ...

    async def release(self, hold_id: str) -> None:
        """Forget a hold."""
        ...


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A stored secret: in which table's row, and what it is bound to."""

    table: str
    id: str
    context: SealContext
    sealed: SealedSecret


class SealedRows(Protocol):
    """Every sealed secret in the database, whatever it is for."""

    async def usage(self) -> Mapping[str, int]:
        """Return how many secrets each key-encryption key has wrapped."""
        ...

    async def wrapped_by(self, kek_ids: Sequence[str], *, limit: int) -> Sequence[SealedRow]:
        """Return at most so many secrets that these keys have wrapped."""
        ...

    async def rewrap(self, row: SealedRow, sealed: SealedSecret) -> bool:
        """Replace a secret's envelope, unless the secret was replaced meanwhile."""
        ...


class Resealer(Protocol):
    """A sealer that can move secrets from older key-encryption keys to the present one."""

    @property
    def active_key_id(self) -> str:
        """The id of the key-encryption key that wraps what is new."""
        ...

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all key-encryption keys that can be unwrapped with."""
        ...

    @property
    def earlier_key_ids(self) -> frozenset[str]:
        """Those of them that only earlier releases gave."""
        ...

    async def rewrap(self, sealed: SealedSecret, context: SealContext) -> SealedSecret:
        """Wrap a secret's data key with the present key. Raises SealBroken, StorageUnavailable."""
        ...
