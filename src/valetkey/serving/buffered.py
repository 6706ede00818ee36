"""Requests that come whole and are answered whole: ASGI without its streams."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

Header = tuple[bytes, bytes]
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

    def is_answered(self) -> None:
        """Hear that the answer was given: the next request may come."""
        ...


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

    async def run(self, app: Any, scope: Any) -> None:
        """Let the application answer. If it does not, the connection ends."""
        try:
            await app(scope, self._receive, self._send)
        finally:
            if not self.response_complete:
                self._channel.transport.close()

    async def _receive(self) -> Any:
        if self._is_read:
            return _ENDED
        self._is_read = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        body = self._begun + message.get("body", b"")
        if message.get("more_body"):
            self._begun = _bounded(body)
            return
        headers = [*self._channel.last_headers(), *self._start["headers"]]
        answer = head(
            self._start["status"], headers if self.keep_alive else [*headers, _CLOSE], len(body)
        )
        if self._channel.flow.write_paused:
            await self._channel.flow.drain()
        if not self.disconnected:
            self._channel.transport.write(answer + body)
        self.response_complete = True
        if not self.keep_alive:
            self._channel.transport.close()
        self._channel.is_answered()


def _bounded(body: bytes) -> bytes:
    if len(body) > _MOST_ANSWER:
        raise RuntimeError("An answer that is given whole can't be as long as that.")
    return body


def head(status: int, headers: list[Header], length: int) -> bytes:
    """Return the first lines of an answer; ``length`` is the body's, where none of the headers
    says it. Raises RuntimeError for a header of several lines."""
    lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in headers)]
    text = b"".join(lines)
    if not text.count(b"\n") == text.count(b"\r") == len(lines) or b"\0" in text:
        raise RuntimeError("A header holds a control character.")
    if b"\r\ncontent-length: " not in text and status not in _BODILESS:
        return text + b"content-length: %d\r\n\r\n" % length
    return text + b"\r\n"
