"""An item's bytes: a URL that opens just them, or the bytes themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.links import Links
from valetkey.catalog.services.items.parts import ItemParts, ItemVerbs
from valetkey.catalog.services.items.restoring import archived
from valetkey.catalog.services.items.sessions import LOOK, READ
from valetkey.catalog.services.nouns import STREAM_ITEM
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import AwsRefused, InvalidInput, NotFound
from valetkey.domain.ports.objects import Stored
from valetkey.services.audit import Caller

#: A link may lead to a link, and so on, so often.
_MOST_LINKS: Final = 4
#: Long enough to begin a download, short enough to be worth little when it leaks.
URL_LIFETIME: Final = timedelta(minutes=15)
#: What the index says of an object is believed for so long.
FRESH: Final = timedelta(hours=1)


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


class ItemStreaming(ItemVerbs):
    """Opens items for reading; members of a project may."""

    def __init__(self, parts: ItemParts, links: Links) -> None:
        super().__init__(parts)
        self._links = links

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
        hold what they get to the size that the index tells. A link item's bytes are those that it
        leads to, which takes the right to them; a URL is left to whoever asks.

        Raises NotFound, Denied, InvalidInput (a folder), Archived, AwsRefused, AwsUnavailable.
        """
        found = await self._led_to(caller, item_id)
        if isinstance(found, Elsewhere):
            return found
        store, item = found
        if item.size == 0 or item.is_archived or (not proxied and await self._is_old(store, item)):
            # S3 answers a Range on an empty object with 416, and SDKs always send one; of an
            # archived one, or one that is gone, it says so in XML, to whom it was sent by a
            # redirect.
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
        return await self._bytes(credentials, store, item, byte_range, as_stored=as_stored)

    async def _led_to(
        self, caller: Caller, item_id: str
    ) -> Elsewhere | tuple[DatasetStorage, Item]:
        """Return the item whose bytes are wanted, and its dataset, or the URL that a link leads
        to."""
        for _ in range(_MOST_LINKS):
            store, item = await self._stores.of_item(caller, item_id, STREAM_ITEM)
            if item.is_folder:
                raise InvalidInput("A folder has no bytes.", hint="Stream the items in it.")
            link = await self._links.read(caller, store, item)
            if link is None:
                return store, item
            if link.url:
                return Elsewhere(link.url)
            item_id = link.item_id
        raise InvalidInput(
            f"The item leads over more than {_MOST_LINKS} links, or in a circle.",
            hint="Let it lead to the item itself that has the bytes.",
        )

    async def _bytes(
        self,
        credentials: AwsCredentials,
        store: DatasetStorage,
        item: Item,
        byte_range: str,
        *,
        as_stored: bool,
    ) -> Bytes:
        """Open an object to be sent from here."""
        key, place = store.key(item.path), store.place
        try:
            reading = await self._objects.read(credentials, place, key, byte_range=byte_range)
        except AwsRefused as refused:
            if refused.details.get("aws_code") == "InvalidObjectState":
                raise archived(item) from None
            raise
        encoding = "" if as_stored else reading.content_encoding
        return Bytes(item, reading.size, reading.content_range, encoding, reading.chunks)

    async def _is_old(self, store: DatasetStorage, item: Item) -> bool:
        """Tell whether the object may well have been archived or deleted since the index saw it:
        neither a sync nor a write of it is of the last hour. To ask takes a request more."""
        since = self._clock.now() - FRESH
        if item.modified_at is not None and item.modified_at >= since:
            return False
        async with self._storage.read() as work:
            synced_at = await work.commands.synced_at(store.dataset.id)
        return synced_at is None or synced_at < since

    async def look(self, caller: Caller, item_id: str) -> Elsewhere | Bytes:
        """Tell what :meth:`open` would send of the whole item, and send nothing. Raises what it
        does."""
        found = await self._led_to(caller, item_id)
        if isinstance(found, Elsewhere):
            return found
        store, item = found
        stored = await self._look(caller, store, item)
        if stored.is_archived:
            raise archived(item, stored)
        return Bytes(item, stored.size)

    async def _look(self, caller: Caller, store: DatasetStorage, item: Item) -> Stored:
        """Ask the bucket what it has now. Raises NotFound."""
        # Where the location may not be listed, S3 refuses what is gone, and that is raised.
        levels = LOOK & store.location.access
        credentials = await self._sessions.open(caller, store, levels, f"stream item {item.id}")
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
