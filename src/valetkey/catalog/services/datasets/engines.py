"""Who works a sync's shards off: this process, or a cluster.

An engine knows nothing that is not stored: how far a shard is, and whose, are rows of the database.
So any engine goes on with what another began.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from valetkey.catalog.domain.sync import Command, Shard
from valetkey.catalog.services.datasets.cutting import Cutter
from valetkey.catalog.services.datasets.lister import BucketLister
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.sessions import LOOK, Sessions, renewed
from valetkey.catalog.services.nouns import SYNC
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import InvalidInput, ValetkeyError
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import CredentialSource
from valetkey.services.audit import Caller


class EngineFailed(ValetkeyError):
    """The engine that a sync was given to can't do it, or does not any more."""

    code = "engine_failed"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a sync stands on: on whose behalf it is done, over which objects, and how they are
    listed. ``credentials`` gives a session that holds for a while yet."""

    command: Command
    caller: Caller
    store: DatasetStorage
    credentials: CredentialSource
    lister: BucketLister
    cutter: Cutter


class ShardEngine(Protocol):
    """Works shards off."""

    def check(self, address: str) -> str:
        """Return the address that a sync is stored with; empty asks for the usual one. Raises
        InvalidInput where this engine can't be had there."""
        ...

    async def work_off(self, scene: Scene, shards: Sequence[Shard]) -> int:
        """Work off what can be claimed of the shards; return how many could be. Raises OutOfOrder,
        EngineFailed, and what the bucket and the storage raise; what is done is stored."""
        ...


Engines = Mapping[str, ShardEngine]


def named(engines: Engines, name: str) -> ShardEngine:
    """Return an engine. Raises InvalidInput for one that this server does not have."""
    found = engines.get(name)
    if found is None:
        raise InvalidInput(
            f"There is no engine {ascii(name)[:40]}.",
            hint=f"Use one of: {', '.join(sorted(engines))}.",
            field="engine",
        )
    return found


def lasting(
    sessions: Sessions,
    stores: DatasetStorageRepository,
    clock: Clock,
    look: Callable[[], Awaitable[Caller]],
    store: DatasetStorage,
) -> CredentialSource:
    """Return what vends for a sync, anew in time; ``look`` gives whoever started it, with the
    rights of the moment. Raises Denied and Unauthenticated (the right is lost), Conflict
    (integration disabled), and what AWS does."""

    async def vend() -> AwsCredentials:
        caller, dataset = await look(), store.dataset
        # The right is looked at each time: a sync does not outlive it by more than a session.
        await stores.of_dataset(caller, dataset.id, SYNC)
        return await sessions.open(caller, store, LOOK, f"sync dataset {dataset.id}")

    return renewed(clock, vend)
