"""New objects, uploaded through Valetkey."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from valetkey.catalog.domain.dataset import (
    Item,
    check_description,
    media_type_of,
    parse_path,
    patched_metadata,
)
from valetkey.catalog.domain.fingerprint import Fingerprint
from valetkey.catalog.services.items.dataset_storage import (
    DatasetStorage,
)
from valetkey.catalog.services.items.intents import HeldObjects
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.sessions import TAGS, WRITE
from valetkey.catalog.services.nouns import UPLOAD_ITEM
from valetkey.counting import counted
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import Conflict, PreconditionFailed, VersionMismatch
from valetkey.domain.ports.objects import (
    ABSENT,
    Condition,
    CredentialSource,
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
    """An item to be. A ``content_type`` that says nothing is that of the name's ending.

    What is made of another object carries what ``described`` says of that one, and ``tags``. With
    ``copied_from``, its key in the same location, the store itself copies it, with all that it
    carries."""

    path: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    content_type: str = ""
    described: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    copied_from: str = ""

    @property
    def carries_tags(self) -> bool:
        """Tell whether the object gets tags, for all that is known."""
        return bool(self.tags or self.copied_from)


class ItemUploading(ItemVerbs):
    """Puts objects into buckets and rows into the index; for developers."""

    async def upload(
        self,
        caller: Caller,
        dataset_id: str,
        new: NewItem,
        chunks: AsyncIterator[bytes],
        *,
        mode: Mode,
        replaces: str = "",
        identical: bool = False,
    ) -> tuple[Item, UploadOperation]:
        """Write an object as its bytes come, then its item. With ``replaces``, the object that is
        there must have this ETag at the store. ``mode`` skip leaves one of the same size alone,
        and with ``identical`` just one that has these very bytes, which may take reading it.

        Raises InvalidInput, TooLarge (metadata, description), NotFound, Denied, Locked (somebody
        else writes there), VersionMismatch (it is not the one that ``replaces`` names), Conflict
        (``mode`` skip, and another object is there; or the object changed meanwhile), AwsRefused,
        AwsUnavailable; what ``chunks`` raises ends the upload without a trace.
        """
        store = await self._stores.of_dataset(caller, dataset_id, UPLOAD_ITEM)
        path = parse_path(new.path)
        key = store.key(path)
        metadata = patched_metadata({}, new.metadata, system=True)
        check_description(new.description)
        purpose = f"upload to dataset {store.dataset.id}"
        look = self._stores.looking(caller, store, UPLOAD_ITEM)
        extras = TAGS if new.carries_tags else frozenset()
        renew = await self._sessions.lasting(look, store, WRITE, purpose, extras=extras)
        async with self._intents.held(caller, store, [path]) as held:
            there = await self._objects.head(await renew(), store.place, key)
            _require_etag(path, there, replaces)
            if there is not None and mode is Mode.SKIP:
                sent = Fingerprint(there, closely=identical)
                async for chunk in chunks:
                    sent.add(chunk)
                await self._require_same(store, path, there, sent, renew if identical else None)
                item = await self._left_alone(caller, store, path, held, renew)
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
            settled = await self._index.settle(caller, store, path, held, await renew())
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
        condition = ABSENT if there is None else unchanged(there)
        begun = partial(held.remember_upload, path)
        key, place = store.key(path), store.place
        try:
            if new.copied_from:
                credentials = await renew()
                await held.still()
                return await self._objects.copy(
                    *(credentials, place, new.copied_from, key),
                    condition=condition,
                    renew=renew,
                    begun=begun,
                )
            return await self._objects.write(
                *(await renew(), place, key, held.guarded(chunks)),
                storage_class=store.location.storage_class,
                content_type=new.content_type,
                described=new.described,
                tags=new.tags,
                condition=condition,
                renew=renew,
                begun=begun,
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

    async def _require_same(
        self,
        store: DatasetStorage,
        path: str,
        there: Stored,
        sent: Fingerprint,
        read: CredentialSource | None,
    ) -> None:
        """Raise Conflict where what was sent is known to be something else than what is there;
        ``read`` is given to find that out by reading it, where nothing else tells.

        Dataloop's SDK takes another size for a broken upload, deletes the item, and with it the
        customer's object: so another size is an error here, and no item.
        """
        same = sent.is_same
        if same is None and read is not None:
            found = Fingerprint(there, closely=True)
            reading = await self._objects.read(await read(), store.place, store.key(path))
            async with aclosing(reading.chunks) as content:
                async for chunk in content:
                    found.add(chunk)
                    if found.size > there.size:
                        break  # it may never end
            same = found.has_bytes_of(sent)
        if same is False:
            raise Conflict(
                f"There is another object at {ascii('/' + path)[:200]} already: it has "
                f"{counted(there.size, 'byte')}, and {counted(sent.size, 'byte')} came. "
                "Nothing was changed.",
                hint="Upload with overwrite (mode=overwrite), or under another name.",
                code="object_exists",
            )

    async def _left_alone(
        self,
        caller: Caller,
        store: DatasetStorage,
        path: str,
        held: HeldObjects,
        renew: CredentialSource,
    ) -> Item:
        """Return the item of an object that is left as it is."""
        item = await self._index.settle(caller, store, path, held, await renew())
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
