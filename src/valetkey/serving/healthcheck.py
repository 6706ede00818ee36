"""Health by a port of its own, from a thread: it answers even when the event loop does not turn."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from valetkey.domain.errors import ConfigurationError

#: Ready or not, and for each part why not.
HealthResponse = tuple[bool, dict[str, str]]
#: Whoever asks has an answer within two seconds.
_ANSWER_SECONDS: Final = 1.8
_STUCK: Final = "The process is busy: its event loop has not turned for a while."


@contextmanager
def health_door(
    host: str, port: int | None, readiness: Callable[[], Awaitable[HealthResponse]]
) -> Iterator[int | None]:
    """Answer ``GET /healthz`` and ``/readyz`` while inside; gives the port (0 lets the system
    choose), or None where none is asked for. Raises ConfigurationError when it is taken."""
    if port is None:
        yield None
        return
    loop = asyncio.get_running_loop()
    handler = type(
        "Handler", (_HealthHandler,), {"loop": loop, "readiness": staticmethod(readiness)}
    )
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise ConfigurationError(
            f"The health port {host}:{port} can't be had: {error.strerror}.",
            hint="Choose another (the setting health_port).",
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _HealthHandler(BaseHTTPRequestHandler):
    loop: asyncio.AbstractEventLoop
    readiness: Callable[[], Awaitable[HealthResponse]]
    timeout = 5.0

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._respond(200, {"status": "ok"})
        elif self.path == "/readyz":
            ready, parts = self._look()
            self._respond(200 if ready else 503, {"ready": ready, "parts": parts})
        else:
            self._respond(404, {"message": "There is /healthz and /readyz.", "code": "not_found"})

    def _look(self) -> HealthResponse:
        async def look() -> HealthResponse:
            return await self.readiness()

        looking = asyncio.run_coroutine_threadsafe(look(), self.loop)
        try:
            return looking.result(_ANSWER_SECONDS)
        except TimeoutError:
            looking.cancel()
            return False, {"process": _STUCK}

    def _respond(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
        """Say nothing: it is asked every few seconds."""
