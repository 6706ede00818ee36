"""Keeping the index true to the bucket while several writers are at work.

Every write goes: an intent is stored; the object is written or deleted; the row follows and the
intent is struck off, in one transaction; then the bucket is asked once more, and the row made to
agree if somebody else was quicker in between. Whoever writes a row last has looked last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from valetkey.catalog.domain.dataset import Item, mimetype_of
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import WriteIntent
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import AwsUnavailable, ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import Credentials, ObjectStore, Stored, to_ms
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

    async def intend(
        self, caller: Caller, store: DatasetStorage, paths: Iterable[str]
    ) -> dict[str, WriteIntent]:
        """Store that objects are about to be written or deleted; returns the intents by path."""
        now, user_id = self._clock.now(), caller.principal.user_id
        intents = {
            path: WriteIntent(self._new_id(), store.dataset.id, path, user_id, now)
            for path in paths
        }
        async with self._storage.begin() as work:
            for intent in intents.values():
                await work.commands.add_intent(intent)
        return intents

    async def give_up(self, intents: Iterable[WriteIntent], error: BaseException) -> None:
        """Strike intents off after a failure, unless it leaves open whether the bucket changed:
        then the next sync looks."""
        if isinstance(error, AwsUnavailable) or not isinstance(error, ValetkeyError):
            return
        async with self._storage.begin() as work:
            for intent in intents:
                await work.commands.drop_intent(intent.id)

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
            **own,
        )

    async def record(
        self, store: DatasetStorage, item: Item, intents: Iterable[WriteIntent], event: AuditEvent
    ) -> Item:
        """Write an item's row, strike its intents off and audit it; returns what is stored."""
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            saved = await work.items.put(store.dataset, item, touched_ms=self.now_ms())
            for intent in intents:
                await work.commands.drop_intent(intent.id)
            await work.audit.append([event])
        return saved

    async def remove(
        self,
        store: DatasetStorage,
        paths: Sequence[str],
        intents: Iterable[WriteIntent],
        event: AuditEvent,
    ) -> None:
        """Take rows out, strike their intents off and audit it."""
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await work.items.remove(store.dataset, paths, now_ms=self.now_ms())
            for intent in intents:
                await work.commands.drop_intent(intent.id)
            await work.audit.append([event])

    async def settle(
        self, caller: Caller, store: DatasetStorage, path: str, credentials: Credentials
    ) -> Item | None:
        """Look at the bucket and make the row agree; returns the item as it stands, if any.

        The row is changed only if nobody else did while the bucket was asked; otherwise both are
        looked at again.
        """
        row = None
        for _ in range(_LOOKS):
            async with self._storage.read() as work:
                row = await work.items.by_path(store.dataset, path)
            stored = await self._objects.head(credentials, store.place, store.key(path))
            if _fits(row, stored):
                break
            row = await self._correct(caller, store, path, row, stored)
        return row

    async def _correct(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        before: Item | None,
        stored: Stored | None,
    ) -> Item | None:
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            row = await work.items.by_path(store.dataset, path)
            if row != before:
                return row
            if stored is None:
                await work.items.remove(store.dataset, [path], now_ms=self.now_ms())
                return None
            mimetype = mimetype_of(path)
            draft = row or self.drafted(caller, store, path, stored, mimetype=mimetype)
            fresh = replace(
                draft, size=stored.size, etag=stored.etag, modified_at=stored.modified_at
            )
            return await work.items.put(store.dataset, fresh, touched_ms=self.now_ms())


def _fits(row: Item | None, stored: Stored | None) -> bool:
    if row is None or stored is None:
        return row is None and stored is None
    facts = (stored.size, stored.etag, stored.modified_at)
    return (row.size, row.etag, row.modified_at) == facts
