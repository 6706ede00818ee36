"""Keeping the index true to the bucket while several writers are at work.

Every write goes: an intent is stored, which keeps other writers of the object out
(:mod:`..intents`); the object is written or deleted; the row follows, and the bucket is asked once
more, for people write there too; the intent is struck off. A sync may write the row meanwhile, from
a listing that it asked for before: it leaves alone what was touched since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from valetkey.catalog.domain.dataset import Item, mimetype_of
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.intents import HeldObjects
from valetkey.domain.audit import AuditEvent
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import ObjectStore, Stored, to_ms
from valetkey.services.access import expect
from valetkey.services.audit import AuditLog, Caller

#: As often as rivals may get in between; each look means that one of them did.
_LOOKS: Final = 10


class Index:
    """Writes rows of items, each with its intent and its audit record."""

    def __init__(
        self,
        storage: CatalogStorage,
        objects: ObjectStore,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._objects = objects
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    def new_id(self) -> str:
        """Return an identifier of its own."""
        return self._new_id()

    def now(self) -> datetime:
        """Return the present moment."""
        return self._clock.now()

    def now_ms(self) -> int:
        """Return the present moment in milliseconds since 1970."""
        return to_ms(self._clock.now())

    def event(
        self, caller: Caller, action: str, store: DatasetStorage, subject: str, **facts: Any
    ) -> AuditEvent:
        """Describe what was done to items of a dataset."""
        return self._audit.event(
            caller,
            action,
            subject,
            org_id=store.project.org_id,
            dataset_id=store.dataset.id,
            **facts,
        )

    def drafted(
        self, caller: Caller, store: DatasetStorage, path: str, stored: Stored, **own: Any
    ) -> Item:
        """Return a new item for an object; ``own`` are further fields of it."""
        now = self._clock.now()
        return Item(
            id=self._new_id(),
            dataset_id=store.dataset.id,
            path=path,
            size=stored.size,
            etag=stored.etag,
            creator=caller.principal.email,
            modified_at=stored.modified_at,
            created_at=now,
            updated_at=now,
            storage_class=stored.storage_class,
            **own,
        )

    async def record(
        self, store: DatasetStorage, item: Item, held: HeldObjects, event: AuditEvent
    ) -> Item:
        """Write an item's row and audit it; returns what is stored. Raises Conflict if the object
        is not held any more."""
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await held.require(work, [item.path])
            saved = await work.items.put(store.dataset, item, touched_ms=self.now_ms())
            await work.audit.append([event])
        return saved

    async def remove(
        self,
        caller: Caller,
        store: DatasetStorage,
        items: Sequence[Item],
        held: HeldObjects | None,
        event: AuditEvent | None,
    ) -> None:
        """Take rows out and audit it. Raises VersionMismatch where they are not what the caller
        expects, and Conflict if one of the objects is not held any more; without ``held``, the
        objects stay where they are."""
        paths = [item.path for item in items]
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await expect(caller, None, work)
            if held is not None:
                await held.require(work, paths)
            await work.items.remove(store.dataset, paths, now_ms=self.now_ms())
            await work.audit.append([event] if event else [])

    async def forget(self, store: DatasetStorage, path: str, held: HeldObjects) -> None:
        """See that a path whose object is gone has no row, whatever a sync saw before. Raises
        Conflict if the object is not held any more."""
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await held.require(work, [path])
            await work.items.remove(store.dataset, [path], now_ms=self.now_ms())
            await work.items.touch(store.dataset, [path], now_ms=self.now_ms())

    async def settle(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        held: HeldObjects,
        credentials: AwsCredentials,
    ) -> Item | None:
        """Look at the bucket and make the row agree; returns the item as it stands, if any.

        The row is changed only if no sync did while the bucket was asked; otherwise both are looked
        at again. Raises Conflict if it is wrong and the object is not held any more.
        """
        row = None
        for _ in range(_LOOKS):
            async with self._storage.read() as work:
                row = await work.items.by_path(store.dataset, path)
            stored = await self._objects.head(credentials, store.place, store.key(path))
            if _fits(row, stored):
                break
            row = await self._correct(caller, store, path, held, row, stored)
        return row

    async def _correct(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        held: HeldObjects,
        before: Item | None,
        stored: Stored | None,
    ) -> Item | None:
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await held.require(work, [path])
            row = await work.items.by_path(store.dataset, path)
            if row != before:
                return row
            if stored is None:
                await work.items.remove(store.dataset, [path], now_ms=self.now_ms())
                return None
            mimetype = mimetype_of(path)
            draft = row or self.drafted(caller, store, path, stored, mimetype=mimetype)
            fresh = with_facts(draft, stored)
            return await work.items.put(store.dataset, fresh, touched_ms=self.now_ms(), revive=True)


def with_facts(item: Item, stored: Stored) -> Item:
    """Return an item with the facts of its object."""
    return replace(
        item,
        size=stored.size,
        etag=stored.etag,
        modified_at=stored.modified_at,
        storage_class=stored.storage_class,
    )


def _fits(row: Item | None, stored: Stored | None) -> bool:
    if row is None or stored is None:
        return row is None and stored is None
    return with_facts(row, stored) == row
