"""Which requests go the fast path, and what all of them share: errors, and who is asking."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import structlog
from litestar.types import ASGIApp, Receive, Send

from valetkey.api.fast import credentials, presigned
from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.middleware import RequestMiddleware, has_control
from valetkey.api.v1.error_responses import error_response
from valetkey.services.registry import Services
from valetkey.wire.operation import Contract

_LOCATIONS: Final = "/v1/locations/"
#: What is answered in one piece, whatever comes of it.
_BUFFERED_PATH: Final = re.compile(
    rb"/v1/(?:locations/\w+/credentials|credentials|container-credentials)", re.ASCII
)
_METHODS: Final = frozenset({b"GET", b"POST"})
_log = structlog.get_logger("valetkey.api")

Handler = Callable[[Exchange, FastServices, str], Awaitable[None]]
RefusalHandler = Callable[[Exchange, Exception], Awaitable[None]]


class Answering(NamedTuple):
    """What answers a request, and what tells of an error."""

    handler: Handler
    refuse: RefusalHandler


def _own(handler: Handler, contract: Contract = "own") -> Answering:
    async def refuse(exchange: Exchange, error: Exception) -> None:
        told = error_response(error, exchange.request_id, contract=contract)
        await exchange.send(told.body, status=told.status, headers=told.headers)

    return Answering(handler, refuse)


#: By the method and what follows a location's id.
_OF_LOCATION: Final = {
    ("POST", "credentials"): _own(credentials.by_body),
    ("GET", "credentials"): _own(credentials.by_query, "container"),
    ("HEAD", "credentials"): _own(credentials.by_query, "container"),
    ("POST", "presigned-urls"): _own(presigned.by_id),
}
#: By the method and the whole address: the request names its location.
_BY_NAME: Final = {
    ("POST", "/v1/credentials"): _own(credentials.by_body_and_name),
    ("GET", "/v1/container-credentials"): _own(credentials.by_query_and_name, "container"),
    ("HEAD", "/v1/container-credentials"): _own(credentials.by_query_and_name, "container"),
    ("POST", "/v1/presigned-urls"): _own(presigned.by_name),
}


class FastPath:
    """ASGI: answers what is asked all day, and hands the rest to what stands behind ``front``."""

    def __init__(
        self, services: Services, front: RequestMiddleware, app: ASGIApp, *, version: str
    ) -> None:
        self.fast = FastServices.of(services)
        self._front = front
        self._version = version.encode()
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
        exchange = Exchange(scope, receive, send, self._front.prepare_scope(scope), self._version)
        try:
            await answer(exchange, self.fast, location_id)
        except Exception as error:  # the last place where an error can be answered
            if exchange.has_begun:
                # Too late for a status: the answer ends in the middle, and the client sees that.
                _log.error("answer cut short", request_id=exchange.request_id, exc_info=error)
                raise
            await refuse(exchange, error)


def _found(scope: Any) -> tuple[str, Answering] | None:
    """Return whose credentials a request is about, if its address tells, and what answers it."""
    if scope["type"] != "http":
        return None
    method, path = scope["method"], scope["path"]
    if path.startswith(_LOCATIONS):
        location_id, _, verb = path[len(_LOCATIONS) :].partition("/")
        answer = _OF_LOCATION.get((method, verb))
    else:
        answer, location_id = _BY_NAME.get((method, path)), "named"
    if answer is None or not location_id or has_control(scope):
        return None
    return location_id, answer
