"""Moving items: S3 has no rename, so an object is copied, indexed in its new place, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from valetkey.catalog.domain.dataset import Item, mimetype_of, parse_folder, parse_path
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.folders import folder_path
from valetkey.catalog.services.items.index import Index, with_facts
from valetkey.catalog.services.items.intents import HeldObjects
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.removal import BulkOutcome, not_there
from valetkey.catalog.services.items.restoring import archived
from valetkey.catalog.services.items.sessions import MOVE, TAGS
from valetkey.catalog.services.items.uploading import changed_meanwhile, unchanged
from valetkey.catalog.services.nouns import MOVE_ITEM
from valetkey.counting import counted
from valetkey.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    TooLarge,
    ValetkeyError,
    VersionMismatch,
)
from valetkey.domain.ids import is_id
from valetkey.domain.ports.objects import ABSENT, CredentialSource, ObjectStore, Stored
from valetkey.services.access import expect
from valetkey.services.audit import Caller

MAX_MOVED: Final = 1000


class ItemMoving(ItemVerbs):
    """Moves items within their dataset; for developers."""

    async def move(
        self, caller: Caller, dataset_id: str, folder_item_id: str, item_ids: Sequence[str]
    ) -> int:
        """Move items into a folder, named by its id; returns how many.

        Goes on after a failure, and then raises PartlyDone, which counts them and names the
        first. Raises InvalidInput, NotFound, Denied, Conflict (the location does not let objects
        be deleted).
        """
        store = await self._stores.of_dataset(caller, dataset_id, MOVE_ITEM)
        async with self._storage.read() as work:
            folder = await folder_path(work, store.dataset, folder_item_id)
        if folder is None:
            raise NotFound(f"There is no folder {folder_item_id!r}.", hint="Make it first.")
        return await self._move_into(caller, store, folder, item_ids)

    async def move_into(
        self, caller: Caller, dataset_id: str, folder: str, item_ids: Sequence[str]
    ) -> int:
        """Move items into a folder, named by its path; the root is ``""``. It need not be there.
        Raises what :meth:`move` does."""
        store = await self._stores.of_dataset(caller, dataset_id, MOVE_ITEM)
        path = parse_folder(folder, field="folder") if folder.strip("/") else ""
        return await self._move_into(caller, store, path, item_ids)

    async def _move_into(
        self, caller: Caller, store: DatasetStorage, folder: str, item_ids: Sequence[str]
    ) -> int:
        if len(item_ids) > MAX_MOVED:
            raise TooLarge(
                f"{counted(len(item_ids), 'item')} are too many to move at once.",
                hint=f"Move up to {MAX_MOVED} in one request.",
            )
        _require_movable(store)
        async with self._storage.read() as work:
            items = [await work.items.get(item_id) for item_id in item_ids if is_id(item_id)]
        known = [item for item in items if item and item.dataset_id == store.dataset.id]
        if len(known) < len(item_ids):
            raise NotFound(
                "Some of the items are not in this dataset.", hint="List its items and their ids."
            )
        return await self._move_all(caller, store, known, folder)

    async def rename(
        self, caller: Caller, item_id: str, filename: str, *, field: str = "filename"
    ) -> Item:
        """Move one item to a path of its dataset. ``field`` is what a refusal calls the path.

        Raises InvalidInput, NotFound, Denied, Conflict, VersionMismatch, AwsRefused,
        AwsUnavailable.
        """
        store, item = await self._stores.of_item(caller, item_id, MOVE_ITEM)
        to = parse_path(filename, field=field)
        if to == item.path:
            return item
        _require_movable(store)
        renew = await self._renewing(caller, store, f"move item {item.id}")
        return await self._move_one(caller, store, item, to, renew)

    async def _renewing(
        self, caller: Caller, store: DatasetStorage, purpose: str
    ) -> CredentialSource:
        look = self._stores.looking(caller, store, MOVE_ITEM)
        return await self._sessions.lasting(look, store, MOVE, purpose, extras=TAGS)

    async def _move_all(
        self, caller: Caller, store: DatasetStorage, items: Sequence[Item], folder: str
    ) -> int:
        renew = await self._renewing(caller, store, f"move {counted(len(items), 'item')}")
        outcome = BulkOutcome()
        for item in items:
            to = folder + item.path.rpartition("/")[2]
            try:
                if to != item.path:
                    await self._move_one(caller, store, item, to, renew)
            except ValetkeyError as error:
                outcome.fail([(item, error)])
            else:
                outcome.done += 1
        return outcome.require_all("moved")

    async def _move_one(
        self, caller: Caller, store: DatasetStorage, item: Item, to: str, renew: CredentialSource
    ) -> Item:
        if item.is_folder:
            raise InvalidInput("A folder is not moved itself.", hint="Move the items in it.")
        async with self._intents.held(caller, store, [item.path, to]) as held:
            async with self._storage.read() as work:
                await expect(caller, item, work)
            services = (self._storage, self._objects, self._index)
            return await _Move(*services, caller, store, item, to, held, renew).run()


@dataclass(frozen=True, slots=True)
class _Move:
    """One item on its way to another path, while both are held."""

    storage: CatalogStorage
    objects: ObjectStore
    index: Index
    caller: Caller
    store: DatasetStorage
    item: Item
    to: str
    held: HeldObjects
    renew: CredentialSource

    async def run(self) -> Item:
        """Copy, index, delete; return the item as it is then. Whatever fails, the index agrees
        with the bucket afterwards, or somebody looks later."""
        try:
            before = await self._source()
            copied = await self._copy(before)
            moved = await self._reindex(copied)
            await self._delete_source(before)
        except ValetkeyError:
            if not self.held.wrote:
                raise
            # Both places are looked at, and then nothing is left to be looked up.
            for path in (self.item.path, self.to):
                await self._settle(path)
            self.held.wrote = False
            raise
        return moved

    async def _source(self) -> Stored:
        """Return the object to be moved, which can be; there is none yet where it goes."""
        self.store.key(self.to)
        before = await self._head(self.item.path)
        if before is None:
            raise not_there(self.item.id)
        if before.is_archived:
            raise archived(self.item, before)
        if await self._head(self.to) is not None:
            raise _occupied(self.to)
        return before

    async def _copy(self, before: Stored) -> Stored:
        """Copy the object to where nothing is, and see that it did not change meanwhile. Return
        the copy."""
        credentials = await self.renew()
        await self.held.still()
        try:
            copied = await self.objects.copy(
                credentials,
                self.store.place,
                self.store.key(self.item.path),
                self.store.key(self.to),
                condition=ABSENT,
                renew=self.renew,
                begun=partial(self.held.remember_upload, self.to),
            )
        except PreconditionFailed:
            now = await self._head(self.item.path)
            if now is None or now.etag != before.etag:
                raise changed_meanwhile(self.item.path) from None
            raise _occupied(self.to) from None
        self.held.wrote = True
        try:
            after = await self._head(self.item.path)
            seen = (before.etag, before.modified_at)
            if after is None or (after.etag, after.modified_at) != seen:
                raise changed_meanwhile(self.item.path)
        except ValetkeyError:
            await self._undo(copied)
            raise
        return copied

    async def _reindex(self, copied: Stored) -> Item:
        """Put the row where the object is now; undo the copy if it is not the row that is meant."""
        try:
            return await self._swap(copied)
        except VersionMismatch:
            await self._undo(copied)
            raise

    async def _swap(self, copied: Stored) -> Item:
        old, dataset = self.item, self.store.dataset
        async with self.storage.begin() as work:
            await work.items.lock(dataset)
            await self.held.require(work, [old.path, self.to])
            current = await work.items.get(old.id)
            if current is None or current.path != old.path:
                raise not_there(old.id)
            await expect(self.caller, current, work)
            now_ms = self.index.now_ms()  # no sooner: what a sync lists later counts more
            if await work.items.by_path(dataset, self.to) is not None:
                # The object is not there any more that this row is of.
                await work.items.remove(dataset, [self.to], now_ms=now_ms)
            new = self._moved(current, copied)
            tombstone_id = self.index.new_id()
            await work.items.move(dataset, old.path, new, tombstone_id=tombstone_id, now_ms=now_ms)
            facts = {"path": old.path, "to": new.path}
            subject = f"item:{new.id}"
            event = self.index.event(self.caller, "item.move", self.store, subject, **facts)
            await work.audit.append([event])
        return new

    def _moved(self, item: Item, copied: Stored) -> Item:
        by_name = item.mimetype == mimetype_of(item.path)
        moved = replace(
            item,
            path=self.to,
            mimetype=mimetype_of(self.to) if by_name else item.mimetype,
            updated_at=self.index.now(),
        )
        return with_facts(moved, copied)

    async def _undo(self, copied: Stored) -> None:
        """Delete the copy; what somebody wrote over it is theirs."""
        with suppress(PreconditionFailed):
            await self._delete(self.to, copied)

    async def _delete_source(self, before: Stored) -> None:
        """Delete what was copied; what somebody wrote there since stays, as an item of its own."""
        try:
            await self._delete(self.item.path, before)
        except PreconditionFailed:
            await self._settle(self.item.path)
        else:
            await self.index.forget(self.store, self.item.path, self.held)

    async def _delete(self, path: str, seen: Stored) -> None:
        """Delete an object that is held still and is the one that was seen, as far as the store
        tells. Raises PreconditionFailed."""
        credentials = await self.renew()
        await self.held.still()
        key = self.store.key(path)
        await self.objects.delete(credentials, self.store.place, key, condition=unchanged(seen))

    async def _head(self, path: str) -> Stored | None:
        return await self.objects.head(await self.renew(), self.store.place, self.store.key(path))

    async def _settle(self, path: str) -> None:
        await self.index.settle(self.caller, self.store, path, self.held, await self.renew())


def _require_movable(store: DatasetStorage) -> None:
    if not store.location.allow_external_delete:
        raise Conflict(
            f"The location {store.location.name!r} does not let objects be deleted, and moving one "
            "means copying and deleting it.",
            hint="Ask a developer to set allowExternalDelete on the location.",
            code="deletes_not_allowed",
        )


def _occupied(path: str) -> Conflict:
    return Conflict(
        f"There is an object at {ascii('/' + path)[:200]} already.",
        hint="Delete it first, or choose another name.",
        code="object_exists",
    )
