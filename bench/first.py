"""How many requests lead from a location's name to its credential, with a token in hand."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import valetkey
from bench.figures import Figure
from bench.installation import LOCATION, Installation

_SECONDS = 60


class _Counted:
    """An address that leads to a server, and what was asked there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.requests: list[str] = []

    @contextmanager
    def open(self) -> Iterator[str]:
        """Forward requests for a while; the address."""
        counted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

            def _forward(self) -> None:
                counted.requests.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                onward = http.client.HTTPConnection("127.0.0.1", counted._port, timeout=_SECONDS)
                onward.request(self.command, self.path, body, dict(self.headers))
                answer = onward.getresponse()
                content = answer.read()
                onward.close()
                self.send_response_only(answer.status)
                self.send_header("content-type", answer.getheader("content-type", ""))
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _forward  # noqa: N815

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()


def figure(made: Installation) -> Figure:
    """Count what the command and the library ask, each for its first credential by name; the
    figure is the larger of the two."""
    by_command, by_library = _Counted(made.serving.port), _Counted(made.serving.port)
    with by_command.open() as url:
        program = str(Path(sys.executable).with_name("valetkey"))
        command = [program, "credentials", LOCATION, "--json"]
        command += ["--prefix", "", "--access", "list,read"]
        environment = {**os.environ, "VALETKEY_URL": url, "VALETKEY_TOKEN": made.token}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603
    with by_library.open() as url, valetkey.Client(url, made.token) as client:
        client.credentials.by_name(location=LOCATION, prefixes=[""], access=["read"])
    asked = max(by_command.requests, by_library.requests, key=len)
    return Figure(
        "requests_to_first_credential",
        len(asked),
        "requests",
        f"command: {len(by_command.requests)}, library: {len(by_library.requests)}",
    )
