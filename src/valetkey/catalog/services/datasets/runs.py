"""A sync from order to end: planned once, its shards worked off side by side, settled, finished."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.ranges import KeyRange, split
from valetkey.catalog.domain.sync import Command, Shard, State, total
from valetkey.catalog.services.datasets.cutting import Cutter
from valetkey.catalog.services.datasets.engines import (
    Engines,
    Scene,
    lasting,
    named,
)
from valetkey.catalog.services.datasets.lister import BucketLister
from valetkey.catalog.services.datasets.orders import caller_of
from valetkey.catalog.services.datasets.outcomes import CommandOutcomes
from valetkey.catalog.services.datasets.shards import OUT_OF_ORDER, OutOfOrder, whole_shard
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.items.leftovers import Leftovers
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.catalog.services.nouns import SYNC
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import ObjectStore

#: Ranges are never equally long: with more of them than workers, none waits long for another.
_SHARDS_EACH: Final = 4
#: A sync that wrote so many rows may have made another thing of the index.
_MUCH: Final = 10_000
_log = logging.getLogger(__name__)


class SyncRuns:
    """Runs syncs, each by the engine that it names."""

    def __init__(
        self,
        storage: CatalogStorage,
        objects: ObjectStore,
        sessions: Sessions,
        stores: DatasetStorageRepository,
        outcomes: CommandOutcomes,
        clock: Clock,
        new_id: IdFactory,
        leftovers: Leftovers,
        engines: Engines,
    ) -> None:
        self._storage = storage
        self._objects = objects
        self._sessions = sessions
        self._stores = stores
        self._outcomes = outcomes
        self._clock = clock
        self._new_id = new_id
        self._leftovers = leftovers
        self._engines = engines

    async def work(self, command: Command) -> None:
        """Implements Runner."""
        scene = await self._open(command)
        if command.state is State.CREATED:
            await self._plan(command, scene.lister)
        await self._work_off(command, scene)

    async def _open(self, command: Command) -> Scene:
        caller = await caller_of(self._storage, command)
        store = await self._stores.of_dataset(caller, command.dataset_id, SYNC)
        look = partial(caller_of, self._storage, command)
        credentials = lasting(self._sessions, self._stores, self._clock, look, store)
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
        await self._outcomes.succeed(command, scene.caller)

    async def _recount(self, dataset: Dataset) -> None:
        """Fix the number of files where it drifted. The difference is what one moment's snapshot
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
