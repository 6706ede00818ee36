"""Objects that are in the bucket already, indexed without a sync."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from valetkey.catalog.domain.dataset import Item, is_indexable, mimetype_of
from valetkey.catalog.services.items.dataset_storage import (
    DatasetStorage,
)
from valetkey.catalog.services.items.index import with_facts
from valetkey.catalog.services.items.intents import HeldObjects
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.sessions import LOOK
from valetkey.catalog.services.nouns import IMPORT_ITEMS
from valetkey.counting import counted
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import InvalidInput, NotFound, TooLarge
from valetkey.domain.ports.objects import Stored
from valetkey.services.audit import Caller

MAX_IMPORTS: Final = 1000
_AT_ONCE: Final = 16


class ItemImporting(ItemVerbs):
    """Indexes objects by their names; for developers."""

    async def import_objects(
        self, caller: Caller, dataset_id: str, storage_ids: Sequence[str]
    ) -> list[Item]:
        """Index objects by ``bucket:key`` or key.

        An item's path is its object's key below the location's folder, whatever it was called
        elsewhere. Raises InvalidInput (outside the folder), NotFound, Denied, TooLarge, Locked
        (somebody is writing one of them), AwsRefused, AwsUnavailable; then none is indexed.
        """
        _require_some(storage_ids)
        store = await self._stores.of_dataset(caller, dataset_id, IMPORT_ITEMS)
        possible = {one: _possible_paths(store, one) for one in storage_ids}
        return await self._import(caller, store, possible)

    async def import_paths(
        self, caller: Caller, dataset_id: str, paths: Sequence[str]
    ) -> list[Item]:
        """Index objects by their paths: their keys below the location's folder. Raises what
        :meth:`import_objects` does."""
        _require_some(paths)
        store = await self._stores.of_dataset(caller, dataset_id, IMPORT_ITEMS)
        possible = {one: [_path_of(store, store.key(one), field="paths")] for one in paths}
        return await self._import(caller, store, possible)

    async def _import(
        self, caller: Caller, store: DatasetStorage, possible: Mapping[str, Sequence[str]]
    ) -> list[Item]:
        credentials = await self._sessions.open(caller, store, LOOK, "import objects")
        paths = sorted({path for some in possible.values() for path in some})
        async with self._intents.held(caller, store, paths) as held:
            async with self._storage.read() as work:
                rows = {path: await work.items.by_path(store.dataset, path) for path in paths}
            found = await self._find_all(store, credentials, possible)
            return await self._record(caller, store, credentials, rows, found, held)

    async def _record(
        self,
        caller: Caller,
        store: DatasetStorage,
        credentials: AwsCredentials,
        rows: Mapping[str, Item | None],
        found: Sequence[tuple[str, Stored]],
        held: HeldObjects,
    ) -> list[Item]:
        """Write the rows that no sync changed since the objects were looked at; look at the others
        again."""
        saved: dict[str, Item] = {}
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            for path, stored in found:
                row = await work.items.by_path(store.dataset, path)
                if row != rows[path]:
                    continue
                draft = row or self._index.drafted(
                    caller, store, path, stored, mimetype=mimetype_of(path)
                )
                fresh = with_facts(draft, stored)
                touched_ms = self._index.now_ms()
                saved[path] = await work.items.put(
                    store.dataset, fresh, touched_ms=touched_ms, revive=True
                )
            subject = f"dataset:{store.dataset.id}"
            event = self._index.event(caller, "item.import", store, subject, items=len(found))
            await held.require(work, saved)
            await work.audit.append([event])
        for path, _ in found:
            if path not in saved:
                item = await self._index.settle(caller, store, path, held, credentials)
                if item is None:
                    raise _not_found(store, path)
                saved[path] = item
        return [saved[path] for path, _ in found]

    async def _find_all(
        self,
        store: DatasetStorage,
        credentials: AwsCredentials,
        possible: Mapping[str, Sequence[str]],
    ) -> list[tuple[str, Stored]]:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def find(storage_id: str) -> tuple[str, Stored]:
            async with gate:
                for path in possible[storage_id]:
                    key = store.key(path)
                    stored = await self._objects.head(credentials, store.place, key)
                    if stored is not None:
                        return path, stored
            raise _not_found(store, storage_id)

        return await asyncio.gather(*map(find, possible))


def _require_some(wanted: Sequence[str]) -> None:
    if len(wanted) > MAX_IMPORTS:
        raise TooLarge(
            f"{counted(len(wanted), 'object')} are too many to import at once.",
            hint=f"Import up to {MAX_IMPORTS} in one request, or sync the dataset.",
        )


def _not_found(store: DatasetStorage, storage_id: str) -> NotFound:
    return NotFound(
        f"There is no object {ascii(storage_id)[:200]} in the bucket {store.location.bucket}.",
        hint="Give 'bucket:key', or the key alone, as the bucket's listing shows it.",
    )


def _possible_paths(store: DatasetStorage, storage_id: str) -> list[str]:
    first, *others = _possible_keys(store.location.bucket, storage_id)
    return [
        _path_of(store, first),
        *(_path_of(store, key) for key in others if _is_below(store, key)),
    ]


def _possible_keys(bucket: str, storage_id: str) -> list[str]:
    """Return what a storage id may mean. Dataloop's SDK makes ``a:b.jpg`` of
    ``external://a/b.jpg``, whether ``a`` is the bucket or a folder."""
    first, colon, rest = storage_id.partition(":")
    if not colon:
        return [storage_id]
    if first == bucket:
        return [rest]
    return [f"{first}/{rest}", storage_id]


def _is_below(store: DatasetStorage, key: str) -> bool:
    prefix = store.location.prefix
    path = key.removeprefix(prefix)
    return key.startswith(prefix) and is_indexable(path) and _is_text(path)


def _path_of(store: DatasetStorage, key: str, *, field: str = "storageId") -> str:
    prefix = store.location.prefix
    if not _is_below(store, key):
        raise InvalidInput(
            f"{ascii(key)[:200]} is not an object below the location's folder ({prefix or '/'}).",
            hint="Import what is in that folder, or use a location for the other one.",
            field=field,
        )
    return key.removeprefix(prefix)


def _is_text(path: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in path)
