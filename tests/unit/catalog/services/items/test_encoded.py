"""Objects that are stored encoded: the index, the redirect and the proxy tell of the same bytes."""

from __future__ import annotations

import gzip

from support.desk import Desk
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.items.streaming import Bytes

PACKED = gzip.compress(b"a text that is long enough to be worth it " * 50)


async def packed(desk: Desk) -> Item:
    key = f"{desk.prefix}a.txt"
    desk.memory.objects.place("acme", key, PACKED, content_encoding="gzip")
    [item] = await desk.items.importing.import_objects(desk.developer, desk.dataset_id, [key])
    return item


async def proxied(desk: Desk, item: Item, *, as_stored: bool) -> tuple[Bytes, bytes]:
    opened = await desk.items.streaming.open(
        desk.developer, item.id, proxied=True, as_stored=as_stored
    )
    assert isinstance(opened, Bytes)
    assert opened.chunks is not None
    return opened, b"".join([chunk async for chunk in opened.chunks])


async def test_the_proxy_sends_what_is_stored_and_says_how_it_is_encoded(desk: Desk) -> None:
    item = await packed(desk)
    opened, body = await proxied(desk, item, as_stored=False)
    assert item.size == opened.size == len(body) == len(PACKED)
    assert opened.content_encoding == "gzip"


async def test_who_is_held_to_the_index_s_size_gets_the_same_bytes_without_a_word(
    desk: Desk,
) -> None:
    item = await packed(desk)
    opened, body = await proxied(desk, item, as_stored=True)
    assert (body, opened.content_encoding) == (PACKED, "")
