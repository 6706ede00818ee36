"""Copying one object to where another dataset keeps its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.filenames import escape
from valetkey.catalog.services.items.changing import ItemChanging, ItemPatch
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.removal import not_there
from valetkey.catalog.services.items.restoring import archived
from valetkey.catalog.services.items.sessions import LOOK, Sessions
from valetkey.catalog.services.items.uploading import ItemUploading, Mode, NewItem, UploadOperation
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import AwsUnavailable, Conflict
from valetkey.domain.ports.objects import ObjectStore
from valetkey.services.audit import Caller

#: An ETag that is the MD5 of the content: that of two objects tells whether they are the same.
_MD5: Final = re.compile(r'"?[0-9a-f]{32}"?')


class ObjectCopying:
    """Reads with the source's credentials and uploads with the target's, whose accounts and stores
    may be different ones. Content and type go along; tags, and headers of one's own, do not."""

    def __init__(
        self,
        sessions: Sessions,
        objects: ObjectStore,
        uploading: ItemUploading,
        changing: ItemChanging,
    ) -> None:
        self._sessions = sessions
        self._objects = objects
        self._uploading = uploading
        self._changing = changing

    async def copy(
        self,
        caller: Caller,
        source: DatasetStorage,
        item: Item,
        target: DatasetStorage,
        path: str,
        *,
        metadata: Mapping[str, Any],
        description: str,
    ) -> Item:
        """Copy an item's object to a path of another dataset; an object of the same content that is
        there already is taken for the copy.

        Raises NotFound (the object is gone), Archived, Conflict (another object is there, or it
        changed meanwhile), Denied, Locked, AwsRefused, AwsUnavailable.
        """
        purpose = f"clone item {item.id}"
        credentials = await self._sessions.open(caller, source, LOOK, purpose)
        key = source.key(item.path)
        there = await self._objects.head(credentials, source.place, key)
        if there is None:
            raise not_there(item.id)
        if there.is_archived:
            raise archived(item, there)
        new = NewItem(
            "/" + escape(path),
            metadata,
            description,
            item.mimetype,
            there.content_encoding,
        )
        body = self._body(credentials, source, key, there.size)
        copy, operation = await self._uploading.upload(
            caller, target.dataset.id, new, body, mode=Mode.SKIP
        )
        if operation is UploadOperation.SKIPPED:
            return await self._taken(caller, there.etag, copy, metadata, description)
        return copy

    async def _body(
        self, credentials: AwsCredentials, source: DatasetStorage, key: str, size: int
    ) -> AsyncIterator[bytes]:
        """Iterate over an object's bytes, which are not asked for before they are wanted. Raises
        AwsUnavailable at their end where they are not as many as was said: the object changed, or
        a store lets bodies end early; neither is to become a copy."""
        reading = await self._objects.read(credentials, source.place, key)
        async for chunk in reading.chunks:
            size -= len(chunk)
            yield chunk
        if size:
            raise AwsUnavailable(
                f"The object {ascii(key)[:200]} was sent with another length than it has.",
                hint="It is tried again.",
            )

    async def _taken(
        self,
        caller: Caller,
        etag: str,
        copy: Item,
        metadata: Mapping[str, Any],
        description: str,
    ) -> Item:
        """Take what is there for the copy, as it is where a killed process had copied it."""
        if _MD5.fullmatch(etag) and _MD5.fullmatch(copy.etag) and etag != copy.etag:
            raise Conflict(
                f"There is another object at {ascii(copy.filename)[:200]} already.",
                hint="Delete it first, or clone to another folder.",
                code="object_exists",
            )
        if (metadata and not copy.metadata) or (description and not copy.description):
            patch = ItemPatch(metadata=metadata, description=description or None, system=True)
            return await self._changing.patch(caller, copy.id, patch)
        return copy
