"""Starting and stopping a server."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

import uvicorn

from valetkey.domain.errors import ConfigurationError
from valetkey.serving.buffered import AsgiShortcut, Shortcut
from valetkey.serving.connection import WAIT_SECONDS, Connection
from valetkey.system import quieten_collector

#: Called with the port once connections are accepted.
OnReady = Callable[[int], Awaitable[None] | None]
#: After a stop is asked for, requests under way get this many seconds to finish.
GRACE_SECONDS: Final = 10
#: What is cut off then may say so, to whoever still listens.
_LAST_SECONDS: Final = 1.0
#: A cluster may start at once: so many may wait to be accepted, and be connected.
_BACKLOG: Final = 4096
_MOST_CONNECTIONS: Final = 16_384
#: uvicorn ticks ten times a second; connections are looked over every five.
_TICKS_BETWEEN_ROUNDS: Final = 50
#: Whoever reads or writes the database does so in a thread, whose turn at the interpreter's lock
#: comes after so long while requests keep the event loop busy. Python's own is fifty times that.
_SWITCH_SECONDS: Final = 0.0001


def reserve(host: str, port: int) -> socket.socket:
    """Return a listening socket that holds an address until it is closed.

    Whoever connects waits until the server accepts. Raises ConfigurationError when the port is
    taken.
    """
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        held.listen(_BACKLOG)
    except OSError as error:
        held.close()
        raise ConfigurationError(
            f"The server can't listen on {host} port {port}: {error.strerror}.",
            hint="Stop what uses the port, or choose another (--port; 0 lets the system choose).",
        ) from None
    return held


def _never(_method: bytes, _path: bytes) -> bool:
    return False


class _UvicornServer(uvicorn.Server):
    """uvicorn's server, which ends connections that are overdue, and all of them when it stops."""

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_BETWEEN_ROUNDS == 0:
            now = asyncio.get_running_loop().time()
            for connection in self._connections():
                connection.end_if_overdue(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, let those under way finish, and after the grace end them."""
        await super().shutdown(sockets)
        await self._wait(_LAST_SECONDS)
        for connection in self._connections():
            connection.transport.abort()
        await self._wait(None)

    async def _wait(self, seconds: float | None) -> None:
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=seconds)

    def _connections(self) -> list[Connection]:
        return [each for each in self.server_state.connections if isinstance(each, Connection)]


async def serve(
    app: Any,
    held: socket.socket,
    *,
    ready: OnReady,
    stop: asyncio.Event,
    shortcut: Shortcut | None = None,
    grace: float = GRACE_SECONDS,
) -> None:
    """Serve until ``stop`` is set; then let requests finish, for ``grace`` seconds, and return.

    ``ready`` is called with the port once connections are accepted. What the ``shortcut`` answers
    does not go through the application (:class:`Connection`). The process stays as it is: whoever
    has one for serving alone calls :func:`tune_process` before.
    """
    config = uvicorn.Config(
        app,
        http=cast(
            "type[asyncio.Protocol]",
            partial(Connection, shortcut=shortcut or AsgiShortcut(app, _never)),
        ),
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=WAIT_SECONDS,
        timeout_graceful_shutdown=cast("int", grace),  # it is given to asyncio as it is
    )
    config.load()
    server = _UvicornServer(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([held])
    stopping = asyncio.create_task(_stop(server, stop))
    try:
        told = ready(held.getsockname()[1])
        if told is not None:
            await told
        await server.main_loop()
    finally:
        stopping.cancel()
        await server.shutdown([held])


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def tune_process() -> None:
    """Make this process one that serves and does nothing else. Call it once everything is there:
    what is there by then is never looked at by the collector again."""
    allow_many_files()
    sys.setswitchinterval(_SWITCH_SECONDS)
    quieten_collector()


def allow_many_files() -> None:
    """Let this process have as many open files, and so connections, as it may give itself.

    The usual 1,024 is for programs that can't count further; 10,000 workers are more than that.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # not there on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_CONNECTIONS + _BACKLOG if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        # A system may call infinite what it does not give: then it stays as it was.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run(main: Coroutine[None, None, None]) -> None:
    """Run a server's main coroutine on the fastest event loop that there is."""
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop  # noqa: PLC0415  # not there on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
