"""The servers that are measured, each in a process of its own.

``python -m bench.servers real SETTINGS`` serves Valetkey, ``bare BYTES`` an ASGI application that
answers every request with the same bytes and headers, on the same server and event loop, and
``strict BYTES`` the same application, given requests that came whole, as Valetkey's credentials
were before they had a shortcut; ``shortcut BYTES`` the same bytes by that shortcut, without ASGI.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from bench.processes import memory_mb
from valetkey import logs
from valetkey.api import create_app
from valetkey.api.middleware import SAFE_HEADERS
from valetkey.bootstrap import open_services
from valetkey.config import load_settings
from valetkey.serving import reserve, serve, stop_on_signals, tune_process
from valetkey.serving.buffered import AsgiShortcut, BufferedRequest, head


def _bare(body: bytes) -> Any:
    headers = [
        (b"content-type", b"application/json"),
        (b"x-request-id", b"0" * 32),
        (b"content-length", b"%d" % len(body)),
        *SAFE_HEADERS,
    ]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


class _AtOnce:
    """Answers every request with the same bytes, as soon as it has come."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        headers = [(b"content-type", b"application/json"), *SAFE_HEADERS]
        self._head = head(200, headers, len(body))

    def is_buffered(self, _method: bytes, _path: bytes) -> bool:
        return True

    def respond(self, request: BufferedRequest, _scope: Any) -> None:
        request.write_response(self._head, (b"x-request-id", b"0" * 32), self._body)


async def _serve(app: Any, **more: Any) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    held = reserve("127.0.0.1", 0)

    def ready(port: int) -> None:
        print(json.dumps({"port": port}), flush=True)

    tune_process()
    await serve(app, held, ready=ready, stop=stop, **more)


async def _real() -> None:
    logs.configure(style="json", level="error")  # nobody reads this process's output but its port
    async with open_services(load_settings(os.environ)) as services:
        app = create_app(services, services.catalog)
        await _serve(app, shortcut=app)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers."""

    port: int
    pid: int

    def resident_mb(self) -> float:
        """Return the memory that the process has in RAM."""
        return memory_mb("VmRSS", self.pid)


@contextmanager
def real(environment: Mapping[str, str]) -> Iterator[Serving]:
    """Serve Valetkey with settings from ``environment``."""
    with _process(["real"], environment) as serving:
        yield serving


@contextmanager
def bare(body: bytes, kind: str = "bare") -> Iterator[Serving]:
    """Serve a yardstick: ``bare``, ``strict`` or ``shortcut``."""
    with _process([kind, base64.b64encode(body).decode()], {}) as serving:
        yield serving


@contextmanager
def _process(arguments: list[str], environment: Mapping[str, str]) -> Iterator[Serving]:
    process = subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "bench.servers", *arguments],
        env={**os.environ, **environment, "VALETKEY_LOG_LEVEL": "warning"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Serving(json.loads(process.stdout.readline())["port"], process.pid)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def main() -> None:
    """Serve until told to stop."""
    if sys.argv[1] == "bare":
        uvloop.run(_serve(_bare(base64.b64decode(sys.argv[2]))))
    elif sys.argv[1] == "strict":
        app = _bare(base64.b64decode(sys.argv[2]))
        uvloop.run(_serve(app, shortcut=AsgiShortcut(app, lambda _method, _path: True)))
    elif sys.argv[1] == "shortcut":
        body = base64.b64decode(sys.argv[2])
        uvloop.run(_serve(_bare(body), shortcut=_AtOnce(body)))
    else:
        uvloop.run(_real())


if __name__ == "__main__":
    main()
