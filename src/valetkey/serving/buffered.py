"""Requests that come whole and are answered whole: ASGI without its streams, or with no ASGI at
all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

Header = tuple[bytes, bytes]
PendingResponse = Coroutine[Any, Any, None]
#: Tells by method and path whether a request's answer comes in one piece, whatever it is.
IsBuffered = Callable[[bytes, bytes], bool]
_CLOSE: Final = (b"connection", b"close")
#: An answer that comes in pieces is put together, if it is no longer.
_MOST_ANSWER: Final = 4 << 20
_BODILESS: Final = frozenset({204, 304})
_ENDED: Final[Any] = {"type": "http.disconnect"}
#: Nobody waits for the rest of a request that has come whole.
_NOBODY_WAITS: Final = asyncio.Event()


class ResponseChannel(Protocol):
    """What an answer leaves by: a connection."""

    transport: asyncio.Transport
    flow: FlowControl

    def last_headers(self) -> Iterable[Header]:
        """Return what the server itself says in each answer."""
        ...

    def start(self, work: PendingResponse) -> None:
        """Do something in a task that a stop of the server waits for."""
        ...

    def is_answered(self) -> None:
        """Hear that the answer was given: the next request may come."""
        ...


class Shortcut(Protocol):
    """What answers requests that come whole."""

    def is_buffered(self, method: bytes, path: bytes) -> bool:
        """Tell whether a request's answer comes in one piece, whatever it is."""
        ...

    def respond(self, request: BufferedRequest, scope: Any) -> PendingResponse | None:
        """Return what answers, in a task; or nothing, where the response was written
        (``write_response``) or will be: then whoever writes it sees that it comes."""
        ...


class AsgiShortcut:
    """Requests with one of some addresses, answered by an ASGI application. A Shortcut."""

    def __init__(self, app: Any, is_buffered: IsBuffered) -> None:
        self._app = app
        self.is_buffered = is_buffered

    def respond(self, request: BufferedRequest, scope: Any) -> PendingResponse | None:
        work: PendingResponse = self._app(scope, request.receive, request.send)
        return work


class BufferedRequest:
    """A request and its answer, which is written at once.

    ``disconnected``, ``keep_alive``, ``response_complete`` and ``message_event`` are what uvicorn's
    protocol asks of a cycle.
    """

    __slots__ = (
        "_begun",
        "_channel",
        "_is_read",
        "_start",
        "body",
        "disconnected",
        "keep_alive",
        "response_complete",
    )
    message_event: Final = _NOBODY_WAITS

    def __init__(self, channel: ResponseChannel) -> None:
        self._channel = channel
        self._begun = b""
        self._start: Any = None
        self._is_read = False
        self.body = b""
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    def start(self, work: PendingResponse) -> None:
        """Let something answer in a task. If it does not, the connection ends."""
        self._channel.start(self._ended_by(work))

    async def _ended_by(self, work: PendingResponse) -> None:
        try:
            await work
        finally:
            self.end()

    def end(self) -> None:
        """End the connection, unless the answer was given."""
        if not self.response_complete:
            self._channel.transport.close()

    async def receive(self) -> Any:
        """ASGI's."""
        if self._is_read:
            return _ENDED
        self._is_read = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        """ASGI's."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body = self._begun + message.get("body", b"")
        if message.get("more_body"):
            self._begun = _bounded(body)
            return
        start = head(self._start["status"], self._start["headers"], len(body))
        if self._channel.flow.write_paused:
            await self._channel.flow.drain()
        self._write(start, (), body)

    def write_response(self, head: bytes, own: Header, body: bytes) -> None:
        """Answer now. The ``head`` is that of many answers, ``own`` a header of this one; what the
        client does not take yet waits in the transport."""
        self._write(head, (own,), body)

    def _write(self, start: bytes, more: Iterable[Header], body: bytes) -> None:
        if not self.disconnected:
            last = [*more, *self._channel.last_headers()]
            if not self.keep_alive:
                last.append(_CLOSE)
            self._channel.transport.write(b"%b%b\r\n%b" % (start, _lines(last), body))
        self.response_complete = True
        if not self.keep_alive:
            self._channel.transport.close()
        self._channel.is_answered()


def _bounded(body: bytes) -> bytes:
    if len(body) > _MOST_ANSWER:
        raise RuntimeError("An answer that is given whole can't be as long as that.")
    return body


def head(status: int, headers: Collection[Header], length: int) -> bytes:
    """Return the first lines of an answer; ``length`` is the body's, where none of the headers
    says it. Raises RuntimeError for a header of several lines."""
    text = STATUS_LINE[status] + _lines(headers)
    if b"\r\ncontent-length: " not in text and status not in _BODILESS:
        return text + b"content-length: %d\r\n" % length
    return text


def _lines(headers: Collection[Header]) -> bytes:
    text = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not text.count(b"\n") == text.count(b"\r") == len(headers) or b"\0" in text:
        raise RuntimeError("A header holds a control character.")
    return text
