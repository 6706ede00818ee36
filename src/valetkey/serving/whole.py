"""Requests that come whole and are answered whole: ASGI without its streams."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

Header = tuple[bytes, bytes]
_CLOSE: Final = (b"connection", b"close")
_ENDED: Final[Any] = {"type": "http.disconnect"}
#: Nobody waits for the rest of a request that has come whole.
_NOBODY_WAITS: Final = asyncio.Event()


class Way(Protocol):
    """What an answer leaves by: a connection."""

    transport: asyncio.Transport
    flow: FlowControl

    def last_headers(self) -> Iterable[Header]:
        """Return what the server itself says in each answer."""
        ...

    def is_answered(self) -> None:
        """Hear that the answer was given: the next request may come."""
        ...


class Whole:
    """A request and its answer, which is written at once.

    ``disconnected``, ``keep_alive``, ``response_complete`` and ``message_event`` are what uvicorn's
    protocol asks of a cycle.
    """

    __slots__ = (
        "_head",
        "_is_read",
        "_way",
        "body",
        "disconnected",
        "keep_alive",
        "response_complete",
    )
    message_event: Final = _NOBODY_WAITS

    def __init__(self, way: Way) -> None:
        self._way = way
        self._head = b""
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
                self._way.transport.close()

    async def _receive(self) -> Any:
        if self._is_read:
            return _ENDED
        self._is_read = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = [*self._way.last_headers(), *message["headers"]]
            self._head = head(message["status"], headers if self.keep_alive else [*headers, _CLOSE])
            return
        if message.get("more_body"):
            raise RuntimeError("An answer that is given whole can't come in pieces.")
        if self._way.flow.write_paused:
            await self._way.flow.drain()
        if not self.disconnected:
            self._way.transport.write(self._head + message["body"])
        self.response_complete = True
        if not self.keep_alive:
            self._way.transport.close()
        self._way.is_answered()


def head(status: int, headers: list[Header]) -> bytes:
    """Return the first lines of an answer. Raises RuntimeError for a header of several lines, and
    where none says how long the body is."""
    lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in headers)]
    text = b"".join(lines)
    if not text.count(b"\n") == text.count(b"\r") == len(lines) or b"\0" in text:
        raise RuntimeError("A header holds a control character.")
    if b"\r\ncontent-length: " not in text:
        raise RuntimeError("An answer that is given whole says how long it is.")
    return text + b"\r\n"
