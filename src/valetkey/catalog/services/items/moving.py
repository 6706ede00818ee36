"""Moving items: S3 has no rename, so an object is copied, indexed in its new place, and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from valetkey.catalog.domain.dataset import Item, mimetype_of, parse_path
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.folders import folder_path
from valetkey.catalog.services.items.index import Index
from valetkey.catalog.services.items.removal import Outcome, not_there
from valetkey.catalog.services.items.sessions import MOVE, Sessions
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput, NotFound, TooLarge, ValetkeyError
from valetkey.domain.ids import is_id
from valetkey.domain.ports.objects import Credentials, ObjectStore
from valetkey.services.audit import Caller

MAX_MOVED: Final = 1000


class ItemMoving:
    """Moves items within their dataset; for developers."""

    def __init__(
        self,
        storage: CatalogStorage,
        stores: DatasetStorageRepository,
        sessions: Sessions,
        objects: ObjectStore,
        index: Index,
    ) -> None:
        self._storage = storage
        self._stores = stores
        self._sessions = sessions
        self._objects = objects
        self._index = index

    async def move(
        self, caller: Caller, dataset_id: str, folder_item_id: str, item_ids: Sequence[str]
    ) -> int:
        """Move items into a folder, named by its id; returns how many.

        Goes on after a failure, and then raises AwsRefused with each of them. Raises InvalidInput,
        NotFound, Denied, Conflict (the location does not let objects be deleted).
        """
        if len(item_ids) > MAX_MOVED:
            raise TooLarge(
                f"{len(item_ids)} items are too many to move at once.",
                hint=f"Move up to {MAX_MOVED} in one request.",
            )
        store = await self._stores.of_dataset(caller, dataset_id, Action.MANAGE_DATASETS)
        _require_movable(store)
        async with self._storage.read() as work:
            folder = await folder_path(work, store.dataset, folder_item_id)
            items = [await work.items.get(item_id) for item_id in item_ids if is_id(item_id)]
        if folder is None:
            raise NotFound(f"There is no folder {folder_item_id!r}.", hint="Make it first.")
        known = [item for item in items if item and item.dataset_id == store.dataset.id]
        if len(known) < len(item_ids):
            raise NotFound(
                "Some of the items are not in this dataset.", hint="List its items and their ids."
            )
        return await self._move_all(caller, store, known, folder)

    async def rename(self, caller: Caller, item_id: str, filename: str) -> Item:
        """Move one item to a path of its dataset.

        Raises InvalidInput, NotFound, Denied, Conflict, AwsRefused, AwsUnavailable.
        """
        store, item = await self._stores.of_item(caller, item_id, Action.MANAGE_DATASETS)
        to = parse_path(filename, field="filename")
        if to == item.path:
            return item
        _require_movable(store)
        credentials = await self._sessions.open(caller, store, MOVE, f"move item {item.id}")
        return await self._move_one(caller, store, item, to, credentials)

    async def _move_all(
        self, caller: Caller, store: DatasetStorage, items: Sequence[Item], folder: str
    ) -> int:
        purpose = f"move {len(items)} items"
        credentials = await self._sessions.open(caller, store, MOVE, purpose)
        outcome = Outcome()
        for item in items:
            to = folder + item.name
            try:
                if to != item.path:
                    await self._move_one(caller, store, item, to, credentials)
            except ValetkeyError as error:
                outcome.failures.append((item, error))
            else:
                outcome.done += 1
        return outcome.require_all("moved")

    async def _move_one(
        self, caller: Caller, store: DatasetStorage, item: Item, to: str, credentials: Credentials
    ) -> Item:
        if item.is_folder:
            raise InvalidInput("A folder is not moved itself.", hint="Move the items in it.")
        source, target = store.key(item.path), store.key(to)
        if await self._objects.head(credentials, store.place, target) is not None:
            raise _occupied(to)
        intents = await self._index.intend(caller, store, [item.path, to])
        try:
            stored = await self._objects.copy(credentials, store.place, source, target)
        except ValetkeyError as error:
            await self._index.give_up(intents.values(), error)
            raise
        moved = replace(
            item,
            path=to,
            size=stored.size,
            etag=stored.etag,
            modified_at=stored.modified_at,
            mimetype=mimetype_of(to) if item.mimetype == mimetype_of(item.path) else item.mimetype,
            updated_at=self._index.now(),
        )
        try:
            await self._swap(caller, store, item, moved)
            await self._objects.delete(credentials, store.place, source)
        finally:
            # Whatever came of it: both places are looked at, and nothing stays to be looked up.
            for path in (item.path, to):
                await self._index.settle(caller, store, path, credentials)
            async with self._storage.begin() as work:
                for intent in intents.values():
                    await work.commands.drop_intent(intent.id)
        return moved

    async def _swap(self, caller: Caller, store: DatasetStorage, old: Item, new: Item) -> None:
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            current = await work.items.get(old.id)
            taken = await work.items.by_path(store.dataset, new.path)
            if current is None or current.path != old.path:
                raise not_there(old.id)
            if taken is not None:
                raise _occupied(new.path)
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


def _require_movable(store: DatasetStorage) -> None:
    if not store.location.allow_external_delete:
        raise Conflict(
            f"The location {store.location.name!r} does not let objects be deleted, and moving one "
            "means copying and deleting it.",
            hint="Ask a developer to set allowExternalDelete on the location.",
        )


def _occupied(path: str) -> Conflict:
    return Conflict(
        f"There is an object at {ascii('/' + path)[:200]} already.",
        hint="Delete it first, or choose another name.",
    )
