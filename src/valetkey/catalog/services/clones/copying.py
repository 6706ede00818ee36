"""A clone at work.

Where the copy has the path of its source and the same location lies under both, the two are
entries for one object, as those of any two datasets over a location are: only rows are written.
Elsewhere each object is copied (:mod:`.objects`), on the terms of any upload: what is there already
is never written over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from valetkey.catalog.domain.clone import CloneOptions
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.dql.ast import All, Column, Compare, Equal, FilterNode
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.catalog.domain.ports import CatalogStorage, ItemQuery
from valetkey.catalog.domain.sync import Command, Shard, State
from valetkey.catalog.services.clones.objects import ObjectCopying
from valetkey.catalog.services.datasets.jobs import PASSING
from valetkey.catalog.services.datasets.orders import caller_of
from valetkey.catalog.services.datasets.outcomes import CommandOutcomes
from valetkey.catalog.services.datasets.single import Single
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.removal import BulkOutcome
from valetkey.catalog.services.nouns import CLONE, UPLOAD_ITEM
from valetkey.catalog.services.pace import PART, rest
from valetkey.domain.errors import StorageUnavailable, ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.services.audit import Caller

#: Rows that are written in one transaction, each by a few statements.
_ROWS: Final = PART // 2
#: Objects that are copied side by side, between two checkpoints.
_OBJECTS: Final = 8
_AT_ONCE: Final = 2
_RENEWED_SECONDS: Final = 5.0
_NO_TAGS: Final = (
    "Tags of the source's objects may not be read (s3:GetObjectTagging): if they have any, their "
    "copies have none. Allow it, and clone to another place, to have them."
)
_FILES: Final = Equal(Column.TYPE, "file")


@dataclass(frozen=True, slots=True)
class CloneScene:
    """What a clone stands on at a moment."""

    caller: Caller
    source: DatasetStorage
    target: DatasetStorage
    options: CloneOptions

    @property
    def shares_objects(self) -> bool:
        """Tell whether copies are entries for the very objects of their sources."""
        same = self.source.location.id == self.target.location.id
        return same and not self.options.folder and self.source.dataset != self.target.dataset

    def shares(self, item: Item) -> bool:
        """Tell it of one item."""
        return self.shares_objects and self.options.path_of(item) == item.path


class CloneRuns:
    """Implements Runner."""

    def __init__(
        self,
        storage: CatalogStorage,
        stores: DatasetStorageRepository,
        outcomes: CommandOutcomes,
        single: Single,
        objects: ObjectCopying,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._stores = stores
        self._outcomes = outcomes
        self._single = single
        self._objects = objects
        self._new_id = new_id
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def work(self, command: Command) -> None:
        async with self._gate:
            shard = await self._single.claimed(command)
            if shard is None:
                return
            async with self._single.renewed(shard, every=_RENEWED_SECONDS):
                await self._clone(command, shard)

    async def _clone(self, command: Command, shard: Shard) -> None:
        going: Shard | None = shard
        while going is not None:
            # Each time as if for the first: who began it may have lost a right meanwhile.
            scene = await self._open(command)
            if going.state.over:
                await self._end(command, scene, going)
                return
            limit = _ROWS if scene.shares_objects else _OBJECTS
            where = _above(scene.options, going.checkpoint)
            async with self._storage.search() as work:
                items = await work.items.page(scene.source.dataset, ItemQuery(where, limit=limit))
            if items and all(map(scene.shares, items)):
                going = await self._share(scene, going, items)
                await rest()
            else:
                going = await self._copy(command, scene, going, items)

    async def _open(self, command: Command) -> CloneScene:
        caller = await caller_of(self._storage, command)
        async with self._storage.read() as work:
            current = await work.commands.get(command.id)
        options = CloneOptions.of((current or command).options)
        source = await self._stores.of_dataset(caller, command.dataset_id, CLONE)
        target = await self._stores.of_dataset(caller, options.target_id, UPLOAD_ITEM)
        return CloneScene(caller, source, target, options)

    async def _share(self, scene: CloneScene, shard: Shard, items: Sequence[Item]) -> Shard | None:
        """Write rows for objects that are there, and how far that is."""
        now, dataset = self._single.clock.now(), scene.target.dataset
        done = self._single.advanced(shard, items[-1].id, items=len(items))
        async with self._storage.begin() as work:
            await work.items.lock(dataset)
            stored = await self._single.advance(work, done)
            if stored is None:
                return None
            for item in items:
                if await work.items.by_path(dataset, item.path) is not None:
                    continue
                copy = replace(
                    item,
                    id=self._new_id(),
                    dataset_id=dataset.id,
                    creator=scene.caller.principal.email,
                    created_at=now,
                    updated_at=now,
                    metadata=scene.options.metadata_of(item),
                    description=item.description if scene.options.with_metadata else "",
                )
                # It is known as the source knows it: whatever a sync sees of it, counts.
                await work.items.put(dataset, copy, touched_ms=0)
        return stored

    async def _copy(
        self, command: Command, scene: CloneScene, shard: Shard, items: Sequence[Item]
    ) -> Shard | None:
        """Copy objects side by side. What may pass is raised, and they are looked at again; what
        fails is stored, and the others go on."""
        outcome = BulkOutcome()
        tasks = [
            self._objects.copy(
                scene.caller,
                scene.source,
                item,
                scene.target,
                scene.options.path_of(item),
                metadata=scene.options.metadata_of(item),
                description=item.description if scene.options.with_metadata else "",
            )
            for item in items
        ]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        notice = ""
        for item, made in zip(items, results, strict=True):
            if isinstance(made, (StorageUnavailable, *PASSING)):
                raise made
            if isinstance(made, ValetkeyError):
                outcome.fail([(item, made)])
            elif isinstance(made, BaseException):
                raise made
            else:
                outcome.done += 1
                notice = _NO_TAGS if made.without_tags else notice
        last = items[-1].id if items else shard.checkpoint
        done = self._single.advanced(shard, last, items=outcome.done, failed=outcome.failed)
        if not items:
            done = replace(done, state=State.SUCCESS)
        async with self._storage.begin() as work:
            stored = await self._single.advance(work, done)
            if stored is None:
                return None
            current = await work.commands.get(command.id)
            if current is not None and (outcome.failed or notice):
                before = current.error
                error = outcome.document("cloned", before) if outcome.failed else before
                noticed = replace(current, error=error, notice=notice or current.notice)
                await work.commands.note(noticed)
        return stored

    async def _end(self, command: Command, scene: CloneScene, shard: Shard) -> None:
        if shard.removed:
            await self._outcomes.fail_as_noted(command)
            return
        if scene.options.path:
            await self._remember(command, scene)
        await self._outcomes.succeed(command, scene.caller)

    async def _remember(self, command: Command, scene: CloneScene) -> None:
        """Store which item was made of a single one."""
        async with self._storage.begin() as work:
            made = await work.items.by_path(scene.target.dataset, scene.options.path)
            current = await work.commands.get(command.id)
            if made is not None and current is not None:
                options = replace(scene.options, made_id=made.id).document()
                await work.commands.note(replace(current, options=options))


def _above(options: CloneOptions, checkpoint: str) -> FilterNode:
    parts: list[FilterNode] = [
        parse_filter(options.where),
        _FILES,
        Compare(Column.ID, ">", checkpoint),
    ]
    if options.before_id:
        parts.append(Compare(Column.ID, "<", options.before_id))
    return All(tuple(parts))
