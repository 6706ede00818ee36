"""Following link items: whoever follows one needs the right to what it leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.links import MAX_LINK_BYTES, Link, may_be_link, parse_link
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.sessions import READ
from valetkey.catalog.services.nouns import READ_ITEM
from valetkey.domain.errors import Denied, NotFound
from valetkey.services.audit import Caller

#: Of a page, so many links are looked up for the size of what they lead to.
_SIZES: Final = 100


class Links(ItemVerbs):
    """Reads where link items lead."""

    async def read(self, caller: Caller, store: DatasetStorage, item: Item) -> Link | None:
        """Return where an item leads; None for one that is no link (any more). Raises what
        sessions and the store raise."""
        if not may_be_link(item):
            return None
        credentials = await self._sessions.open(caller, store, READ, f"follow item {item.id}")
        reading = await self._objects.read(credentials, store.place, store.key(item.path))
        content = await reading.whole(most=MAX_LINK_BYTES)
        if content is None:
            return None  # somebody wrote something else there
        return parse_link(content)

    async def sizes(self, caller: Caller, items: Sequence[Item]) -> dict[str, int]:
        """Return how many bytes come of link items, by their ids, as their metadata says where they
        lead; what the caller may not see, or leads to a URL, is left out."""
        found: dict[str, int] = {}
        for item in [each for each in items if may_be_link(each)][:_SIZES]:
            ref = item.metadata["system"]["shebang"].get("linkInfo", {}).get("ref")
            with suppress(NotFound, Denied):
                _, target = await self._stores.of_item(caller, str(ref), READ_ITEM)
                found[item.id] = target.size
        return found


async def peeked(chunks: AsyncIterator[bytes]) -> tuple[Link | None, AsyncIterator[bytes]]:
    """Return what a body that comes in links to, if it is a link, and the same body."""
    first: list[bytes] = []
    size = 0
    async for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size > MAX_LINK_BYTES:
            break
    link = parse_link(b"".join(first))

    async def whole() -> AsyncIterator[bytes]:
        for chunk in first:
            yield chunk
        async for chunk in chunks:
            yield chunk

    return link, whole()
