"""A door between a process and its database that can do what networks do.

It forwards bytes until a test says otherwise, in a thread of its own, so that it works for
processes as for tests that block.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from urllib.parse import parse_qs, urlsplit

from support.loop_thread import LoopThread
from support.ports import held_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One client's connection and what it leads to."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.open = asyncio.Event()
        self.open.set()

    def abort(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()


class FaultyProxy(LoopThread):
    """Stands before a PostgreSQL on a Unix socket; its own URL is :attr:`url`."""

    def __init__(self, upstream: str) -> None:
        super().__init__("faulty proxy")
        parts = urlsplit(upstream)
        folder = parse_qs(parts.query)["host"][0]
        self._path, self._name, self._user = f"{folder}/.s.PGSQL.5432", parts.path, parts.username
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._frozen = False
        self._server: asyncio.Server | None = None
        #: Its port is its own also while nothing is taken there.
        self._holding = ExitStack()
        self.port = 0
        #: How many connections were taken so far.
        self.taken = 0

    @property
    def url(self) -> str:
        return f"postgresql://{self._user or 'postgres'}@127.0.0.1:{self.port}{self._name}"

    def swallow_old(self) -> None:
        """Take everything of the present connections and give nothing back; new ones work."""
        self._call(self._hold_links)

    def freeze(self) -> None:
        """Do so with new ones too: the machine behind stands still."""

        def freeze() -> None:
            self._frozen = True
            self._hold_links()

        self._call(freeze)

    def thaw(self) -> None:
        """Go on where it stood still; what came meanwhile arrives."""

        def thaw() -> None:
            self._frozen = False
            for link in self._links:
                link.open.set()

        self._call(thaw)

    def cut(self) -> None:
        """Reset the present connections."""

        def cut() -> None:
            for link in list(self._links):
                link.abort()

        self._call(cut)

    def refuse(self) -> None:
        """Reset the present connections, and take no new ones."""
        self._run(self._close())
        self.cut()

    def accept(self) -> None:
        """Take new ones again."""
        self._run(self._listen())

    def _hold_links(self) -> None:
        for link in self._links:
            link.open.clear()

    async def _listen(self) -> None:
        self.port = self.port or self._holding.enter_context(held_port())
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _end(self) -> None:
        await self._close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in list(self._links):
            link.abort()
        self._holding.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.taken += 1
        link = _Link(writer)
        self._links.add(link)
        if self._frozen:
            link.open.clear()
        try:
            await link.open.wait()
            upstream, link.server = await asyncio.open_unix_connection(self._path)
            await asyncio.gather(
                self._pump(link, reader, link.server), self._pump(link, upstream, writer)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            link.abort()
            self._links.discard(link)

    async def _pump(
        self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        while part := await source.read(1 << 16):
            await link.open.wait()
            sink.write(part)
            await sink.drain()
        with suppress(OSError):
            sink.close()
