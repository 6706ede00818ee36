"""Moving items: S3 has no rename, so an object is copied, indexed in its new place, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from valetkey.catalog.domain.dataset import Item, mimetype_of, parse_folder, parse_path
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.folders import folder_path
from valetkey.catalog.services.items.index import with_facts
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
from valetkey.domain.ports.objects import ABSENT, CredentialSource, Stored
from valetkey.services.access import expect
from valetkey.services.audit import Caller

MAX_MOVED: Final = 1000


class ItemMoving(ItemVerbs):
    """Moves items within their dataset; for developers."""

    async def move(
        self, caller: Caller, dataset_id: str, folder_item_id: str, item_ids: Sequence[str]
    ) -> int:
        """Move items into a folder, named by its id; returns how many.

        Goes on after a failure, and then raises AwsRefused, which counts them and names the
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
            try:
                before, copied = await self._copy(store, item, to, held, renew)
                moved = await self._swap_or_undo(caller, store, item, to, copied, held, renew)
                await self._delete_source(caller, store, item.path, before, held, renew)
            except ValetkeyError:
                if not held.wrote:
                    raise
                # Both places are looked at, and then nothing is left to be looked up.
                for path in (item.path, to):
                    await self._index.settle(caller, store, path, held, await renew())
                held.wrote = False
                raise
        return moved

    async def _copy(
        self, store: DatasetStorage, item: Item, to: str, held: HeldObjects, renew: CredentialSource
    ) -> tuple[Stored, Stored]:
        """Copy the object to where nothing is, and see that it did not change meanwhile. Return it
        and the copy."""
        source, target = store.key(item.path), store.key(to)
        before = await self._objects.head(await renew(), store.place, source)
        if before is None:
            raise not_there(item.id)
        if before.is_archived:
            raise archived(item, before)
        if await self._objects.head(await renew(), store.place, target) is not None:
            raise _occupied(to)
        credentials = await renew()
        await held.still()
        try:
            copied = await self._objects.copy(
                *(credentials, store.place, source, target),
                condition=ABSENT,
                renew=renew,
                begun=partial(held.remember_upload, to),
            )
        except PreconditionFailed:
            now = await self._objects.head(await renew(), store.place, source)
            if now is None or now.etag != before.etag:
                raise changed_meanwhile(item.path) from None
            raise _occupied(to) from None
        held.wrote = True
        try:
            after = await self._objects.head(await renew(), store.place, source)
            if after is None or (after.etag, after.modified_at) != (
                before.etag,
                before.modified_at,
            ):
                raise changed_meanwhile(item.path)
        except ValetkeyError:
            await self._undo(store, to, copied, held, renew)
            raise
        return before, copied

    async def _undo(
        self,
        store: DatasetStorage,
        to: str,
        copied: Stored,
        held: HeldObjects,
        renew: CredentialSource,
    ) -> None:
        """Delete the copy; what somebody wrote over it is theirs."""
        with suppress(PreconditionFailed):
            await self._delete(store, to, copied, held, renew)

    async def _delete_source(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        before: Stored,
        held: HeldObjects,
        renew: CredentialSource,
    ) -> None:
        """Delete what was copied; what somebody wrote there since stays, as an item of its own."""
        try:
            await self._delete(store, path, before, held, renew)
        except PreconditionFailed:
            await self._index.settle(caller, store, path, held, await renew())
        else:
            await self._index.forget(store, path, held)

    async def _delete(
        self,
        store: DatasetStorage,
        path: str,
        seen: Stored,
        held: HeldObjects,
        renew: CredentialSource,
    ) -> None:
        """Delete an object that is held still and is the one that was seen, as far as the store
        tells. Raises PreconditionFailed."""
        credentials = await renew()
        await held.still()
        await self._objects.delete(
            credentials, store.place, store.key(path), condition=unchanged(seen)
        )

    async def _swap_or_undo(
        self,
        caller: Caller,
        store: DatasetStorage,
        old: Item,
        to: str,
        copied: Stored,
        held: HeldObjects,
        renew: CredentialSource,
    ) -> Item:
        try:
            return await self._swap(caller, store, old, to, copied, held)
        except VersionMismatch:
            await self._undo(store, to, copied, held, renew)
            raise

    async def _swap(
        self,
        caller: Caller,
        store: DatasetStorage,
        old: Item,
        to: str,
        copied: Stored,
        held: HeldObjects,
    ) -> Item:
        """Put the row where the object is now."""
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await held.require(work, [old.path, to])
            current = await work.items.get(old.id)
            if current is None or current.path != old.path:
                raise not_there(old.id)
            await expect(caller, current, work)
            if await work.items.by_path(store.dataset, to) is not None:
                # The object is not there any more that this row is of.
                await work.items.remove(store.dataset, [to], now_ms=self._index.now_ms())
            new = self._moved(current, to, copied)
            await work.items.move(
                store.dataset,
                old.path,
                new,
                tombstone_id=self._index.new_id(),
                now_ms=self._index.now_ms(),
            )
            event = self._index.event(
                caller, "item.move", store, f"item:{new.id}", path=old.path, to=new.path
            )
            await work.audit.append([event])
        return new

    def _moved(self, item: Item, to: str, copied: Stored) -> Item:
        by_name = item.mimetype == mimetype_of(item.path)
        moved = replace(
            item,
            path=to,
            mimetype=mimetype_of(to) if by_name else item.mimetype,
            updated_at=self._index.now(),
        )
        return with_facts(moved, copied)


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
