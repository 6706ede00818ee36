"""A sync from order to end: planned once, its shards worked off side by side, settled, finished."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.ranges import KeyRange, split
from valetkey.catalog.domain.sync import Command, Shard, State, total
from valetkey.catalog.services.datasets.cutting import Cutter
from valetkey.catalog.services.datasets.engines import (
    Engines,
    Scene,
    caller_of,
    lasting,
    named,
)
from valetkey.catalog.services.datasets.lister import BucketLister
from valetkey.catalog.services.datasets.shards import OUT_OF_ORDER, OutOfOrder, whole_shard
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.items.leftovers import Leftovers
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.catalog.services.nouns import SYNC
from valetkey.domain.errors import (
    AwsUnavailable,
    BeingRevoked,
    StorageUnavailable,
    TooManyRequests,
    ValetkeyError,
)
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import ObjectStore
from valetkey.services.audit import AuditLog, Caller

#: Ranges are never equally long: with more of them than workers, none waits long for another.
_SHARDS_EACH: Final = 4
#: A sync that wrote so many rows may have made another thing of the index.
_MUCH: Final = 10_000
#: What may be over soon, by itself; a sync gets over it as long as that takes no longer than this.
PASSING: Final = (AwsUnavailable, BeingRevoked, TooManyRequests)
_PATIENCE: Final = 300.0
_log = logging.getLogger(__name__)


class SyncRuns:
    """Runs syncs, each by the engine that it names."""

    def __init__(
        self,
        storage: CatalogStorage,
        objects: ObjectStore,
        sessions: Sessions,
        stores: DatasetStorageRepository,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
        leftovers: Leftovers,
        engines: Engines,
    ) -> None:
        self._storage = storage
        self._objects = objects
        self._sessions = sessions
        self._stores = stores
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._leftovers = leftovers
        self._engines = engines
        #: Of syncs that wait for something to pass: since when, and how far they were.
        self._stuck: dict[str, tuple[float, int]] = {}

    async def run(self, command: Command) -> None:
        """Do what can be done of a sync now: all of it, or what others leave.

        What AWS refuses ends the sync as failed, with the cause and the fix in its error. Raises
        StorageUnavailable, and what PASSING are for a while: then it stays open.
        """
        try:
            scene = await self._open(command)
            if command.state is State.CREATED:
                await self._plan(command, scene.lister)
            await self._work_off(command, scene)
        except StorageUnavailable:
            raise
        except PASSING as error:
            if await self._waits(command):
                raise
            await self._end(command, State.FAILED, error=error)
        except ValetkeyError as error:
            await self._end(command, State.FAILED, error=error)
        except Exception as error:  # noqa: BLE001  # a mistake of ours would be tried for ever
            _log.exception("The sync %s failed", command.id)
            await self._end(command, State.FAILED, error=_unknown(error))

    async def _waits(self, command: Command) -> bool:
        """Tell whether what may pass has a while yet, since a sync last got on."""
        shards, now = await self._shards(command), self._clock.monotonic()
        seen = total(shard.counts for shard in shards).seen
        since, before = self._stuck.get(command.id, (now, seen))
        if before != seen:
            since = now
        if now - since >= _PATIENCE:
            self._stuck.pop(command.id, None)
            return False
        self._stuck[command.id] = (since, seen)
        return True

    async def _open(self, command: Command) -> Scene:
        caller = await caller_of(self._storage, command)
        store = await self._stores.of_dataset(caller, command.dataset_id, SYNC)
        credentials = lasting(self._sessions, self._stores, self._clock, caller, store)
        lister = BucketLister(self._objects, store.place, store.location.prefix, credentials)
        cutter = Cutter(self._storage, self._new_id, command, lister.next_path)
        return Scene(command, caller, store, credentials, lister, cutter)

    async def _plan(self, command: Command, lister: BucketLister) -> None:
        ranges = [KeyRange("", None)]
        if command.parallel > 1:
            parts = command.parallel * _SHARDS_EACH
            ranges = await split(ranges[0], parts, lister.next_path)
        shards = [
            whole_shard(command, self._new_id(), after=part.after, upto=part.upto)
            for part in ranges
        ]
        running = replace(command, state=State.RUNNING, updated_at=self._clock.now())
        async with self._storage.begin() as work:
            await work.commands.begin(running, shards)

    async def _work_off(self, command: Command, scene: Scene) -> None:
        engine = named(self._engines, command.engine)
        while True:
            shards = await self._shards(command)
            waiting = [shard for shard in shards if not shard.state.over]
            if shards and not waiting:
                await self._settle(command, scene)
                return
            try:
                if not await engine.work_off(scene, waiting):
                    return  # the rest is in others' hands, or the sync is over
            except OutOfOrder:
                await self._put_in_order(command)

    async def _put_in_order(self, command: Command) -> None:
        """Begin anew with one shard, whose listing is put in order first."""
        async with self._storage.begin() as work:
            current = await work.commands.get(command.id)
            shards = await work.commands.shards(command.id)
            if current is None or current.state.over or any(shard.staged for shard in shards):
                return
            noticed = replace(current, notice=OUT_OF_ORDER)
            shard = whole_shard(command, self._new_id(), staged=True)
            await work.commands.replace_shards(noticed, shard)

    async def _settle(self, command: Command, scene: Scene) -> None:
        """Look after what writers had begun and not ended, and count; then the sync is done."""
        await self._leftovers.of_dataset(scene.caller, scene.store)
        await self._recount(scene.store.dataset)
        await self._refresh_statistics(command)
        await self._end(command, State.SUCCESS, caller=scene.caller)

    async def _recount(self, dataset: Dataset) -> None:
        """Mend the number of files where it drifted. The difference is what one moment's snapshot
        has, so that writers need not wait for the counting."""
        async with self._storage.read() as work:
            drift = await work.items.count_drift(dataset)
        if drift:
            _log.warning("The dataset %s has %+d files than were counted", dataset.id, drift)
            async with self._storage.begin() as work:
                await work.items.adjust_count(dataset, drift)

    async def _refresh_statistics(self, command: Command) -> None:
        """Let the database's plans follow a sync that wrote much."""
        counts = total(shard.counts for shard in await self._shards(command))
        if counts.added + counts.changed + counts.removed >= _MUCH:
            async with self._storage.begin() as work:
                await work.items.analyze()

    async def _shards(self, command: Command) -> Sequence[Shard]:
        async with self._storage.read() as work:
            return await work.commands.shards(command.id)

    async def _end(
        self,
        command: Command,
        state: State,
        *,
        caller: Caller | None = None,
        error: ValetkeyError | None = None,
    ) -> None:
        async with self._storage.begin() as work:
            current = await work.commands.get(command.id)
            if current is None:
                return
            shards = await work.commands.shards(command.id)
            ended = replace(
                current,
                state=state,
                updated_at=self._clock.now(),
                error=_error_document(error) if error else {},
            )
            if not await work.commands.finish(ended):
                return
            dataset = await work.datasets.get(command.dataset_id)
            project = await work.projects.get(dataset.project_id) if dataset else None
            if caller is None or project is None:
                return
            counts = total(shard.counts for shard in shards)
            event = self._audit.event(
                caller,
                "dataset.synced",
                f"dataset:{command.dataset_id}",
                org_id=project.org_id,
                command_id=command.id,
                added=counts.added,
                changed=counts.changed,
                removed=counts.removed,
            )
            await work.audit.append([event])


def _unknown(error: Exception) -> ValetkeyError:
    return ValetkeyError(
        f"The sync failed in a way that Valetkey does not know ({type(error).__name__}).",
        hint="See the server's log, and report it. What was indexed before is right.",
    )


def _error_document(error: ValetkeyError) -> dict[str, Any]:
    return {
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
        "details": dict(error.details),
    }
