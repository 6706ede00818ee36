"""A double of Vault's and OpenBao's transit engine, by their documented HTTP API.

Paths, bodies, the token header, the namespace header, ``vault:v1:`` ciphertexts bound to
``associated_data``, and errors as ``{"errors": [...]}``: 400 for what does not decrypt, 403 for a
token that may not, 404 for a mount that is not there, 503 while sealed.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "vault:v1:"


@dataclass
class TransitDouble:
    """One transit mount with its keys, and the tokens that may use them."""

    tokens: set[str] = field(default_factory=lambda: {"good-token"})
    keys: dict[str, bytes] = field(default_factory=lambda: {"valetkey": bytes(range(32))})
    #: Keys of namespaces, by namespace and name.
    others: dict[tuple[str, str], bytes] = field(default_factory=dict)
    sealed: bool = False
    answer: bytes | None = None
    seen: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def handle(self, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        self.seen.append({name.lower(): value for name, value in headers.items()} | {"path": path})
        if self.answer is not None:
            return 200, self.answer
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Token", "") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        _, version, mount, operation, name = (*path.split("/"), "", "", "")[:5]
        if (version, mount) != ("v1", "transit"):
            return 404, {"errors": []}
        where = (headers.get("X-Vault-Namespace", ""), name)
        key = self.others.get(where) or self.keys.get(name)
        if key is None:
            return (404, {"errors": []}) if operation == "encrypt" else (400, _NO_KEY)
        return self._use(AESGCM(key), operation, json.loads(body))

    def _use(self, cipher: AESGCM, operation: str, asked: dict[str, str]) -> tuple[int, Any]:
        bound = base64.b64decode(asked.get("associated_data", ""))
        if operation == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + cipher.encrypt(nonce, base64.b64decode(asked["plaintext"]), bound)
            text = PREFIX + base64.b64encode(sealed).decode()
            return 200, {"data": {"ciphertext": text, "key_version": 1}}
        raw = base64.b64decode(asked["ciphertext"].removeprefix(PREFIX))
        try:
            plain = cipher.decrypt(raw[:12], raw[12:], bound)
        except (InvalidTag, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


_NO_KEY = {"errors": ["encryption key not found"]}


@contextmanager
def transit_double() -> Iterator[TransitDouble]:
    """Serve a double on loopback until the block ends."""
    double = TransitDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = double.handle(self.path, self.headers, body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.url = f"vault+http://127.0.0.1:{server.server_port}/transit/valetkey"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="transit-double")
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
