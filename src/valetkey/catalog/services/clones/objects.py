"""Copying one object to where another dataset keeps its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.filenames import escape
from valetkey.catalog.services.items.changing import ItemChanging, ItemPatch
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.removal import not_there
from valetkey.catalog.services.items.restoring import archived
from valetkey.catalog.services.items.sessions import LOOK, TAGS, Sessions
from valetkey.catalog.services.items.uploading import ItemUploading, Mode, NewItem, UploadOperation
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused, AwsUnavailable
from valetkey.domain.ports.objects import ObjectStore, Stored
from valetkey.services.audit import Caller


@dataclass(frozen=True, slots=True)
class ObjectCopy:
    """An item that was made of another one. ``without_tags``: those of the other one may not be
    read, so that this one has none."""

    item: Item
    without_tags: bool = False


class ObjectCopying:
    """Within a location the store itself copies. Elsewhere an object is read with the source's
    credentials and uploaded with the target's, whose accounts and stores may be different ones:
    content, headers and tags go along, storage class and encryption are those of the target."""

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
    ) -> ObjectCopy:
        """Copy an item's object to a path of another dataset; an object of the same content that is
        there already is taken for the copy.

        Tags that may not be read are left out; what has tags is not copied without them. Raises
        NotFound (the object is gone), Archived, Conflict (another object is there, or it
        changed meanwhile), Denied, Locked, AwsRefused, AwsUnavailable.
        """
        purpose = f"clone item {item.id}"
        credentials = await self._sessions.open(caller, source, LOOK, purpose, extras=TAGS)
        key = source.key(item.path)
        there = await self._objects.head(credentials, source.place, key)
        if there is None:
            raise not_there(item.id)
        if there.is_archived:
            raise archived(item, there)
        new = NewItem("/" + escape(path), metadata, description, item.mimetype, there.described)
        tags: Mapping[str, str] | None = {}
        if source.location.id == target.location.id:
            new = replace(new, copied_from=key)
        else:
            tags = await self._tags(credentials, source, key)
            new = replace(new, tags=tags or {})
        body = self._body(credentials, source, key, there)
        try:
            copy, operation = await self._uploading.upload(
                caller, target.dataset.id, new, body, mode=Mode.SKIP, identical=True
            )
        except AwsRefused as refused:
            if new.tags and refused.details.get("aws_code") in ACCESS_DENIED:
                raise _refused_with_tags(refused) from None
            raise
        if operation is UploadOperation.SKIPPED:
            copy = await self._described(caller, copy, metadata, description)
        return ObjectCopy(copy, without_tags=tags is None)

    async def _tags(
        self, credentials: AwsCredentials, source: DatasetStorage, key: str
    ) -> Mapping[str, str] | None:
        """Return an object's tags; None where they may not be read."""
        try:
            return await self._objects.tags(credentials, source.place, key)
        except AwsRefused as refused:
            if refused.details.get("aws_code") in ACCESS_DENIED:
                return None
            raise

    async def _body(
        self, credentials: AwsCredentials, source: DatasetStorage, key: str, there: Stored
    ) -> AsyncIterator[bytes]:
        """Iterate over an object's bytes, which are not asked for before they are wanted. Raises
        AwsUnavailable where they are another object's than the headers that go with them, and at
        their end where they are not as many as was said: a store may let bodies end early. None of
        it is to become a copy."""
        reading, size = await self._objects.read(credentials, source.place, key), there.size
        async with aclosing(reading.chunks) as chunks:
            if reading.etag and there.etag and reading.etag != there.etag:
                raise AwsUnavailable(
                    f"The object {ascii(key)[:200]} was written over while it was looked at.",
                    hint="It is tried again.",
                )
            async for chunk in chunks:
                size -= len(chunk)
                if size < 0:
                    break  # it may never end
                yield chunk
        if size:
            raise AwsUnavailable(
                f"The object {ascii(key)[:200]} was sent with another length than it has.",
                hint="It is tried again.",
            )

    async def _described(
        self, caller: Caller, copy: Item, metadata: Mapping[str, Any], description: str
    ) -> Item:
        """Give what is taken for the copy what it lacks, as it does where a killed process made
        it."""
        if (metadata and not copy.metadata) or (description and not copy.description):
            patch = ItemPatch(metadata=metadata, description=description or None, system=True)
            return await self._changing.patch(caller, copy.id, patch)
        return copy


def _refused_with_tags(refused: AwsRefused) -> AwsRefused:
    return AwsRefused(
        "The object has tags, and writing it with them is refused: a copy would lose them. "
        f"{refused.message}",
        hint="Allow the target's role s3:PutObjectTagging (and s3:PutObject) on the folder.",
        **refused.details,
    )
