"""Which requests are hot, and what all of them share: errors, and who is asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from litestar.types import ASGIApp, Receive, Send

from valetkey.api.front import Front
from valetkey.api.hot import container, credentials, presigned
from valetkey.api.hot.exchange import Exchange
from valetkey.services.registry import Services

_HTTP: Final = "http"
_START: Final = "/api/v1/drivers/"
_log = structlog.get_logger("valetkey.api")

Handler = Callable[[Exchange, Services, str], Awaitable[None]]
_HANDLERS: Final[dict[tuple[str, str], tuple[Handler, Callable[..., Any]]]] = {
    ("POST", "credentials"): (credentials.answer, credentials.refuse),
    ("GET", "credentials"): (container.answer, container.refuse),
    ("POST", "presign"): (presigned.answer, credentials.refuse),
}


class HotRoutes:
    """ASGI: answers what is hot, and hands the rest to the application behind ``front``."""

    def __init__(self, services: Services, front: Front) -> None:
        self._services = services
        self._front = front

    @property
    def app(self) -> ASGIApp:
        """The framework's application, behind all that stands before it."""
        return self._front.app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == _HTTP and scope["path"].startswith(_START):
            driver_id, _, verb = scope["path"][len(_START) :].partition("/")
            handler = _HANDLERS.get((scope["method"], verb))
            if handler is not None:
                exchange = Exchange(scope, receive, send, self._front.arrive(scope))
                await self._answer(exchange, driver_id, *handler)
                return
        await self._front(scope, receive, send)

    async def _answer(
        self, exchange: Exchange, driver_id: str, answer: Handler, refuse: Callable[..., Any]
    ) -> None:
        try:
            await answer(exchange, self._services, driver_id)
        except Exception as error:  # the last place where an error can be answered
            if exchange.has_begun:
                # Too late for a status: the answer ends in the middle, and the client sees that.
                _log.error("answer cut short", request_id=exchange.request_id, exc_info=error)
                raise
            await refuse(exchange, error)
