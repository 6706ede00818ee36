"""Serving: what happens to the requests under way when the server is told to stop."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from valetkey.domain.errors import ConfigurationError
from valetkey.serving import connection, healthcheck, reserve, serve, server

#: Nothing that works takes so long.
HANGS = 90


class App:
    """Answers when it is let; remembers the calls that were cancelled."""

    def __init__(self) -> None:
        self.entered, self.let = asyncio.Event(), asyncio.Event()
        self.cancelled = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await receive()
        self.entered.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


async def _while_serving(app: App, grace: int, then: Callable[[], None]) -> Any:
    """Send a request; once it is under way, tell the server to stop. Returns the outcome."""
    stop, ports = asyncio.Event(), asyncio.Queue[int]()
    held = reserve("127.0.0.1", 0)
    serving = asyncio.create_task(serve(app, held, ready=ports.put_nowait, stop=stop, grace=grace))
    url = f"http://127.0.0.1:{await ports.get()}"
    async with httpx2.AsyncClient(timeout=HANGS) as http:
        asked = asyncio.create_task(http.get(url))
        await app.entered.wait()
        stop.set()
        then()
        await serving
        (outcome,) = await asyncio.gather(asked, return_exceptions=True)
        return outcome


async def test_a_request_under_way_is_answered_before_the_server_stops() -> None:
    app = App()

    def let_it_soon() -> None:
        asyncio.get_running_loop().call_soon(app.let.set)

    answer = await _while_serving(app, 30, let_it_soon)
    assert answer.text == "done"
    assert app.cancelled == 0


async def test_a_process_that_serves_among_other_things_stays_as_it_is() -> None:
    """What the collector is told to leave alone, it leaves for the process's life."""

    def state() -> tuple[object, ...]:
        return gc.get_threshold(), sys.getswitchinterval()

    app, before, frozen = App(), state(), gc.get_freeze_count()
    app.let.set()
    await _while_serving(app, 30, lambda: None)
    assert state() == before
    assert gc.get_freeze_count() <= frozen  # what is left alone and no longer used is less


async def test_a_request_that_never_ends_is_ended_before_the_server_is() -> None:
    app = App()
    before = asyncio.all_tasks()
    outcome = await _while_serving(app, 0, lambda: None)
    assert app.cancelled == 1
    assert isinstance(outcome, httpx2.HTTPError) or outcome.status_code >= 500
    assert asyncio.all_tasks() == before


async def test_an_upload_that_the_stop_cuts_off_is_told_so_in_words() -> None:
    stop, ports = asyncio.Event(), asyncio.Queue[int]()
    began = asyncio.Event()

    async def upload(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
        while (await receive())["more_body"]:
            began.set()

    held = reserve("127.0.0.1", 0)
    serving = asyncio.create_task(serve(upload, held, ready=ports.put_nowait, stop=stop, grace=0.2))
    reader, writer = await asyncio.open_connection("127.0.0.1", await ports.get())
    writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 65536)
    await began.wait()
    stop.set()
    answer = asyncio.create_task(reader.readuntil(b"}"))
    while not serving.done():
        writer.write(b"x" * 65536)
        await asyncio.sleep(0.01)
    said = await answer
    assert said.startswith(b"HTTP/1.1 503 ")
    assert b"The server was told to stop" in said
    writer.transport.abort()


class Flood:
    """Sends far more than sockets hold; counts what was taken from it."""

    chunk = b"x" * (1 << 18)
    chunks = 1024

    def __init__(self) -> None:
        self.sent = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._flood(receive, send)
        finally:
            self.ended.set()

    async def _flood(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(self.chunks):
            more = number + 1 < self.chunks
            await send({"type": "http.response.body", "body": self.chunk, "more_body": more})
            self.sent += 1


async def _until_it_stands_still(flood: Flood) -> None:
    seen, still = -1, 0
    while still < 20 and flood.sent < flood.chunks:
        await asyncio.sleep(0.01)
        still = still + 1 if flood.sent == seen > 0 else 0
        seen = flood.sent


async def _clogged(
    flood: Flood, stop: asyncio.Event, *, grace: int
) -> tuple[asyncio.Task[None], asyncio.StreamReader, asyncio.StreamWriter]:
    """Serve; ask, and don't read the answer."""
    ports, held = asyncio.Queue[int](), reserve("127.0.0.1", 0)
    serving = asyncio.create_task(
        serve(flood, held, ready=ports.put_nowait, stop=stop, grace=grace)
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", await ports.get(), limit=1 << 16)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await _until_it_stands_still(flood)
    return serving, reader, writer


async def test_a_client_that_does_not_read_does_not_keep_the_server_from_stopping() -> None:
    flood, stop = Flood(), asyncio.Event()
    serving, _, writer = await _clogged(flood, stop, grace=0)
    before = flood.sent
    stop.set()
    async with asyncio.timeout(60):
        await serving
    assert flood.sent == before
    writer.transport.abort()


async def test_a_client_that_does_not_read_does_not_fill_the_memory() -> None:
    flood, stop = Flood(), asyncio.Event()
    serving, reader, writer = await _clogged(flood, stop, grace=30)
    assert flood.sent < flood.chunks // 4
    size = 0
    while part := await reader.read(1 << 20):
        size += len(part)
    assert size > flood.chunks * len(flood.chunk)
    writer.close()
    stop.set()
    await serving


async def test_a_client_that_never_reads_is_left_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_TICKS_BETWEEN_ROUNDS", 1)
    flood, stop = Flood(), asyncio.Event()
    serving, _, writer = await _clogged(flood, stop, grace=30)
    assert flood.sent < flood.chunks
    monkeypatch.setattr(connection, "WAIT_SECONDS", 0.3)
    async with asyncio.timeout(60):
        await flood.ended.wait()
        stop.set()
        await serving
    writer.transport.abort()


async def test_health_is_told_from_a_thread_though_the_loop_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def readiness() -> tuple[bool, dict[str, str]]:
        return True, {"database": ""}

    monkeypatch.setattr(healthcheck, "_ANSWER_SECONDS", HANGS)
    answers: list[httpx2.Response] = []
    with healthcheck.health_door("127.0.0.1", 0, readiness) as port:
        url = f"http://127.0.0.1:{port}/readyz"
        while_it_turns = await asyncio.to_thread(httpx2.get, url)
        monkeypatch.setattr(healthcheck, "_ANSWER_SECONDS", 0.2)
        asking = threading.Thread(target=lambda: answers.append(httpx2.get(url)))
        asking.start()
        asking.join()  # the loop waits for this, and turns for nobody
    assert (while_it_turns.status_code, while_it_turns.json()["ready"]) == (200, True)
    assert answers[0].status_code == 503
    assert "has not turned" in answers[0].json()["parts"]["process"]


async def test_a_taken_health_port_is_named() -> None:
    async def readiness() -> tuple[bool, dict[str, str]]:
        return True, {}

    with (
        reserve("127.0.0.1", 0) as taken,
        pytest.raises(ConfigurationError, match="health port"),
        healthcheck.health_door("127.0.0.1", taken.getsockname()[1], readiness),
    ):
        pass
