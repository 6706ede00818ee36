"""What resources stand on: a client that sends, streams and walks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol, TypeVar

from valetkey.sdk.calls import Call
from valetkey.wire.base import Page

T = TypeVar("T")


class Sender(Protocol):
    """A blocking client."""

    def send(self, call: Call[T]) -> T: ...
    def stream(self, call: Call[T]) -> Iterator[T]: ...
    def walk(self, call: Call[Page[T]]) -> Iterator[T]: ...


class AsyncSender(Protocol):
    """An asynchronous client."""

    async def send(self, call: Call[T]) -> T: ...
    def stream(self, call: Call[T]) -> AsyncIterator[T]: ...
    def walk(self, call: Call[Page[T]]) -> AsyncIterator[T]: ...


class Resource:
    """A noun of the API. Methods raise ApiError."""

    def __init__(self, client: Sender) -> None:
        self._client = client


class AsyncResource:
    """A noun of the API. Methods raise ApiError."""

    def __init__(self, client: AsyncSender) -> None:
        self._client = client
