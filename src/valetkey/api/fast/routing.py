"""Which requests go the fast path, and what all of them share: errors, and who is asking."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Receive, Send

from valetkey.api.fast import container, credentials, presigned
from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.front import Front
from valetkey.services.registry import Services

_START: Final = "/api/v1/drivers/"
#: What is answered in one piece, whatever comes of it.
_BUFFERED_PATH: Final = re.compile(rb"/api/v1/drivers/\w+/credentials", re.ASCII)
_METHODS: Final = frozenset({b"GET", b"POST"})
_log = structlog.get_logger("valetkey.api")

Handler = Callable[[Exchange, FastServices, str], Awaitable[None]]
Refusal = Callable[[Exchange, Exception], Awaitable[None]]
_HANDLERS: Final[dict[tuple[str, str], tuple[Handler, Refusal]]] = {
    ("POST", "credentials"): (credentials.answer, credentials.refuse),
    ("GET", "credentials"): (container.answer, container.refuse),
    ("POST", "presign"): (presigned.answer, credentials.refuse),
}


class FastPath:
    """ASGI: answers what is asked all day, and hands the rest to what stands behind ``front``."""

    def __init__(self, services: Services, front: Front, app: ASGIApp) -> None:
        self.fast = FastServices.of(services)
        self._front = front
        #: The framework's application, behind all that stands before it.
        self.app = app

    @staticmethod
    def is_buffered(method: bytes, path: bytes) -> bool:
        """Tell of a request's method and path whether it is answered in one piece."""
        return method in _METHODS and _BUFFERED_PATH.fullmatch(path) is not None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        found = _found(scope)
        if found is None:
            await self._front(scope, receive, send)
            return
        location_id, (answer, refuse) = found
        exchange = Exchange(scope, receive, send, self._front.arrive(scope))
        try:
            await answer(exchange, self.fast, location_id)
        except Exception as error:  # the last place where an error can be answered
            if exchange.has_begun:
                # Too late for a status: the answer ends in the middle, and the client sees that.
                _log.error("answer cut short", request_id=exchange.request_id, exc_info=error)
                raise
            await refuse(exchange, error)


def _found(scope: Any) -> tuple[str, tuple[Handler, Refusal]] | None:
    """Return whose credentials a request is about, and what handles it."""
    if scope["type"] != "http" or not scope["path"].startswith(_START):
        return None
    location_id, _, verb = scope["path"][len(_START) :].partition("/")
    handler = _HANDLERS.get((scope["method"], verb))
    return handler and (location_id, handler)
