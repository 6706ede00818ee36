"""What happens to every request: an id, a line in the log, headers that make browsers careful."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any, Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_GIVEN_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_NO_STORE: Final = (b"cache-control", b"no-store")
_log = structlog.get_logger("valetkey.access")


class RequestLog:
    """Gives each request an id (a caller's own, if well-formed) that logs and errors repeat."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            finally:
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                # The path alone: a query may hold what is nobody's business.
                _log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=milliseconds,
                )


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(12)


def _add_headers(message: Any, request_id: str) -> None:
    headers = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    wanted = (*_HEADERS, _NO_STORE, (b"x-request-id", request_id.encode()))
    message["headers"] = headers + [pair for pair in wanted if pair[0] not in present]
