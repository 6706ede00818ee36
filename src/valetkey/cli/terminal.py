"""A client that remembers what came over the wire, so that it can be printed as it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from valetkey.sdk.client import Client
from valetkey.sdk.transport import decode, part

if TYPE_CHECKING:
    from valetkey.cli.common import Common
    from valetkey.sdk.call import Call
    from valetkey.wire.base import Page

T = TypeVar("T")
#: What the API answers in one part at most.
_MOST = 1000


class _RawPage(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw]


class Terminal(Client):
    """The client of a command. ``common`` are the command's options; ``next`` is where a list that
    was cut goes on."""

    def __init__(self, url: str, token: str, common: Common) -> None:
        super().__init__(url, token)
        self.common = common
        self.next: str | None = None
        self._limit: int | None = None
        self._cursor: str | None = None
        #: By identity: the values are kept too, so that no other takes their place.
        self._kept: dict[int, tuple[Any, bytes]] = {}

    def raw(self, value: Any) -> bytes:
        """Return a value as JSON: as it came over the wire, if it did."""
        found = self._kept.get(id(value))
        return found[1] if found is not None else msgspec.json.encode(value)

    def only_part(self, limit: int | None, cursor: str | None = None) -> None:
        """Let the next list begin at ``cursor``, and have ``limit`` entries at most."""
        self._limit, self._cursor = limit, cursor or None

    def send(self, call: Call[T]) -> T:
        """Send a call, and remember its answer. Raises ApiError."""
        if call.result is None or call.result is bytes or call.with_etag:
            return super().send(call)
        unread: Call[Any] = replace(call, result=bytes)
        body: bytes = super().send(unread)
        value: T = decode(body, call.result)
        self._kept[id(value)] = value, body
        return value

    def stream(self, call: Call[T]) -> Iterator[T]:
        """Send a call whose answer is a line of JSON per entry, and remember each."""
        unread: Call[Any] = replace(call, result=msgspec.Raw)
        for line in super().stream(unread):
            body = bytes(line)
            value: T = decode(body, call.result)
            self._kept[id(value)] = value, body
            yield value

    def walk(self, call: Call[Page[T]]) -> Iterator[T]:
        """Yield the entries of a list, as many as are wanted, and remember each."""
        left, following = self._limit, self._cursor
        while left is None or left > 0:
            size = _MOST if left is None else min(left, _MOST)
            page = self.send(part(replace(call, query={**call.query, "limit": size}), following))
            raws = decode(self.raw(page), _RawPage).items
            for value, raw in zip(page.items, raws, strict=True):
                self._kept[id(value)] = value, bytes(raw)
                yield value
            left = None if left is None else left - len(page.items)
            self.next = following = page.next
            if following is None:
                return
