"""What stands in front of every request: its id, the real client, safe headers, the access log.

Written against ASGI itself: it sees every answer, the framework's own errors too.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import secrets
import time
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

import msgspec
import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from valetkey.api.error_handlers import Pages, is_dataloops
from valetkey.api.errors import body_of
from valetkey.api.methods import without_body
from valetkey.domain.errors import InvalidInput
from valetkey.services.after_response import answering

_log = structlog.get_logger("valetkey.access")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
SAFE_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_FORWARDED: Final = frozenset({b"x-forwarded-for", b"forwarded"})
_QUIET: Final = frozenset({"/healthz", "/readyz"})
_TWO_TOKENS: Final = InvalidInput("The request has two Authorization headers.", hint="Send one.")
_CONTROL: Final = InvalidInput(
    "The address holds a control character.", hint="Send printable text."
)


class RequestMiddleware:
    """ASGI around the application."""

    def __init__(
        self, app: ASGIApp, *, trusted_proxies: Iterable[str] = (), pages: Pages | None = None
    ) -> None:
        self.app = app
        self._pages = pages
        self._instance = secrets.token_hex(8)
        self._requests = itertools.count()
        self._has_noticed = False
        self._trusted = tuple(
            ipaddress.ip_network(entry, strict=False) for entry in trusted_proxies
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = self.prepare_scope(scope)
        # A dictionary of this request's own: the server may share one between requests.
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        await self._serve(scope, receive, send, request_id)

    def prepare_scope(self, scope: Any) -> str:
        """Return the request's id; what a trusted proxy says of the client goes into ``scope``."""
        if not self._trusted:
            self._notice_proxy(scope)
            return self._new_id()
        peer = scope["client"][0] if scope.get("client") else ""
        if not self._is_trusted(peer):
            return self._new_id()
        headers = dict(scope["headers"])
        self._apply_forwarded(scope, headers)
        given = headers.get(b"x-request-id", b"")
        return given.decode() if _REQUEST_ID.fullmatch(given) else self._new_id()

    def _notice_proxy(self, scope: Any) -> None:
        """Say once that there is a proxy which is not named: all that come through it count as one
        source, and would be slowed down together."""
        if self._has_noticed or _FORWARDED.isdisjoint(dict(scope["headers"])):
            return
        self._has_noticed = True
        _log.warning(
            "a proxy forwards requests, and trusted_proxies is empty: all who come through it "
            "count as one source of sign-ins, and its address stands in the audit records; name "
            "it in trusted_proxies (VALETKEY_TRUSTED_PROXIES), or keep it from being forged",
            peer=scope["client"][0] if scope.get("client") else "",
        )

    def _new_id(self) -> str:
        """Return an id that no other request has, in this process or another."""
        return f"{self._instance}{next(self._requests):016x}"

    async def _serve(self, scope: Any, receive: Receive, send: Send, request_id: str) -> None:
        started, status = time.perf_counter(), 0

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_own(message.get("headers", ()), request_id)
            await send(message)

        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            if has_control(scope):
                await self._refuse(scope, receive, marked, _CONTROL)
            elif _has_two_tokens(scope):
                await self._refuse(scope, receive, marked, _TWO_TOKENS)
            else:
                async with answering():
                    await self.app(scope, receive, marked)
        finally:
            if scope["path"] not in _QUIET or status >= 400:  # noqa: PLR2004
                _log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],  # without the query: it may hold what is nobody's business
                    status=status,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                    source=scope["client"][0] if scope.get("client") else "",
                )

    async def _refuse(self, scope: Any, receive: Receive, send: Any, error: InvalidInput) -> None:
        if self._pages is not None and self._pages.has(scope["path"]):
            request = Request[Any, Any, Any](scope)
            page = self._pages.on_error(request, error).to_asgi_response(None, request)
            is_head = request.method == "HEAD"
            await page(scope, receive, without_body(send) if is_head else send)
            return
        problem = body_of(error, scope["state"]["request_id"]) | {"message": error.message}
        answer = {"error": problem} if _is_own(scope) else problem
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode(answer)})

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _apply_forwarded(self, scope: Any, headers: MutableMapping[bytes, bytes]) -> None:
        """Take the client's address and scheme from a proxy: the last address it did not add."""
        hops = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        unknown = [hop.strip() for hop in hops if hop.strip() and not self._is_trusted(hop.strip())]
        if unknown:
            scope["client"] = (unknown[-1][:64], 0)
        scheme = headers.get(b"x-forwarded-proto", b"").decode("latin-1").strip().lower()
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme


def _is_own(scope: Any) -> bool:
    """Tell whether an address's errors have the own API's shape; AWS's contract has another."""
    path: str = scope["path"]
    if scope["method"] == "GET" and path.endswith(("/credentials", "/container-credentials")):
        return False
    return not is_dataloops(path)


def _has_two_tokens(scope: Any) -> bool:
    """Tell whether it is open whose request this is."""
    tokens: int = sum(name == b"authorization" for name, _ in scope["headers"])
    return tokens > 1


def has_control(scope: Any) -> bool:
    """Tell whether an address holds control characters, or halves of characters."""
    path: str = scope["path"]
    if b"%00" in scope.get("query_string", b""):
        return True
    # What is printable ASCII, as nearly all is, has none: no need to look at each letter.
    return not (path.isascii() and path.isprintable()) and any(
        ord(letter) < 32 or 0xD800 <= ord(letter) <= 0xDFFF  # noqa: PLR2004
        for letter in path
    )


def _with_own(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    kept = list(headers)
    present = {name.lower() for name, _ in kept}
    kept.append((b"x-request-id", request_id.encode()))
    return kept + [entry for entry in SAFE_HEADERS if entry[0] not in present]
