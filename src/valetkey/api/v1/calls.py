"""What a route's handler is called with, and how a handler becomes the answer to an operation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from valetkey.services.audit import Caller
from valetkey.services.registry import Services
from valetkey.wire.base import Query
from valetkey.wire.operation import NDJSON, Operation

Q = TypeVar("Q", bound=Query)
B = TypeVar("B")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LinesResponse:
    """A body that comes line by line."""

    body: AsyncIterator[bytes]
    media_type: str = NDJSON


@dataclass(frozen=True, slots=True)
class ContentResponse:
    """An answer of bytes, or one that leads to them. A ``size`` of None is not known; without
    ``chunks`` there is nothing to send. ``headers`` are further ones."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    size: int | None = 0
    chunks: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class IncomingContent:
    """What a request has beside its query: the bytes of its body as they come, their media type
    (empty: it says none), which of them are asked for, and whether only the headers are (HEAD)."""

    chunks: AsyncIterator[bytes]
    media_type: str
    byte_range: str
    is_head: bool


@dataclass(frozen=True, slots=True)
class ApiCall(Generic[Q, B]):
    """A request that was found right: who asks, the address's parameters, the query, the body.
    ``incoming`` is there for operations on content."""

    services: Services
    caller: Caller
    path: Mapping[str, str]
    query: Q
    body: B
    incoming: IncomingContent | None = None

    def __getitem__(self, name: str) -> str:
        """Return a parameter of the path, such as ``call["integrationId"]``."""
        return self.path[name]


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, what answers it, what answers it line by line or with content, and what it
    shows within the transaction that changes it."""

    operation: Operation[Any, Any, Any]
    handler: Callable[[ApiCall[Any, Any]], Awaitable[Any]] | None
    lines: Callable[[ApiCall[Any, Any]], Awaitable[LinesResponse]] | None = None
    now: Callable[[Any, ApiCall[Any, Any]], Awaitable[Any]] | None = None
    content: Callable[[ApiCall[Any, Any]], Awaitable[ContentResponse]] | None = None


def route(
    operation: Operation[Q, B, R],
    handler: Callable[[ApiCall[Q, B]], Awaitable[R]] | None,
    *,
    lines: Callable[[ApiCall[Q, B]], Awaitable[LinesResponse]] | None = None,
    now: Callable[[Any, ApiCall[Any, Any]], Awaitable[R | None]] | None = None,
    content: Callable[[ApiCall[Q, B]], Awaitable[ContentResponse]] | None = None,
) -> Route:
    """Answer an operation. ``lines`` checks the request and returns the body, a line at a time:
    to whoever asks for lines, or, where there is no other handler, to everybody. ``now`` reads
    what the handler shows within the transaction that changes it, for what has no version: from a
    unit of work and the request; None where it is not there. ``content`` answers with bytes."""
    return Route(operation, handler, lines, now, content)
