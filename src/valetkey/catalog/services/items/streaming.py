"""An item's bytes: a URL that opens just them, or the bytes themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.restoring import archived
from valetkey.catalog.services.items.sessions import LOOK, READ, Sessions
from valetkey.catalog.services.nouns import STREAM_ITEM
from valetkey.domain.errors import AwsRefused, InvalidInput, NotFound
from valetkey.domain.ports.objects import ObjectStore, Stored
from valetkey.services.audit import Caller

#: Long enough to begin a download, short enough to be worth little when it leaks.
URL_LIFETIME: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The bytes are at this URL, for a quarter of an hour."""

    url: str


@dataclass(frozen=True, slots=True)
class Bytes:
    """The bytes themselves, as they are stored: encoded as ``content_encoding`` says.
    ``content_range`` is there when they are a part; a ``size`` of None is not known."""

    item: Item
    size: int | None
    content_range: str = ""
    content_encoding: str = ""
    chunks: AsyncIterator[bytes] | None = field(default=None, repr=False)


class ItemStreaming:
    """Opens items for reading; members of a project may."""

    def __init__(
        self, stores: DatasetStorageRepository, sessions: Sessions, objects: ObjectStore
    ) -> None:
        self._stores = stores
        self._sessions = sessions
        self._objects = objects

    async def open(
        self,
        caller: Caller,
        item_id: str,
        *,
        byte_range: str = "",
        proxied: bool = False,
        as_stored: bool = False,
    ) -> Elsewhere | Bytes:
        """Open an item. ``byte_range`` is an HTTP Range header. What is stored encoded (gzip) is
        sent as it is stored, and says so; with ``as_stored`` it does not say so, for clients that
        hold what they get to the size that the index tells.

        Raises NotFound, Denied, InvalidInput (a folder), Archived, AwsRefused, AwsUnavailable.
        """
        store, item = await self._stores.of_item(caller, item_id, STREAM_ITEM)
        if item.is_folder:
            raise InvalidInput("A folder has no bytes.", hint="Stream the items in it.")
        if item.size == 0 or item.is_archived:
            # S3 answers a Range on an empty object with 416, and SDKs always send one; of an
            # archived one it says so in XML, to whom it was sent by a redirect.
            stored = await self._look(caller, store, item)
            if stored.is_archived:
                raise archived(item, stored)
            if stored.size == 0:
                return Bytes(item, 0)
        credentials = await self._sessions.open(caller, store, READ, f"stream item {item.id}")
        key, place = store.key(item.path), store.place
        if not proxied and not _resolved_by_clients(key):
            url = await self._objects.sign_read(
                credentials,
                place,
                key,
                seconds=int(URL_LIFETIME.total_seconds()),
                headers={"content-encoding": "identity"} if as_stored else None,
            )
            return Elsewhere(url)
        try:
            reading = await self._objects.read(credentials, place, key, byte_range=byte_range)
        except AwsRefused as refused:
            if refused.details.get("aws_code") == "InvalidObjectState":
                raise archived(item) from None
            raise
        encoding = "" if as_stored else reading.content_encoding
        return Bytes(item, reading.size, reading.content_range, encoding, reading.chunks)

    async def _look(self, caller: Caller, store: DatasetStorage, item: Item) -> Stored:
        """Ask the bucket what it has now. Raises NotFound."""
        credentials = await self._sessions.open(caller, store, LOOK, f"stream item {item.id}")
        stored = await self._objects.head(credentials, store.place, store.key(item.path))
        if stored is None:
            raise NotFound(
                f"The object of {ascii(item.filename)[:200]} is not in the bucket any more.",
                hint="Sync the dataset.",
            )
        return stored


def _resolved_by_clients(key: str) -> bool:
    """Tell whether HTTP clients would turn a URL of this key into another one."""
    return any(segment in {".", ".."} for segment in key.split("/"))
