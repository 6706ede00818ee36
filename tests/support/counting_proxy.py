"""A door between a process and the embedded AWS that counts calls, and can strike at one of them.

It forwards requests as they are (the signature covers the Host header, so that stays), one
connection at a time for each thread, and calls back right after AWS has answered.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

#: What happens after AWS has answered call number n (from 1): False loses the answer.
Strike = Callable[[int], bool]


class CountingProxy:
    """Serves on a loopback port of the system's choice until it is left."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self.count = 0
        self.strike: Strike = lambda number: True  # noqa: ARG005
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def start_counting(self, strike: Strike) -> None:
        with self._lock:
            self.count, self.strike = 0, strike

    def number(self) -> int:
        with self._lock:
            self.count += 1
            return self.count

    def ask(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=90)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in {"connection", "expect"}:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: CountingProxy

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        number = self.proxy.number()
        status, headers, answer = self.proxy.ask(self.command, self.path, self.headers, body)
        if not self.proxy.strike(number):
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = answer if self.command != "HEAD" else b""
        self.send_header("Content-Length", str(len(length)))
        self.end_headers()
        self.wfile.write(length)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _forward  # noqa: N815
