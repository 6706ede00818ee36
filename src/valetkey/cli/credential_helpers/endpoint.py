"""The loopback endpoint from which AWS's SDKs fetch credentials, as they do in a container.

A token of its own, made for it alone, opens it: never the token of the server. A web page can't
get at it either: the Host header must name loopback (DNS rebinding), and the token is in a header
that no page may send without being asked.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from valetkey.sdk.errors import ApiError, InvalidRequest
from valetkey.wire.credentials import Credentials

PATH: Final = "/credentials"
_HOST: Final = "127.0.0.1"
#: Seconds that a connection may keep a thread waiting for its request.
_PATIENCE: Final = 5
_Response = tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the endpoint is, and the token that opens it (a secret)."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """The address that AWS's SDKs are told."""
        return f"http://{_HOST}:{self.port}{PATH}"

    def __repr__(self) -> str:
        return f"<Endpoint {self.url}>"


@contextmanager
def serving(current: Callable[[], Credentials], *, port: int = 0) -> Iterator[Endpoint]:
    """Serve what ``current`` returns, from threads, until the block ends.

    ``port`` 0 lets the system choose. Raises InvalidRequest when the port can't be had.
    """
    token = secrets.token_urlsafe(32)
    try:
        server = _EndpointServer(port, token, current)
    except (OSError, OverflowError) as error:
        raise InvalidRequest(
            f"The endpoint can't be served on port {port}: {error}.",
            hint="Choose another (--port; 0 lets the system choose).",
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="valetkey-endpoint")
    thread.daemon = True  # a request that hangs must not keep the program from ending
    thread.start()
    try:
        yield Endpoint(server.server_port, token)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def container_form(credentials: Credentials) -> dict[str, str]:
    """Return credentials in the shape of the container contract."""
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.session_token,
        "Expiration": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class _EndpointServer(ThreadingHTTPServer):
    """All workers of a machine may ask at once, so many may queue."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, port: int, token: str, current: Callable[[], Credentials]) -> None:
        super().__init__((_HOST, port), _EndpointHandler)
        self.token = token.encode()
        self.current = current
        self.hosts = {f"{name}:{self.server_port}" for name in (_HOST, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever hangs up early is no news, and tracebacks may hold secrets."""

    def respond(self, method: str, path: str, headers: Message) -> _Response:
        """Return status and body. Nothing is told to whoever has no token."""
        if headers.get_all("Host") not in [[host] for host in self.hosts]:
            return _refusal(403, "foreign_host", "This endpoint answers to loopback names only.")
        given = headers.get_all("Authorization") or [""]
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self.token):
            return _refusal(401, "unauthenticated", "The endpoint's own token is missing or wrong.")
        if path != PATH:
            return _refusal(404, "not_found", "There is nothing here.")
        if method != "GET":
            return _refusal(405, "method_not_allowed", "Use GET.")
        try:
            return 200, container_form(self.current())
        except ApiError as error:
            return _refusal(error.status or 503, error.code, str(error))


def _refusal(status: int, code: str, message: str) -> _Response:
    return status, {"code": code, "message": message}


class _EndpointHandler(BaseHTTPRequestHandler):
    """Turns requests into answers; logs nothing."""

    server: _EndpointServer
    timeout = _PATIENCE

    def _respond(self) -> None:
        status, body = self.server.respond(self.command, self.path, self.headers)
        self._send(status, json.dumps(body).encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _respond  # noqa: N815

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request that this endpoint knows, without repeating any of it."""
        del message, explain
        self.close_connection = True
        body = {"code": "bad_request", "message": "This is no request for this endpoint."}
        self._send(code, json.dumps(body).encode())

    def version_string(self) -> str:
        """Don't tell the version of Python."""
        return "valetkey"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
        """Write no log: the child's terminal is the child's."""
