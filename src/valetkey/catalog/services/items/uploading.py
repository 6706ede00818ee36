"""New objects, uploaded through Valetkey."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from valetkey.catalog.domain.dataset import Item, media_type_of, parse_path, patched_metadata
from valetkey.catalog.domain.fingerprint import Fingerprint
from valetkey.catalog.services.items.dataset_storage import (
    DatasetStorage,
    DatasetStorageRepository,
)
from valetkey.catalog.services.items.index import Index
from valetkey.catalog.services.items.intents import HeldObjects, Intents
from valetkey.catalog.services.items.sessions import WRITE, Sessions
from valetkey.catalog.services.nouns import UPLOAD_ITEM
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import Conflict, PreconditionFailed, VersionMismatch
from valetkey.domain.ports.objects import (
    ABSENT,
    Condition,
    CredentialSource,
    ObjectStore,
    Stored,
)
from valetkey.services.audit import Caller


class Mode(StrEnum):
    """What an upload does where an object already is."""

    SKIP = "skip"
    OVERWRITE = "overwrite"


class UploadOperation(StrEnum):
    """What an upload did (the ``x-item-op`` header)."""

    CREATED = "created"
    OVERWRITTEN = "overwrite"
    SKIPPED = "skip"


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to be. A ``content_type`` that says nothing is that of the name's ending; the bytes
    are encoded as ``content_encoding`` says."""

    path: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    content_type: str = ""
    content_encoding: str = ""


class ItemUploading:
    """Puts objects into buckets and rows into the index; for developers."""

    def __init__(
        self,
        stores: DatasetStorageRepository,
        sessions: Sessions,
        objects: ObjectStore,
        index: Index,
        intents: Intents,
    ) -> None:
        self._stores = stores
        self._sessions = sessions
        self._objects = objects
        self._index = index
        self._intents = intents

    async def upload(
        self,
        caller: Caller,
        dataset_id: str,
        new: NewItem,
        chunks: AsyncIterator[bytes],
        *,
        mode: Mode,
        replaces: str = "",
    ) -> tuple[Item, UploadOperation]:
        """Write an object as its bytes come, then its item. With ``replaces``, the object that is
        there must have this ETag at the store.

        Raises InvalidInput, TooLarge (metadata), NotFound, Denied, Locked (somebody else writes
        there), VersionMismatch (it is not the one that ``replaces`` names), Conflict (``mode``
        skip, and another object is there; or the object changed meanwhile), AwsRefused,
        AwsUnavailable; what ``chunks`` raises ends the upload without a trace.
        """
        store = await self._stores.of_dataset(caller, dataset_id, UPLOAD_ITEM)
        path = parse_path(new.path)
        key = store.key(path)
        metadata = patched_metadata({}, new.metadata, system=True)
        purpose = f"upload to dataset {store.dataset.id}"
        look = self._stores.looking(caller, store, UPLOAD_ITEM)
        renew = await self._sessions.lasting(look, store, WRITE, purpose)
        async with self._intents.held(caller, store, [path]) as held:
            there = await self._objects.head(await renew(), store.place, key)
            _require_etag(path, there, replaces)
            if there is not None and mode is Mode.SKIP:
                item = await self._skip(caller, store, path, there, chunks, renew)
                return item, UploadOperation.SKIPPED
            new = replace(new, content_type=media_type_of(new.content_type, path))
            stored = await self._write(store, path, held, chunks, new, there, renew)
            held.wrote = True
            draft = self._index.drafted(
                caller,
                store,
                path,
                stored,
                mimetype=new.content_type,
                metadata=metadata,
                description=new.description,
            )
            operation = UploadOperation.CREATED if there is None else UploadOperation.OVERWRITTEN
            event = self._uploaded(caller, store, draft, operation)
            saved = await self._index.record(store, draft, held, event)
            held.wrote = False
            settled = await self._index.settle(caller, store, path, await renew())
            return settled or saved, operation

    async def _write(
        self,
        store: DatasetStorage,
        path: str,
        held: HeldObjects,
        chunks: AsyncIterator[bytes],
        new: NewItem,
        there: Stored | None,
        renew: CredentialSource,
    ) -> Stored:
        """Write the object, on the condition that what was there is there still."""
        try:
            return await self._objects.write(
                await renew(),
                store.place,
                store.key(path),
                held.guarded(chunks),
                storage_class=store.location.storage_class,
                content_type=new.content_type,
                content_encoding=new.content_encoding,
                condition=ABSENT if there is None else unchanged(there),
                renew=renew,
                begun=partial(held.remember_upload, path),
            )
        except PreconditionFailed:
            raise changed_meanwhile(path) from None

    def _uploaded(
        self, caller: Caller, store: DatasetStorage, item: Item, operation: UploadOperation
    ) -> AuditEvent:
        return self._index.event(
            caller,
            "item.upload",
            store,
            f"item:{item.id}",
            path=item.path,
            size=item.size,
            operation=operation.value,
        )

    async def _skip(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        there: Stored,
        chunks: AsyncIterator[bytes],
        renew: CredentialSource,
    ) -> Item:
        """Return the item that is there, unless what was sent is known to be something else.

        Dataloop's SDK takes another size for a broken upload, deletes the item, and with it the
        customer's object: so another size is an error here, and no item.
        """
        sent = Fingerprint(there)
        async for chunk in chunks:
            sent.add(chunk)
        if sent.differs:
            raise Conflict(
                f"There is another object at {ascii('/' + path)[:200]} already, of {there.size} "
                f"bytes; {sent.size} bytes were sent. Nothing was changed.",
                hint="Upload with overwrite (mode=overwrite), or under another name.",
                code="object_exists",
            )
        item = await self._index.settle(caller, store, path, await renew())
        if item is None:
            raise Conflict(
                f"The object at {ascii('/' + path)[:200]} was deleted meanwhile.",
                hint="Upload it again.",
                code="changed_meanwhile",
            )
        return item


def _require_etag(path: str, there: Stored | None, etag: str) -> None:
    if etag and (there is None or there.etag != etag):
        raise VersionMismatch(
            f"The object at {ascii('/' + path)[:200]} is not the one that is to be replaced.",
            hint="Look at what is there now, and decide anew. Nothing was changed.",
        )


def unchanged(there: Stored) -> Condition | None:
    """Return the condition that an object is still the one that was seen, where it has an ETag."""
    return Condition(there.etag) if there.etag else None


def changed_meanwhile(path: str) -> Conflict:
    """Return the error for an object that somebody at the bucket itself wrote or deleted."""
    return Conflict(
        f"The object at {ascii('/' + path)[:200]} was written or deleted in the bucket at the same "
        "moment. Nothing was changed.",
        hint="Look at what is there now, and try again.",
        code="changed_meanwhile",
    )
