"""A link item's bytes are those it leads to, for whoever may have them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from support.desk import Desk, sent
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.links import MAX_LINK_BYTES, Link, parse_link
from valetkey.catalog.services.items.links import peeked
from valetkey.catalog.services.items.streaming import Bytes, Elsewhere
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Denied, InvalidInput, NotFound
from valetkey.services.audit import Caller


def document(kind: str, ref: str, **more: Any) -> bytes:
    info = {"type": kind, "ref": ref, **more}
    shebang = {"type": "link", "shebang": "dataloop"}
    return json.dumps({**shebang, "metadata": {"dltype": "link", "linkInfo": info}}).encode()


async def linked(desk: Desk, name: str, body: bytes) -> Item:
    """Upload as the SDK's door does."""
    link, chunks = await peeked(sent(body))
    assert link is not None
    assert b"".join([chunk async for chunk in chunks]) == body
    item, _ = await desk.upload(name, body, metadata=link.metadata())
    return item


async def body_of(desk: Desk, item: Item, by: Caller | None = None) -> bytes:
    streaming = desk.items.streaming
    opened = await streaming.open(by or desk.developer, item.id, proxied=True)
    assert isinstance(opened, Bytes)
    assert opened.chunks is not None
    return b"".join([chunk async for chunk in opened.chunks])


async def test_a_link_to_an_item_has_its_bytes_and_size(desk: Desk) -> None:
    target, _ = await desk.upload("/a.txt", b"the bytes")
    link = await linked(desk, "/a_link.json", document("id", target.id))
    assert await body_of(desk, link) == b"the bytes"
    assert await desk.items.links.sizes(desk.developer, [link, target]) == {link.id: 9}
    again = await linked(desk, "/b_link.json", document("id", link.id))
    assert await body_of(desk, again) == b"the bytes"


async def test_a_link_to_a_url_sends_there_and_asks_nobody(desk: Desk) -> None:
    link = await linked(desk, "/u_link.json", document("url", "https://example.com/a.jpg?b=c"))
    opened = await desk.items.streaming.open(desk.developer, link.id)
    assert opened == Elsewhere("https://example.com/a.jpg?b=c")
    assert await desk.items.links.sizes(desk.developer, [link]) == {}


async def test_a_link_gives_nobody_what_they_may_not_have(desk: Desk) -> None:
    people, owner = desk.memory.services.people, await desk.memory.caller()
    target, _ = await desk.upload("/a.txt", b"the bytes")
    link = await linked(desk, "/a_link.json", document("id", target.id))
    other = await people.create_project(owner, desk.memory.org_id, "other")
    await desk.memory.member("eve@example.com", None)
    await people.put_project_member(owner, other.id, "eve@example.com", ProjectRole.OWNER)
    eve = await desk.memory.caller("eve@example.com")
    assert await desk.items.links.sizes(eve, [link]) == {}
    with pytest.raises(Denied):
        await body_of(desk, link, eve)


async def test_a_link_whose_item_is_gone_or_that_leads_to_itself_says_so(desk: Desk) -> None:
    target, _ = await desk.upload("/a.txt", b"the bytes")
    link = await linked(desk, "/a_link.json", document("id", target.id))
    await desk.items.removal.delete(desk.developer, target.id)
    with pytest.raises(NotFound):
        await body_of(desk, link)
    await linked(desk, "/a_link.json", document("id", link.id))
    with pytest.raises(InvalidInput):
        await body_of(desk, link)


async def test_what_is_written_over_a_link_is_served_itself(desk: Desk) -> None:
    target, _ = await desk.upload("/a.txt", b"the bytes")
    link = await linked(desk, "/a_link.json", document("id", target.id))
    await desk.upload("/a_link.json", b"something else")
    assert await body_of(desk, link) == b"something else"


async def test_of_what_was_written_over_a_link_no_more_is_read_than_a_link_has(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the bucket itself, where the index does not know of it yet: it may be terabytes."""
    target, _ = await desk.upload("/a.txt", b"the bytes")
    link = await linked(desk, "/a_link.json", document("id", target.id))
    objects, sent, closed = desk.memory.objects, 0, 0
    read = type(objects).read

    async def endless(*given: Any, **more: Any) -> Any:
        async def chunks() -> AsyncGenerator[bytes]:
            nonlocal sent, closed
            try:
                while sent < 10_000:
                    sent += 1
                    yield b"x" * 1024
            finally:
                closed += 1

        return replace(await read(objects, *given, **more), size=None, chunks=chunks())

    monkeypatch.setattr(objects, "read", endless)
    streaming = desk.items.streaming
    opened = await streaming.open(desk.developer, link.id, proxied=True)
    assert isinstance(opened, Bytes)
    assert (sent, closed) == (MAX_LINK_BYTES // 1024 + 1, 1)


@pytest.mark.parametrize(
    "body",
    [
        document("url", "file:///etc/passwd"),
        document("url", "https://example.com/\r\nset-cookie: a=b"),
        document("url", "javascript:alert(1)"),
        document("id", "../../x"),
        document("gone", "https://example.com"),
        document("url", "https://example.com/" + "x" * MAX_LINK_BYTES),
        b"{" * 5000 + b"dataloop",
        b'{"shebang": "dataloop", "type": "link", "metadata": [1]}',
        b"dataloop",
        b"",
    ],
)
async def test_what_could_not_be_followed_is_a_file(body: bytes) -> None:
    link, chunks = await peeked(sent(body[:9], body[9:]))
    assert link is None
    assert b"".join([chunk async for chunk in chunks]) == body


def test_a_link_is_read_as_the_sdk_writes_it() -> None:
    wanted = Link(url="http://example.com/a.png", mimetype="image/png")
    assert parse_link(document("url", wanted.url, mimetype="image/png")) == wanted
    assert parse_link(document("id", "a" * 24, datasetId="b" * 24)) == Link(item_id="a" * 24)
