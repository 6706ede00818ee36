"""What resources stand on: a client that sends, streams and walks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol, TypeVar

from valetkey.sdk.call import Call, Flow
from valetkey.wire.base import Page

T = TypeVar("T")


class Sender(Protocol):
    """A blocking client."""

    def send(self, call: Call[T]) -> T: ...
    def run(self, flow: Flow[T]) -> T: ...
    def stream(self, call: Call[T]) -> Iterator[T]: ...
    def chunks(self, call: Call[Any]) -> Iterator[bytes]: ...
    def walk(self, call: Call[Page[T]]) -> Iterator[T]: ...


class AsyncSender(Protocol):
    """An asynchronous client."""

    async def send(self, call: Call[T]) -> T: ...
    async def run(self, flow: Flow[T]) -> T: ...
    def stream(self, call: Call[T]) -> AsyncIterator[T]: ...
    def chunks(self, call: Call[Any]) -> AsyncIterator[bytes]: ...
    def walk(self, call: Call[Page[T]]) -> AsyncIterator[T]: ...


class Resource:
    """A noun of the API. Methods raise ApiError."""

    def __init__(self, client: Sender) -> None:
        self._client = client


class AsyncResource:
    """A noun of the API. Methods raise ApiError. What they do, and what their parameters mean, is
    said once, in the blocking class."""

    def __init_subclass__(cls, *, like: type[Resource]) -> None:
        for name, method in vars(like).items():
            if not name.startswith("_"):
                getattr(cls, name).__doc__ = method.__doc__

    def __init__(self, client: AsyncSender) -> None:
        self._client = client
