"""Single requests over connections of our own: however the other side behaves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from valetkey.aws.direct import DirectConnections, DirectResponse, ResponseTooLong

LIMIT = 10
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a\r\n\r\nhello"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Other:
    """A server that answers each request as the test says: bytes, and whether it closes then."""

    answers: list[tuple[bytes, bool]]
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer, closes = self.answers.pop(0)
                writer.write(answer)
                if closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()
            self.closed.set()


@asynccontextmanager
async def other(*answers: tuple[bytes, bool]) -> AsyncIterator[Other]:
    made = Other(list(answers))
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/there"
        yield made
        for writer in made.writers:
            writer.close()
            with suppress(OSError):
                await asyncio.wait_for(writer.wait_closed(), LIMIT)


@pytest.fixture(scope="module")
def authorities() -> ssl.SSLContext:
    """Who is believed: to read them takes longer than any test here."""
    return ssl.create_default_context()


@pytest.fixture
async def direct(authorities: ssl.SSLContext) -> AsyncIterator[DirectConnections]:
    made = DirectConnections(authorities, LIMIT)
    yield made
    await made.close()


async def post(direct: DirectConnections, url: str, *, most: int = 100) -> DirectResponse:
    headers = {"host": "sts", "content-length": "4"}
    return await asyncio.wait_for(direct.post(url, headers, b"body", most=most), LIMIT)


async def test_a_request_goes_out_whole_and_its_answer_is_read(direct: DirectConnections) -> None:
    async with other((HELLO, False)) as server:
        answer = await post(direct, server.url)
        await direct.close()
    assert (answer.status, answer.body, answer.headers["x-two"]) == (200, b"hello", "a")
    assert server.requests == [
        b"POST /there HTTP/1.1\r\nhost: sts\r\ncontent-length: 4\r\n\r\nbody"
    ]


async def test_a_connection_is_used_again(direct: DirectConnections) -> None:
    async with other((HELLO, False), (HELLO, False)) as server:
        assert [(await post(direct, server.url)).body for _ in range(2)] == [b"hello"] * 2
        assert server.connections == 1
        await direct.close()


async def test_who_asks_at_once_gets_a_connection_each(direct: DirectConnections) -> None:
    async with other(*[(HELLO, False)] * 5) as server:
        answers = await asyncio.gather(*(post(direct, server.url) for _ in range(5)))
        assert [answer.body for answer in answers] == [b"hello"] * 5
        assert server.connections == 5
        await direct.close()


async def test_a_kept_connection_that_was_closed_is_replaced(direct: DirectConnections) -> None:
    async with other((HELLO, True), (HELLO, False)) as server:
        await post(direct, server.url)
        assert (await post(direct, server.url)).body == b"hello"
        await direct.close()
    assert server.connections == 2


async def test_a_request_that_a_kept_connection_lost_is_sent_once_more(
    direct: DirectConnections,
) -> None:
    async with other((HELLO, False), (b"", True), (HELLO, False)) as server:
        await post(direct, server.url)
        assert (await post(direct, server.url)).body == b"hello"
        await direct.close()
    assert (server.connections, len(server.requests)) == (2, 3)


async def test_an_answer_that_had_begun_is_not_asked_for_again(direct: DirectConnections) -> None:
    async with other((HELLO, False), (HELLO[:-2], True), (HELLO, False)) as server:
        await post(direct, server.url)
        with pytest.raises(OSError, match="closed"):
            await post(direct, server.url)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO,
    ],
    ids=["in chunks", "until the end", "of old", "after an interim one"],
)
async def test_however_an_answer_says_where_it_ends_it_is_read(
    direct: DirectConnections, answer: bytes
) -> None:
    async with other((answer, True)) as server:
        assert (await post(direct, server.url)).body == b"hello"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: x\r\n" * 10_000,
    ],
    ids=["by its length", "without one", "by its headers"],
)
async def test_an_answer_that_is_too_long_is_given_up(
    direct: DirectConnections, answer: bytes
) -> None:
    async with other((answer, False)) as server:
        with pytest.raises(ResponseTooLong):
            await post(direct, server.url)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n", b"\x00" * 50])
async def test_what_is_not_http_is_an_error(direct: DirectConnections, answer: bytes) -> None:
    async with other((answer, False)) as server:
        with pytest.raises(OSError, match="not HTTP"):
            await post(direct, server.url)


async def test_an_answer_that_nobody_waits_for_any_more_is_nobodys(
    direct: DirectConnections,
) -> None:
    async with other((HELLO, False), (b"", False), (HELLO, False)) as server:
        await post(direct, server.url)
        left = asyncio.create_task(post(direct, server.url))
        while len(server.requests) < 2:  # noqa: ASYNC110  # bounded: the request is on its way
            await asyncio.sleep(0.001)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        await asyncio.wait_for(server.closed.wait(), LIMIT)
        assert (await post(direct, server.url)).body == b"hello"
        assert server.connections == 2
        await direct.close()


async def test_nobody_there_is_an_error(direct: DirectConnections) -> None:
    async with other() as server:
        url = server.url
    with pytest.raises(OSError):  # noqa: PT011  # the system's words
        await post(direct, url)


async def test_after_the_end_nothing_is_asked(direct: DirectConnections) -> None:
    async with other((HELLO, False)) as server:
        await direct.close()
        with pytest.raises(OSError, match="closed"):
            await post(direct, server.url)
