"""Serving an application over HTTP with granian, in this process."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from granian.constants import Interfaces
from granian.server.embed import Server

from valetkey.domain.errors import ConfigurationError

#: Called with the port once connections are accepted.
Ready = Callable[[int], Awaitable[None] | None]
#: After a stop is asked for, requests under way get this many seconds to finish.
GRACE_SECONDS: Final = 10
#: A cluster may start at once: so many may wait to be accepted, and be connected.
_BACKLOG: Final = 4096
_MOST_CONNECTIONS: Final = 16_384
#: Whoever reads or writes the database does so in a thread, whose turn at the interpreter's lock
#: comes after so long while requests keep the event loop busy. Python's own is ten times that.
_SWITCH_SECONDS: Final = 0.0005
#: The collector runs when so many more objects were made than let go. Python's own 700 is what a
#: few requests under way have, all of which go without it.
_GC_THRESHOLDS: Final = (10_000, 10, 10)


def reserve(host: str, port: int) -> socket.socket:
    """Return a bound socket that holds an address until it is closed.

    Granian's sockets share their address (SO_REUSEPORT), so a second server on a taken port would
    start and steal half of the requests. Raises ConfigurationError when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            address = probe.getsockname()
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, address[1]))
    except OSError as error:
        raise ConfigurationError(
            f"The server can't listen on {host} port {port}: {error.strerror}.",
            hint="Stop what uses the port, or choose another (--port; 0 lets the system choose).",
        ) from None
    return held


class Calls:
    """An application's calls, so that none outlives the server beneath it.

    Granian forgets the calls that are under way when it stops, and one that ends after that can
    take the process down. So they are ended first, while it still listens. Which ones these are is
    found out then: to note each of them down would cost more than some take.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._is_ending = False

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        call = self._app if scope["type"] == "lifespan" else self._call
        answering: Awaitable[None] = call(scope, receive, send)
        return answering

    async def _call(self, scope: Any, receive: Any, send: Any) -> None:
        if self._is_ending:
            await _refuse(send)
            return
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._is_ending:
                raise

    async def end(self, grace: float) -> None:
        """Take no more calls, let those under way finish, and after ``grace`` seconds cancel."""
        self._is_ending = True
        if under_way := self._under_way():
            await asyncio.wait(under_way, timeout=grace)
        for task in (left := self._under_way()):
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _under_way(self) -> set[asyncio.Task[Any]]:
        return {task for task in asyncio.all_tasks() if self._is_mine(task.get_coro())}

    def _is_mine(self, step: Any) -> bool:
        """Follow what a coroutine waits for, to see whether it is in one of these calls."""
        while step is not None:
            frame = getattr(step, "cr_frame", None)
            if frame is not None and frame.f_code is Calls._call.__code__:
                return frame.f_locals["self"] is self
            step = getattr(step, "cr_await", None)
        return False


async def _refuse(send: Any) -> None:
    body = (
        b'{"message": "The server is stopping.", "code": "stopping", '
        b'"hint": "Try again in a moment."}'
    )
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve(
    app: Any,
    host: str,
    held: socket.socket,
    *,
    ready: Ready,
    stop: asyncio.Event,
    grace: float = GRACE_SECONDS,
) -> None:
    """Serve until ``stop`` is set; then let requests finish, for ``grace`` seconds, and return.

    ``ready`` is called with the port once connections are accepted.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    _quieten_gc()
    port = held.getsockname()[1]
    calls = Calls(app)
    server = Server(
        calls,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        backlog=_BACKLOG,
        backpressure=_MOST_CONNECTIONS,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    try:
        await _accepting(host, port, serving)
        told = ready(port)
        if told is not None:
            await told
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await calls.end(grace)
        server.stop()  # type: ignore[no-untyped-call]  # granian says no type here
        with suppress(TimeoutError):
            await asyncio.wait_for(serving, GRACE_SECONDS)
        held.close()


def _quieten_gc() -> None:
    """Let the collector of cycles look at what requests make, not at what the server is made of."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


async def _accepting(host: str, port: int, serving: asyncio.Task[None]) -> None:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
    await serving


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` when the process is asked to end (SIGTERM, SIGINT)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def run(main: Coroutine[None, None, None]) -> None:
    """Run a server's main coroutine on the fastest event loop that there is."""
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415  # not there on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
