"""A door before AWS that forwards what comes, or does what an ill service does to a client."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from support.loop_thread import LoopThread

#: What it does with a connection: pass it on; take it and say nothing; begin an answer and go on a
#: byte at a time; begin a head; reset at once; reset within an answer; answer in no HTTP; hang up.
MANNERS: Final = ("silent", "trickling", "half a head", "reset", "cut short", "garbage", "hang up")
_NO_LINGERING: Final = struct.pack("ii", 1, 0)


class StrangeSts(LoopThread):
    """Serves on a loopback port of the system's choice, in a thread of its own."""

    def __init__(self, upstream: str) -> None:
        super().__init__("strange STS")
        parts = urlsplit(upstream)
        self._host, self._upstream_port = str(parts.hostname), int(parts.port or 80)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        #: How it treats connections; empty is as it should.
        self.manner = ""
        self.taken = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def become(self, manner: str) -> None:
        """Treat connections otherwise from now on, and end those that there are."""
        self.manner = manner
        self._run(self._drop())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _drop(self) -> None:
        tasks = [each for each in self._tasks if each is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=90)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._drop()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.taken += 1
        try:
            if self.manner:
                await self._treat(self.manner, reader, writer)
            else:
                await self._pass_on(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # either side left, or the test goes on
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _treat(
        self, manner: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if manner == "reset":
            _reset(writer)
            return
        await reader.read(1)
        match manner:
            case "trickling":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
                while not writer.is_closing():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            case "half a head":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-")
                await asyncio.Event().wait()
            case "cut short":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<Assume")
                await writer.drain()
                _reset(writer)
            case "garbage":
                writer.write(b"\x16\x03\x01 what do you want?\r\n\r\n")
                await writer.drain()
            case "silent":
                await asyncio.Event().wait()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_aws, to_aws = await asyncio.open_connection(self._host, self._upstream_port)
        try:
            await asyncio.gather(_pour(reader, to_aws), _pour(from_aws, writer))
        finally:
            to_aws.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as what died does."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    writer.transport.abort()
