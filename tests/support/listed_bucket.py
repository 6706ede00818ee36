"""A bucket that can be listed, and that stops in the middle of that when it is told to."""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections.abc import Iterable
from urllib.parse import parse_qs, quote, urlsplit

from support.loop_thread import LoopThread

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name>'
    "<Prefix></Prefix><EncodingType>url</EncodingType>"
)


class ListedBucket(LoopThread):
    """Answers ListObjectsV2 from a thread of its own: ``objects`` are sizes by key."""

    def __init__(self, *, page: int = 50) -> None:
        super().__init__("listed bucket")
        self.objects: dict[str, int] = {}
        self.page = page
        #: How many listings were answered.
        self.listed = 0
        self.denied = False
        self._keys: list[str] = []
        self._left: int | None = None
        self._free = asyncio.Event()
        self._stuck = threading.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fill(self, keys: Iterable[str], size: int = 1) -> None:
        """Put objects."""
        self.objects |= dict.fromkeys(keys, size)
        self._keys = sorted(self.objects)

    def drop(self, keys: Iterable[str]) -> None:
        """Delete objects."""
        for key in keys:
            del self.objects[key]
        self._keys = sorted(self.objects)

    def stop_after(self, pages: int) -> None:
        """Answer so many more pages that are longer than one key, then none until it is let go."""
        self._stuck.clear()
        self._call(self._free.clear)
        self._left = pages

    @property
    def stopped(self) -> bool:
        """Whether somebody waits for an answer in vain."""
        return self._stuck.is_set()

    def go_on(self) -> None:
        """Answer everything again."""
        self._left = None
        self._call(self._free.set)

    async def _listen(self) -> None:
        self._free.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                status, body = await self._answer(head.split(" ", 2)[1])
                start = f"HTTP/1.1 {status} -\r\nContent-Type: application/xml\r\n"
                writer.write(f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, target: str) -> tuple[int, bytes]:
        query = {name: texts[0] for name, texts in parse_qs(urlsplit(target).query).items()}
        most = min(self.page, int(query.get("max-keys", self.page)))
        if most > 1:
            await self._wait()
        if self.denied:
            return 403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        after = query.get("continuation-token") or query.get("start-after", "")
        first = bisect_right(self._keys, after)
        shown = self._keys[first : first + most]
        more = first + most < len(self._keys)
        self.listed += 1
        token = f"<NextContinuationToken>{quote(shown[-1])}</NextContinuationToken>" if more else ""
        text = f"{_HEAD}<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        return 200, f"{text}{''.join(map(self._entry, shown))}</ListBucketResult>".encode()

    async def _wait(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self._stuck.set()
                await self._free.wait()

    def _entry(self, key: str) -> str:
        size = self.objects[key]
        return (
            f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z"
            f"</LastModified><ETag>&quot;{size:032x}&quot;</ETag><Size>{size}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
        )
