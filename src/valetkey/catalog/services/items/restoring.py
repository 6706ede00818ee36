"""Archived objects: they are asked back from the archive before they can be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.sessions import RESTORE, WRITE
from valetkey.catalog.services.nouns import RESTORE_ITEM
from valetkey.counting import counted
from valetkey.domain.errors import Archived, Conflict, InvalidInput, NotFound
from valetkey.domain.ports.objects import ARCHIVED, Stored
from valetkey.services.audit import Caller

#: S3 keeps a restored copy for at least a day; longer than a year is a change of storage class.
MOST_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Restored:
    """How far the restoring of an archived object is: under way, or readable until a moment."""

    item: Item
    restoring: bool
    until: datetime | None


class ItemRestoring(ItemVerbs):
    """Asks for archived objects; for developers, where the location lets them write."""

    async def restore(self, caller: Caller, item_id: str, *, days: int) -> Restored:
        """Ask for an object to be readable for some days; that takes hours. Asking again while it
        is under way changes nothing.

        Raises NotFound, Denied, InvalidInput (a folder, days), Conflict (not archived), AwsRefused
        (the role may not restore), AwsUnavailable.
        """
        if not 1 <= days <= MOST_DAYS:
            raise InvalidInput(
                f"An object can't be restored for {counted(days, 'day')}.",
                hint=f"Give 1 to {MOST_DAYS} days.",
                field="days",
            )
        store, item = await self._stores.of_item(caller, item_id, RESTORE_ITEM)
        if item.is_folder:
            raise InvalidInput("A folder is not archived.", hint="Restore the items in it.")
        purpose = f"restore item {item.id}"
        credentials = await self._sessions.open(caller, store, WRITE, purpose, extras=RESTORE)
        key = store.key(item.path)
        stored = await self._objects.head(credentials, store.place, key)
        if stored is None:
            raise NotFound(
                f"The object of {ascii(item.filename)[:200]} is not in the bucket any more.",
                hint="Sync the dataset.",
            )
        if stored.storage_class not in ARCHIVED:
            raise Conflict(
                f"The object of {ascii(item.filename)[:200]} is not archived: it can be read.",
                hint="Sync the dataset, if the index says otherwise.",
                code="not_archived",
            )
        if not stored.restoring:
            await self._objects.restore(credentials, store.place, key, days=days)
            event = self._index.event(
                caller, "item.restore", store, f"item:{item.id}", path=item.path, days=days
            )
            async with self._storage.begin() as work:
                await work.audit.append([event])
            stored = await self._objects.head(credentials, store.place, key) or stored
        return Restored(item, stored.restored_until is None, stored.restored_until)


def archived(item: Item, stored: Stored | None = None) -> Archived:
    """Return the error for an object that can't be read before it is restored."""
    name = ascii(item.filename)[:200]
    if stored is not None and stored.restoring:
        return Archived(
            f"The object of {name} is archived, and being restored: that takes hours.",
            hint="Try again later.",
        )
    return Archived(
        f"The object of {name} is archived: restore it first.",
        hint=f"POST /v1/objects/{item.id}/restores asks for it, which takes hours; then try again.",
    )
