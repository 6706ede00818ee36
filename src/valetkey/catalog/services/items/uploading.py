"""New objects: uploaded through Valetkey, or found in the bucket and named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from valetkey.catalog.domain.dataset import (
    Item,
    is_indexable,
    mimetype_of,
    parse_path,
    patched_metadata,
)
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.index import Index
from valetkey.catalog.services.items.sessions import LOOK, WRITE, Sessions
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput, NotFound, TooLarge
from valetkey.domain.ports.objects import Credentials, ObjectStore, Stored
from valetkey.services.audit import Caller

MAX_IMPORTS: Final = 1000
_AT_ONCE: Final = 16


class Mode(StrEnum):
    """What an upload does where an object already is."""

    SKIP = "skip"
    OVERWRITE = "overwrite"


class Operation(StrEnum):
    """What an upload did (the ``x-item-op`` header)."""

    CREATED = "created"
    OVERWRITTEN = "overwrite"
    SKIPPED = "skip"


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to be. An empty ``content_type`` is that of the name's ending."""

    path: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    content_type: str = ""


class ItemUploading:
    """Puts objects into buckets and rows into the index; for developers."""

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

    async def upload(
        self,
        caller: Caller,
        dataset_id: str,
        new: NewItem,
        chunks: AsyncIterator[bytes],
        *,
        mode: Mode,
    ) -> tuple[Item, Operation]:
        """Write an object as its bytes come, then its item.

        Raises InvalidInput, NotFound, Denied, Conflict (``mode`` skip, and another object is
        there), AwsRefused, AwsUnavailable; what ``chunks`` raises ends the upload without a trace.
        """
        store = await self._stores.of_dataset(caller, dataset_id, Action.MANAGE_DATASETS)
        path = parse_path(new.path)
        key = store.key(path)
        metadata = patched_metadata({}, new.metadata, system=True)
        credentials = await self._sessions.open(
            caller, store, WRITE, f"upload to dataset {store.dataset.id}"
        )
        there = await self._objects.head(credentials, store.place, key)
        if there is not None and mode is Mode.SKIP:
            item = await self._skip(caller, store, path, there, chunks, credentials)
            return item, Operation.SKIPPED
        mimetype = new.content_type or mimetype_of(path)
        intents = await self._index.intend(caller, store, [path])
        try:
            stored = await self._objects.write(
                credentials,
                store.place,
                key,
                chunks,
                storage_class=store.location.storage_class,
                content_type=mimetype,
            )
        except BaseException as error:
            await self._index.give_up(intents.values(), error)
            raise
        draft = self._index.drafted(
            caller,
            store,
            path,
            stored,
            mimetype=mimetype,
            metadata=metadata,
            description=new.description,
        )
        operation = Operation.CREATED if there is None else Operation.OVERWRITTEN
        event = self._index.event(
            caller,
            "item.upload",
            store,
            f"item:{draft.id}",
            path=path,
            size=stored.size,
            operation=operation.value,
        )
        saved = await self._index.record(store, draft, intents.values(), event)
        settled = await self._index.settle(caller, store, path, credentials)
        return settled or saved, operation

    async def _skip(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        there: Stored,
        chunks: AsyncIterator[bytes],
        credentials: Credentials,
    ) -> Item:
        """Return the item that is there, if it has the size of what was sent.

        Dataloop's SDK takes another size for a broken upload, deletes the item, and with it the
        customer's object: so another size is an error here, and no item.
        """
        size = 0
        async for chunk in chunks:
            size += len(chunk)
        if size != there.size:
            raise Conflict(
                f"There is an object at {ascii('/' + path)[:200]} already, of {there.size} bytes; "
                f"{size} bytes were sent. Nothing was changed.",
                hint="Upload with overwrite (mode=overwrite), or under another name.",
            )
        item = await self._index.settle(caller, store, path, credentials)
        if item is None:
            raise Conflict(
                f"The object at {ascii('/' + path)[:200]} was deleted meanwhile.",
                hint="Upload it again.",
            )
        return item

    async def import_objects(
        self, caller: Caller, dataset_id: str, storage_ids: Sequence[str]
    ) -> list[Item]:
        """Index objects that are in the bucket already, by ``bucket:key`` or key, without a sync.

        An item's path is its object's key below the location's folder, whatever it was called
        elsewhere. Raises InvalidInput (outside the folder), NotFound, Denied, TooLarge,
        AwsRefused, AwsUnavailable; then none is indexed.
        """
        if len(storage_ids) > MAX_IMPORTS:
            raise TooLarge(
                f"{len(storage_ids)} objects are too many to import at once.",
                hint=f"Import up to {MAX_IMPORTS} in one request, or sync the dataset.",
            )
        store = await self._stores.of_dataset(caller, dataset_id, Action.MANAGE_DATASETS)
        credentials = await self._sessions.open(caller, store, LOOK, "import objects")
        gate = asyncio.Semaphore(_AT_ONCE)

        async def find(storage_id: str) -> tuple[str, Stored]:
            async with gate:
                return await self._find(store, credentials, storage_id)

        found = await asyncio.gather(*map(find, storage_ids))
        items: list[Item] = []
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            for path, stored in found:
                row = await work.items.by_path(store.dataset, path)
                draft = row or self._index.drafted(
                    caller, store, path, stored, mimetype=mimetype_of(path)
                )
                fresh = replace(
                    draft, size=stored.size, etag=stored.etag, modified_at=stored.modified_at
                )
                touched_ms = self._index.now_ms()
                items.append(await work.items.put(store.dataset, fresh, touched_ms=touched_ms))
            event = self._index.event(
                caller,
                "item.import",
                store,
                f"dataset:{store.dataset.id}",
                items=len(items),
            )
            await work.audit.append([event])
        return items

    async def _find(
        self, store: DatasetStorage, credentials: Credentials, storage_id: str
    ) -> tuple[str, Stored]:
        for key in _possible_keys(store.location.bucket, storage_id):
            path = _path_of(store, key)
            stored = await self._objects.head(credentials, store.place, store.key(path))
            if stored is not None:
                return path, stored
        raise NotFound(
            f"There is no object {ascii(storage_id)[:200]} in the bucket {store.location.bucket}.",
            hint="Give 'bucket:key', or the key alone, as the bucket's listing shows it.",
        )


def _possible_keys(bucket: str, storage_id: str) -> list[str]:
    """Return what a storage id may mean. Dataloop's SDK makes ``a:b.jpg`` of
    ``external://a/b.jpg``, whether ``a`` is the bucket or a folder."""
    first, colon, rest = storage_id.partition(":")
    if not colon:
        return [storage_id]
    if first == bucket:
        return [rest]
    return [f"{first}/{rest}", storage_id]


def _path_of(store: DatasetStorage, key: str) -> str:
    prefix = store.location.prefix
    path = key.removeprefix(prefix)
    if not key.startswith(prefix) or not is_indexable(path) or not _is_text(path):
        raise InvalidInput(
            f"{ascii(key)[:200]} is not an object below the location's folder ({prefix or '/'}).",
            hint="Import what is in that folder, or use a location for the other one.",
            field="storageId",
        )
    return path


def _is_text(path: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in path)
