"""HTTP/1.1 for single requests with small answers, on the shortest way there is.

A cold vend waits for one POST to STS, and through httpx2 that costs a third of all its work
(ADR 19). Connections are kept for a while and used again; what is left out is all that STS has no
use for: redirects, cookies, decoding, streams. Proxies are httpx2's business.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit

import httptools

from valetkey.counting import counted

_CONNECTIONS: Final = 64
#: An idle connection is not used again after so many seconds: the other side may be closing it.
_IDLE_SECONDS: Final = 5.0
#: The most bytes of headers, and of a chunked body's own.
_MOST_BESIDES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class DirectResponse:
    """An answer, read. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ResponseTooLong(OSError):
    """The answer has more bytes than it may have."""


class _DirectConnection(asyncio.Protocol):
    """One connection, with at most one request under way. httptools calls the ``on_`` methods."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.has_begun = False
        self.idle_since = 0.0
        self._answer: asyncio.Future[DirectResponse] | None = None
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, most: int) -> asyncio.Future[DirectResponse]:
        """Send a request, and return the answer to be."""
        self._parser: Any = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body, self.has_begun = bytearray(), False
        self._most, self._left = most, most + _MOST_BESIDES
        self._ends_with_connection = False
        self._answer = asyncio.get_running_loop().create_future()
        if self.transport is None or self.transport.is_closing():
            self._fail(ConnectionResetError("The connection is closed."))
        else:
            self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nothing was asked
            return
        self.has_begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(ConnectionError("The answer is not HTTP."))
        self._left -= len(data)
        if self._left < 0:
            self._fail(ResponseTooLong(f"The answer has more than {counted(self._most, 'byte')}."))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        has_end = {"content-length", "transfer-encoding"} & self._headers.keys()
        self._ends_with_connection = not has_end

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._most:
            self._fail(ResponseTooLong(f"The answer has more than {counted(self._most, 'byte')}."))

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != 101:  # noqa: PLR2004  # interim: the answer follows
            self._headers = {}
            return
        if not self._parser.should_keep_alive():
            self.close()
        self._finish(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            if self._ends_with_connection and exc is None:
                self._finish(self._parser.get_status_code())
            else:
                self._fail(exc or ConnectionResetError("The connection was closed."))

    def close(self) -> None:
        """Close, whatever is under way."""
        if self.transport is not None:
            self.transport.abort()

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def _finish(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(DirectResponse(status, self._headers, bytes(self._body)))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()


class DirectConnections:
    """Connections by address. Nothing here ends a wait for an answer: whoever asks does."""

    def __init__(self, authorities: ssl.SSLContext, connect_timeout: float) -> None:
        self._authorities = authorities
        self._connect_timeout = connect_timeout
        self._idle: dict[tuple[str, str], list[_DirectConnection]] = {}
        self._room = asyncio.Semaphore(_CONNECTIONS)
        self._is_closed = False

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, most: int
    ) -> DirectResponse:
        """Return the answer. A request that a kept connection took, and closed without a word, is
        sent once more on a new one. Raises OSError (ResponseTooLong beyond ``most`` bytes)."""
        parts = urlsplit(url)
        place = (parts.scheme, parts.netloc)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        async with self._room:
            kept = self._kept(place)
            if kept is not None:
                try:
                    return await self._ask(place, kept, request, most)
                except ConnectionResetError:
                    if kept.has_begun:
                        raise
            return await self._ask(place, await self._connect(parts), request, most)

    async def close(self) -> None:
        """Close all that is kept."""
        self._is_closed = True
        for kept in self._idle.values():
            while kept:
                kept.pop().close()

    async def _ask(
        self, place: tuple[str, str], connection: _DirectConnection, request: bytes, most: int
    ) -> DirectResponse:
        try:
            answer = await connection.ask(request, most)
        except BaseException:
            connection.close()  # an answer that comes later belongs to nobody
            raise
        if connection.is_open and not self._is_closed:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.setdefault(place, []).append(connection)
        else:
            connection.close()
        return answer

    def _kept(self, place: tuple[str, str]) -> _DirectConnection | None:
        now, idle = asyncio.get_running_loop().time(), self._idle.get(place, [])
        while idle:
            connection = idle.pop()  # the one that was used last
            if connection.is_open and now - connection.idle_since < _IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self, parts: SplitResult) -> _DirectConnection:
        if self._is_closed:
            raise ConnectionError("The connections are closed.")
        is_tls = parts.scheme == "https"
        async with asyncio.timeout(self._connect_timeout):
            _, connection = await asyncio.get_running_loop().create_connection(
                _DirectConnection,
                parts.hostname or "",
                parts.port or (443 if is_tls else 80),
                ssl=self._authorities if is_tls else None,
            )
        return connection
