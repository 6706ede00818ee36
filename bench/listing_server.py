"""A server that answers ListObjectsV2 with pages that were made beforehand.

So fast that it is never what is measured: a bare asyncio protocol, a page a request, found by what
the request asks to go on after.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final, cast
from urllib.parse import unquote

PAGE: Final = 1000
#: Objects of a folder.
FOLDER: Final = 10_000
#: So many seconds it may take to make its pages.
_WAIT: Final = 120
#: Keys of a page are numbers with this many digits below folders of ten thousand.
_AFTER: Final = re.compile(rb"[?&]start-after=d(\d+)%2F(\d+)\.jpg")
#: What a sync asks for that looks where keys lie.
_TEXT: Final = re.compile(rb"[?&]start-after=([^& ]*)")
_TOKEN: Final = re.compile(rb"[?&]continuation-token=([A-Za-z0-9%]+)")
_HEAD: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bench</Name>'
    b"<Prefix></Prefix><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
)


def key(number: int) -> str:
    """Return the key of an object; keys ascend with numbers."""
    return f"d{number // FOLDER:05}/{number:09}.jpg"


def page(start: int, total: int) -> bytes:
    """Return the answer that begins at a number, as S3 writes it."""
    end = min(start + PAGE, total)
    more = end < total
    parts = [_HEAD, b"<KeyCount>%d</KeyCount>" % (end - start)]
    parts.append(b"<IsTruncated>%s</IsTruncated>" % (b"true" if more else b"false"))
    if more:
        token = base64.b16encode(str(end).encode())
        parts.append(b"<NextContinuationToken>%s</NextContinuationToken>" % token)
    parts.extend(map(_object, range(start, end)))
    parts.append(b"</ListBucketResult>")
    return b"".join(parts)


def _object(number: int) -> bytes:
    return (
        b"<Contents><Key>%s</Key><LastModified>2026-01-%02dT%02d:00:00.000Z</LastModified>"
        b"<ETag>&quot;%032x&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass>"
        b"</Contents>"
    ) % (
        key(number).replace("/", "%2F").encode(),
        number % 28 + 1,
        number % 24,
        number * 0x9E3779B97F4A7C15 % 2**128,
        number % 10_000_000,
    )


class _Protocol(asyncio.Protocol):
    def __init__(self, total: int, pages: dict[int, bytes]) -> None:
        self._total = total
        self._pages = pages
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            start = self._start(head.split(b"\r\n", 1)[0], self._total)
            body = self._pages.get(start)
            if body is None:
                body = page(start, self._total)
            assert self._transport is not None
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n"
                % len(body)
            )
            self._transport.write(body)

    @staticmethod
    def _start(line: bytes, total: int) -> int:
        token = _TOKEN.search(line)
        if token:
            return int(base64.b16decode(token[1]))
        after = _AFTER.search(line)
        if after:
            return int(after[2]) + 1
        text = _TEXT.search(line)
        return bisect_right(range(total), unquote(text[1].decode()), key=key) if text else 0


def _serve(total: int, told: Connection) -> None:
    import uvloop  # noqa: PLC0415  # in the server's own process

    async def main() -> None:
        # Pages of five million are more than memory should hold: those beyond are made on demand.
        pages = {start: page(start, total) for start in range(0, min(total, 1_000_000), PAGE)}
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Protocol(total, pages), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


@contextmanager
def listing_server(total: int) -> Iterator[str]:
    """Serve a bucket of ``total`` objects from a process of its own; gives its endpoint."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(total, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(_WAIT):
            raise TimeoutError("The listing server does not start.")
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join(_WAIT)
