"""Which requests go the fast path, and what all of them share: errors, and who is asking."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple, cast

import structlog
from litestar.types import ASGIApp, Receive, Send

from valetkey.api.fast import credentials, presigned
from valetkey.api.fast.exchange import Exchange, plain_fingerprint, source_of
from valetkey.api.fast.response_cache import FastServices, PreparedResponse
from valetkey.api.fast.vending import ResponseFormat, vend
from valetkey.api.middleware import RequestMiddleware, has_control
from valetkey.api.v1.error_responses import error_response
from valetkey.services.registry import Services
from valetkey.services.vending import PreparedVend
from valetkey.serving.buffered import BufferedRequest, PendingResponse
from valetkey.wire.operation import Contract

_LOCATIONS: Final = "/v1/locations/"
#: What is answered in one piece, whatever comes of it.
_BUFFERED_PATH: Final = re.compile(
    rb"/v1/(?:locations/\w+/credentials|credentials|container-credentials)", re.ASCII
)
_METHODS: Final = frozenset({b"GET", b"POST"})
_log = structlog.get_logger("valetkey.api")

Handler = Callable[[Exchange, FastServices, str], Awaitable[None]]


class FastOperation(NamedTuple):
    """What answers a request, and by whose contract errors are told."""

    handler: Handler
    contract: Contract = "own"


class FastRoute(NamedTuple):
    """The operation of a request, and the location that its address names by id; empty if none."""

    operation: FastOperation
    location_id: str


def _vending(shape: ResponseFormat) -> FastOperation:
    return FastOperation(partial(vend, shape=shape), "container" if shape.is_query else "own")


#: By the method and what follows a location's id.
_OF_LOCATION: Final = {
    ("POST", "credentials"): _vending(credentials.JSON_BY_ID),
    ("GET", "credentials"): _vending(credentials.CONTAINER_BY_ID),
    ("HEAD", "credentials"): _vending(credentials.CONTAINER_BY_ID),
    ("POST", "presigned-urls"): FastOperation(presigned.by_id),
}
#: By the method and the whole address: the request names its location.
_BY_NAME: Final = {
    ("POST", "/v1/credentials"): _vending(credentials.JSON_BY_NAME),
    ("GET", "/v1/container-credentials"): _vending(credentials.CONTAINER_BY_NAME),
    ("HEAD", "/v1/container-credentials"): _vending(credentials.CONTAINER_BY_NAME),
    ("POST", "/v1/presigned-urls"): FastOperation(presigned.by_name),
}


class FastPath:
    """ASGI: answers what is asked all day, and hands the rest to what stands behind ``front``.

    A Shortcut, too: a request that comes again, word for word, is answered without a task of its
    own, from the same response and by the same rule.
    """

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
        request_id = self._front.prepare_scope(scope)
        await self._respond(Exchange(scope, receive, send, request_id, self._version), found)

    def respond(self, request: BufferedRequest, scope: Any) -> PendingResponse | None:
        """Answer a request that comes again as soon as its record is durable, or return what
        answers it."""
        asked = plain_fingerprint(scope, request.body)
        response = self.fast.responses.find(asked) if asked else None
        if response is None:
            return self(scope, request.receive, request.send)
        request_id = self._front.prepare_scope(scope)
        written = self.fast.services.vending.write_prepared(
            response.prepared, request_id, source_of(scope)
        )
        written.add_done_callback(partial(self._send, request, scope, request_id, response))
        return None

    def _send(
        self,
        request: BufferedRequest,
        scope: Any,
        request_id: str,
        response: PreparedResponse,
        written: asyncio.Future[None],
    ) -> None:
        """Send a response whose record was written, if it may still leave."""
        try:
            is_durable = not written.cancelled() and written.exception() is None
            if is_durable and self.fast.services.vending.may_leave(response.prepared.taken):
                own = (b"x-request-id", request_id.encode())
                request.write_response(response.head, own, response.body)
            else:
                exchange = Exchange(scope, request.receive, request.send, request_id, self._version)
                first = self._withhold(response.prepared, request_id, exchange.source, written)
                found = cast("FastRoute", _found(scope))  # or it would not have been responded to
                request.start(self._respond(exchange, found, first))
        except BaseException:
            request.end()  # nobody else would
            raise

    async def _withhold(
        self, prepared: PreparedVend, request_id: str, source: str, written: asyncio.Future[None]
    ) -> None:
        """Record that what was recorded did not leave. Raises AuditUnavailable, where not even that
        was ``written``."""
        await written
        await self.fast.services.vending.withhold(prepared, request_id, source)

    async def _respond(
        self, exchange: Exchange, found: FastRoute, first: Awaitable[None] | None = None
    ) -> None:
        """Let the operation answer, after what is to be done first."""
        try:
            if first is not None:
                await first
            await found.operation.handler(exchange, self.fast, found.location_id)
        except Exception as error:  # the last place where an error can be answered
            if exchange.has_begun:
                # Too late for a status: the answer ends in the middle, and the client sees that.
                _log.error("answer cut short", request_id=exchange.request_id, exc_info=error)
                raise
            told = error_response(error, exchange.request_id, contract=found.operation.contract)
            await exchange.send(told.body, status=told.status, headers=told.headers)


def _found(scope: Any) -> FastRoute | None:
    """Return what answers a request that goes the fast path."""
    if scope["type"] != "http":
        return None
    method, path = scope["method"], scope["path"]
    location_id = ""
    if path.startswith(_LOCATIONS):
        location_id, _, verb = path[len(_LOCATIONS) :].partition("/")
        operation = _OF_LOCATION.get((method, verb)) if location_id else None
    else:
        operation = _BY_NAME.get((method, path))
    if operation is None or has_control(scope):
        return None
    return FastRoute(operation, location_id)
