"""What a connection takes in and gives out: whole requests, streams, and what is neither."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from valetkey.serving import connection, reserve, serve, server
from valetkey.serving.buffered import AsgiShortcut, BufferedRequest, head

SMALL = b"GET /whole HTTP/1.1\r\nHost: h\r\n\r\n"


def is_buffered(method: bytes, path: bytes) -> bool:
    return method in {b"GET", b"POST"} and path.startswith(b"/whole")


@dataclass
class App:
    """Tells what it was asked, in one piece; waits where the path says so, until it is let."""

    let: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[list[int]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.entered.set()
        if "late" in scope["path"]:
            await self.let.wait()
        body, sizes, more = b"", [], True
        while more:
            message = await receive()
            body += message.get("body", b"")
            sizes.append(len(message.get("body", b"")))
            more = message.get("more_body", False)
        self.bodies.append(sizes)
        if "wait" in scope["path"]:
            await self.let.wait()
        if "silent" in scope["path"]:
            return
        if "broken" in scope["path"]:
            raise RuntimeError("the application broke")
        told = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "body": len(body),
            "headers": [name.decode() for name, _ in scope["headers"]],
        }
        text = json.dumps(told).encode()
        headers = [(b"content-length", b"%d" % len(text))]
        if "endless" in scope["path"]:
            headers.clear()
        headers.append(
            (b"x-told", b"line\r\nset-cookie: a=b" if "split" in scope["path"] else b"1")
        )
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if "pieces" in scope["path"]:
            await send({"type": "http.response.body", "body": text[:5], "more_body": True})
            text = text[5:]
        await send({"type": "http.response.body", "body": text})


@dataclass
class Client:
    """A raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def told(self) -> dict[str, Any]:
        status, _, body = await self.answer()
        assert status == 200
        told: dict[str, Any] = json.loads(body)
        return told

    async def ask(self, request: bytes) -> dict[str, Any]:
        self.writer.write(request)
        return await self.told()

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        with suppress(ConnectionError):
            async with asyncio.timeout(60):
                return await self.reader.read()
        return b""


class AtOnce:
    """A shortcut that writes a long response to each request as soon as it has come."""

    LONG = b"x" * (4 << 20)

    def __init__(self) -> None:
        self.written = 0

    def is_buffered(self, method: bytes, path: bytes) -> bool:
        return is_buffered(method, path)

    def respond(self, request: BufferedRequest, _scope: Any) -> None:
        self.written += 1
        own = (b"x-number", b"%d" % self.written)
        request.write_response(head(200, (), len(self.LONG)), own, self.LONG)


@asynccontextmanager
async def serving(app: Any, shortcut: Any = None) -> AsyncIterator[Callable[[], Any]]:
    """Serve ``app``; yields what connects to it. All of them are closed at the end."""
    stop, ports, clients = asyncio.Event(), asyncio.Queue[int](), list[Client]()
    task = asyncio.create_task(
        serve(
            app,
            reserve("127.0.0.1", 0),
            ready=ports.put_nowait,
            stop=stop,
            shortcut=shortcut or AsgiShortcut(app, is_buffered),
            grace=1,
        )
    )
    port = await ports.get()

    async def connect() -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        clients.append(client)
        return client

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.close()
        stop.set()
        await task


async def test_a_request_that_comes_in_crumbs_is_read_as_one_that_comes_at_once() -> None:
    request = (
        b"POST /whole/a?b=c&d HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nX-A: 1\r\n\r\n0123456789"
    )
    async with serving(App()) as connect:
        client = await connect()
        at_once = await client.ask(request)
        for byte in request:
            client.writer.write(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert await client.told() == at_once
    assert at_once == {
        "method": "POST",
        "path": "/whole/a",
        "query": "b=c&d",
        "body": 10,
        "headers": ["host", "content-length", "x-a"],
    }


async def test_requests_sent_without_waiting_are_answered_in_their_order() -> None:
    app = App()
    paths = ["/whole/wait/0", "/whole/1", "/streamed/2", "/whole/3?x", "/streamed/4", "/whole/5"]
    async with serving(app) as connect:
        client = await connect()
        sent = "".join(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n" for path in paths)
        client.writer.write(sent.encode())
        await app.entered.wait()
        app.let.set()
        told = [(await client.told())["path"] for _ in paths]
        assert told == [path.partition("?")[0] for path in paths]
        assert (await client.ask(SMALL))["path"] == "/whole"


@pytest.mark.parametrize("size", [connection._MOST_BODY, connection._MOST_BODY + 1, 1 << 20])
async def test_a_body_of_any_size_arrives_and_a_long_one_is_streamed(size: int) -> None:
    app = App()
    async with serving(app) as connect:
        client = await connect()
        head = b"POST /whole HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size
        assert (await client.ask(head + b"x" * size))["body"] == size
        assert (await client.ask(SMALL))["body"] == 0
    if size <= connection._MOST_BODY:
        assert len(app.bodies[0]) == 1
    if size == 1 << 20:
        assert len(app.bodies[0]) > 1


async def test_a_body_in_chunks_is_read_and_what_trails_it_is_not_a_header() -> None:
    for path in (b"/whole", b"/streamed"):
        async with serving(App()) as connect:
            client = await connect()
            told = await client.ask(
                b"POST " + path + b" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n2\r\nde\r\n0\r\nAuthorization: Bearer other\r\n\r\n"
            )
            assert told["body"] == 5
            assert "authorization" not in told["headers"]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_client_that_wants_no_more_is_answered_and_left(version: bytes) -> None:
    async with serving(App()) as connect:
        client = await connect()
        request = b"GET /whole HTTP/" + version + b"\r\nHost: h\r\nConnection: close\r\n\r\n"
        assert (await client.ask(request))["path"] == "/whole"
        assert await client.rest() == b""


async def test_a_client_that_asks_whether_to_go_on_is_told_to() -> None:
    async with serving(App()) as connect:
        client = await connect()
        client.writer.write(
            b"POST /whole HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert (await client.answer())[0] == 100
        assert (await client.ask(b"ok"))["body"] == 2


@pytest.mark.parametrize("path", [b"/whole/split", b"/streamed/split", b"/whole/silent"])
async def test_what_is_no_right_answer_is_not_sent(path: bytes) -> None:
    async with serving(App()) as connect:
        client = await connect()
        client.writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        said = await client.rest()
        assert b"200 OK" not in said
        assert b"set-cookie" not in said


@pytest.mark.parametrize("path", [b"/whole/pieces", b"/whole/endless"])
async def test_an_answer_that_comes_in_pieces_or_does_not_say_its_length_is_given_whole(
    path: bytes,
) -> None:
    async with serving(App()) as connect:
        client = await connect()
        for _ in range(2):
            told = await client.ask(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
            assert told["path"] == path.decode()


@pytest.mark.parametrize("path", [b"/whole", b"/streamed"])
@pytest.mark.parametrize("name", [b"Authorization", b"Host"])
async def test_a_header_that_names_two_askers_or_two_hosts_is_refused(
    path: bytes, name: bytes
) -> None:
    app = App()
    async with serving(app) as connect:
        client = await connect()
        twice = name + b": a\r\n" + name.lower() + b": b\r\n"
        client.writer.write(b"GET " + path + b" HTTP/1.1\r\n" + twice + b"\r\n")
        status, _, body = await client.answer()
        assert status == 400
        assert name in body
        assert await client.rest() == b""
    assert not app.bodies


@pytest.mark.parametrize("path", [b"/whole", b"/streamed"])
async def test_a_head_that_is_too_long_is_refused_though_it_comes_at_once(path: bytes) -> None:
    app = App()
    async with serving(app) as connect:
        for size, expected in ((60_000, 200), (70_000, 431)):
            client = await connect()
            client.writer.write(
                b"POST "
                + path
                + b" HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\nX: "
                + b"x" * size
                + b"\r\n\r\n"
                + b"y" * 9000
            )
            assert (await client.answer())[0] == expected
    assert len(app.bodies) == 1


@pytest.mark.parametrize(
    "path",
    [b"/whole/split", b"/whole/silent", b"/whole/broken"],
)
async def test_a_kept_connection_ends_when_the_application_does_not_answer(path: bytes) -> None:
    async with serving(App()) as connect:
        client = await connect()
        client.writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await client.rest() == b""


HOSTILE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "two lengths": b"POST /whole HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": (
        b"POST /whole HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a length that is none": b"POST /whole HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a space before the colon": b"GET /whole HTTP/1.1\r\nHost : h\r\n\r\n",
    "a folded header": b"GET /whole HTTP/1.1\r\nX-A: 1\r\n  2\r\n\r\n",
    "a null in a header": b"GET /whole HTTP/1.1\r\nX-A: a\0b\r\n\r\n",
    "chunks that are none": (
        b"POST /whole HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("request_text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_can_be_read_in_two_ways_is_refused(request_text: bytes) -> None:
    app = App()
    async with serving(app) as connect:
        client = await connect()
        client.writer.write(request_text)
        status, headers, body = await client.answer()
        assert status == 400
        assert headers["connection"] == "close"
        assert json.loads(body)["code"] == "invalid_input"
        assert await client.rest() == b""
    assert not app.bodies


@pytest.mark.parametrize(
    "begin", [b"GET /whole HTTP/1.1\r\nX-A: ", b"GET /whole?", b"GET /whole HTTP/1.1\r\n"]
)
async def test_a_head_without_an_end_is_cut_off(begin: bytes) -> None:
    endless = b"X-A: 1\r\n" if begin.endswith(b"\n") else b"x" * 8
    async with serving(App()) as connect:
        client = await connect()
        client.writer.write(begin)
        with suppress(ConnectionError):
            for _ in range(64):
                client.writer.write(endless * 1024)
                await client.writer.drain()
        said = await client.rest()
        # Who goes on talking may not hear it: the connection is reset.
        assert b" 431 " in said[:16] or said == b""
        assert (await (await connect()).ask(SMALL))["path"] == "/whole"


async def test_many_headers_within_the_limit_are_read_and_counted_anew() -> None:
    request = b"GET /whole HTTP/1.1\r\n" + b"X-A: %b\r\n" % (b"a" * 1000) * 60 + b"\r\n"
    async with serving(App()) as connect:
        client = await connect()
        for _ in range(4):
            client.writer.write(request[:-500])
            await asyncio.sleep(0)
            assert len((await client.ask(request[-500:]))["headers"]) == 60


async def test_a_refusal_does_not_break_into_an_answer_under_way() -> None:
    for path in (b"/whole/wait", b"/streamed/wait"):
        app = App()
        async with serving(app) as connect:
            client = await connect()
            client.writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
            await app.entered.wait()
            client.writer.write(b"\0\0 garbage\r\n\r\n")
            assert b"400" not in await client.rest()
            app.let.set()


LACKING = b"POST /whole HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /who",
        SMALL,
        SMALL.replace(b"whole", b"streamed"),
        LACKING,
        LACKING.replace(b"whole", b"streamed"),
    ],
)
async def test_a_client_that_keeps_a_request_waiting_is_left(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_TICKS_BETWEEN_ROUNDS", 1)
    async with serving(App()) as connect:
        client = await connect()
        client.writer.write(begun)
        if begun.endswith(b"\n"):
            await client.told()
        monkeypatch.setattr(connection, "WAIT_SECONDS", 0)
        assert await client.rest() == b""


@pytest.mark.parametrize("path", [b"/whole/wait", b"/streamed/wait", b"/streamed/late"])
async def test_a_client_is_not_left_for_what_is_slow_here(
    path: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 1 << 20 if path.endswith(b"late") else 0
    app = App()
    monkeypatch.setattr(server, "_TICKS_BETWEEN_ROUNDS", 1)
    async with serving(app) as connect:
        client, idle = await connect(), await connect()
        head = b"POST " + path + b" HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size
        client.writer.write(head + b"x" * (size // 2))
        await app.entered.wait()
        for _ in range(20):  # turns of the loop: what the sockets take, they have taken
            await asyncio.sleep(0.005)
        monkeypatch.setattr(connection, "WAIT_SECONDS", 0)
        assert await idle.rest() == b""  # they were looked at
        monkeypatch.setattr(connection, "WAIT_SECONDS", 60)
        app.let.set()
        client.writer.write(b"x" * (size - size // 2))
        assert (await client.told())["body"] == size


async def test_a_client_that_goes_before_its_answer_harms_nobody() -> None:
    app = App()
    async with serving(app) as connect:
        gone = await connect()
        gone.writer.write(b"GET /whole/wait HTTP/1.1\r\nHost: h\r\n\r\n")
        await app.entered.wait()
        gone.writer.transport.abort()
        other = await connect()
        assert (await other.ask(SMALL))["path"] == "/whole"
        app.let.set()
        assert (await other.ask(SMALL))["path"] == "/whole"


async def test_beyond_the_most_connections_a_client_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 2)
    async with serving(App()) as connect:
        assert (await (await connect()).ask(SMALL))["path"] == "/whole"
        second = await connect()
        second.writer.write(SMALL)
        assert (await second.answer())[0] == 503


async def test_what_is_written_at_once_waits_for_a_client_that_reads_nothing() -> None:
    """Each response that it does not take would stay in memory, as many as it asks for."""
    asked, shortcut = 30, AtOnce()
    async with serving(App(), shortcut) as connect:
        client = await connect()
        for _ in range(asked):
            client.writer.write(SMALL)
            await client.writer.drain()
            for _ in range(5):
                await asyncio.sleep(0.001)
        assert shortcut.written < asked
        # All are answered, once it reads: those that waited, by the other way.
        bodies = [(await client.answer())[2] for _ in range(asked)]
        long = [body for body in bodies if body == AtOnce.LONG]
        assert len(long) == shortcut.written < asked
        assert {json.loads(body)["path"] for body in bodies if body not in long} == {"/whole"}
