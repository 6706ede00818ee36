"""Changing what people wrote on items, and the folders they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from valetkey.catalog.domain.dataset import (
    Item,
    check_description,
    check_metadata,
    folder_id,
    parse_folder,
    patched_metadata,
)
from valetkey.catalog.domain.dql.ast import Column, Either, Equal
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.removal import BulkOutcome, not_there
from valetkey.catalog.services.items.selection import Selection, select, walk
from valetkey.catalog.services.nouns import MAKE_FOLDER, UPDATE_ITEM
from valetkey.domain.errors import InvalidInput
from valetkey.services.access import expect
from valetkey.services.audit import Caller


@dataclass(frozen=True, slots=True)
class ItemPatch:
    """What to change of an item; None leaves it. ``metadata`` is a merge patch, in which null
    removes; its ``system`` part counts only with ``system``."""

    metadata: Mapping[str, Any] | None = None
    description: str | None = None
    system: bool = False

    def applied(self, item: Item) -> Item:
        """Return the item changed. Raises InvalidInput, TooLarge."""
        if self.metadata is not None:
            metadata = patched_metadata(item.metadata, self.metadata, system=self.system)
            item = replace(item, metadata=metadata)
        if self.description is not None:
            item = replace(item, description=check_description(self.description))
        return item

    def require_possible(self) -> None:
        """See that there may be an item that it can be made to. Raises InvalidInput, TooLarge."""
        check_metadata(self.metadata or {})
        check_description(self.description or "")


class ItemChanging(ItemVerbs):
    """Patches metadata and makes folders; for developers."""

    async def patch(self, caller: Caller, item_id: str, patch: ItemPatch) -> Item:
        """Change an item. Raises InvalidInput, TooLarge, NotFound, Denied."""
        store, item = await self._stores.of_item(caller, item_id, UPDATE_ITEM)
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            current = await work.items.get(item.id)
            if current is None:
                raise not_there(item_id)
            await expect(caller, current, work)
            changed = replace(patch.applied(current), updated_at=self._index.now())
            await work.items.set_metadata(store.dataset, [changed])
            event = self._index.event(caller, "item.update", store, f"item:{item.id}")
            await work.audit.append([event])
        return changed

    async def patch_matching(
        self,
        caller: Caller,
        dataset_id: str,
        selection: Selection,
        patch: ItemPatch | Callable[[], ItemPatch],
    ) -> int:
        """Change the items of a selection, each by the same patch or by one that is made for the
        next; returns how many.

        Goes on after an item that can't be changed, and then raises PartlyDone, which counts them
        and names the first. Raises InvalidInput (also for an empty filter, and for a patch that no
        item can take), NotFound, Denied, Conflict (it fits other items than expected).
        """
        store = await self._stores.of_dataset(caller, dataset_id, UPDATE_ITEM)
        if isinstance(patch, ItemPatch):
            patch.require_possible()
        selected, total = await select(self._storage, store.dataset, selection), BulkOutcome()
        if selection.dry_run:
            return selected.count or 0
        async for items in walk(self._storage, store.dataset, selected):
            await self._patch_all(caller, store, [item.id for item in items], patch, total)
        return total.require_all("changed")

    async def _patch_all(
        self,
        caller: Caller,
        store: DatasetStorage,
        item_ids: Sequence[str],
        patch: ItemPatch | Callable[[], ItemPatch],
        total: BulkOutcome,
    ) -> None:
        """Change a batch, as it stands now, in one transaction."""
        changed, now = [], self._index.now()
        these = Either(tuple(Equal(Column.ID, item_id) for item_id in item_ids))
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            query = ItemQuery(these, limit=len(item_ids))
            for item in await work.items.page(store.dataset, query):
                try:
                    own = patch if isinstance(patch, ItemPatch) else patch()
                    changed.append(replace(own.applied(item), updated_at=now))
                except InvalidInput as error:
                    total.fail([(item, error)])
            await work.items.set_metadata(store.dataset, changed)
            subject = f"dataset:{store.dataset.id}"
            event = self._index.event(caller, "item.update", store, subject, items=len(changed))
            await work.audit.append([event])
        total.done += len(changed)

    async def make_folder(self, caller: Caller, dataset_id: str, path: str) -> Item:
        """Make a folder, in the index alone; the one that is there is returned as it is.

        Raises InvalidInput, NotFound, Denied.
        """
        store = await self._stores.of_dataset(caller, dataset_id, MAKE_FOLDER)
        wanted, now = parse_folder(path), self._index.now()
        store.key(wanted)
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            found = await work.items.by_path(store.dataset, wanted)
            if found is not None:
                return found
            draft = Item(
                id=folder_id(store.dataset.id, wanted),
                dataset_id=store.dataset.id,
                path=wanted,
                size=0,
                etag="",
                mimetype="",
                creator=caller.principal.email,
                modified_at=None,
                created_at=now,
                updated_at=now,
            )
            made = await work.items.put(store.dataset, draft, touched_ms=self._index.now_ms())
            event = self._index.event(caller, "item.folder", store, f"item:{made.id}", path=wanted)
            await work.audit.append([event])
        return made
