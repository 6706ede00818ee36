"""Requests that take the shortcut which the server gives them, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx2
from uvicorn.protocols.http.flow_control import FlowControl

from valetkey.serving.buffered import BufferedRequest, Header, PendingResponse


class Wire:
    """A connection's end: what was written to it, and whether it was closed. Both a transport and
    the channel that an answer leaves by."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False
        self.tasks: list[asyncio.Task[None]] = []
        self.ended = asyncio.Event()
        self.transport: Any = self
        self.flow = FlowControl(self)  # type: ignore[arg-type]  # asks it for nothing here

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True
        self.ended.set()

    def last_headers(self) -> Iterable[Header]:
        return [(b"date", b"now")]

    def start(self, work: PendingResponse) -> None:
        self.tasks.append(asyncio.create_task(work))

    def is_answered(self) -> None:
        self.ended.set()

    def response(self) -> httpx2.Response:
        """What was written, read as an answer."""
        head, _, body = self.written.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        return httpx2.Response(int(lines[0].split()[1]), headers=headers, content=body)  # type: ignore[arg-type]


class ShortcutTransport(httpx2.AsyncBaseTransport):
    """Gives each request to ``FastPath.respond``; ``at_once`` counts those that needed no task."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._others = httpx2.ASGITransport(app)
        self.at_once = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.partition(b"?")[0]
        if not self._app.is_buffered(request.method.encode(), path):
            return await self._others.handle_async_request(request)
        wire = Wire()
        whole = BufferedRequest(wire)
        whole.body = await request.aread()
        work = self._app.respond(whole, scope_of(request))
        if work is not None:
            whole.start(work)
        await wire.ended.wait()
        self.at_once += not wire.tasks
        await asyncio.gather(*wire.tasks)
        return wire.response()


def scope_of(request: httpx2.Request) -> dict[str, Any]:
    """A request as ASGI has it."""
    return {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "state": {},
    }
