"""The own API as an ASGI application: finds the operation, reads strictly, answers as described."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Final

import msgspec
import structlog

from valetkey.api.v1.calls import ApiCall, ContentResponse, IncomingContent, LinesResponse, Route
from valetkey.api.v1.creators import with_creators
from valetkey.api.v1.error_responses import MethodNotAllowed, NoSuchAddress, error_response
from valetkey.api.v1.openapi import describe
from valetkey.api.v1.pages import mark_of, marked, within_list
from valetkey.api.v1.preconditions import etag_of, is_known, require_match
from valetkey.api.v1.request import ApiRequest
from valetkey.api.v1.routing import Router
from valetkey.api.v1.sending import send_response
from valetkey.domain.access import Principal
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.idempotency import KeptResponse, fingerprint_of, key_not_taken
from valetkey.services.audit import Caller
from valetkey.services.registry import Services
from valetkey.wire.base import Nothing, Paging
from valetkey.wire.operation import NDJSON, Operation

PREFIX: Final = "/v1"
DESCRIPTION: Final = "/v1/openapi.json"
_SHOWING: Final = frozenset({"GET", "PATCH", "PUT"})
_CREATED: Final = 201
_ACCEPTED: Final = 202


class OwnApi:
    """Answers everything below ``/v1``."""

    def __init__(
        self, services: Services, routes: Iterable[Route], *, version: str, max_body: int
    ) -> None:
        self._services = services
        self._router = Router(routes)
        self._version = version
        self._max_body = max_body
        self._description: bytes | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = ApiRequest(scope, receive, max_body=self._max_body)
        try:
            answer = await self._respond(request)
        except Exception as error:  # noqa: BLE001  # the last place where an error can be answered
            answer = error_response(
                error, request.request_id, contract=request.contract, names=request.names
            )
        await send_response(answer, request, send, version=self._version)

    async def _respond(self, request: ApiRequest) -> KeptResponse | LinesResponse | ContentResponse:
        if request.path == DESCRIPTION:
            return self._described(request)
        routes, parameters = self._router.find(request.path)
        if not routes:
            raise NoSuchAddress(
                f"There is no address {request.path[:120]!r}.",
                hint=f"See the API's description at {DESCRIPTION}.",
            )
        if request.method == "OPTIONS":
            return KeptResponse(204, headers=((b"allow", self._router.allow(routes).encode()),))
        route = routes.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            raise MethodNotAllowed(
                f"This address does not take {request.method[:20]}.",
                hint=f"It takes {self._router.allow(routes)}.",
                allow=self._router.allow(routes),
            )
        return await self._operate(request, route, routes.get("GET"), parameters)

    async def _operate(
        self, request: ApiRequest, route: Route, shown_by: Route | None, path: dict[str, str]
    ) -> KeptResponse | LinesResponse | ContentResponse:
        operation = route.operation
        request.contract, request.names = operation.contract, operation.names
        caller = await self._caller(request, public=operation.public)
        if operation.refuses_key and request.header(b"idempotency-key") is not None:
            raise key_not_taken()
        query = request.query(operation.query)
        body, text = Nothing(), b""
        if operation.has_body:
            body, text = await request.body(
                operation.body, needed=operation.needs_body, fixed=_fixed(operation)
            )
        elif operation.method != "GET" and not operation.reads_content:
            await request.refuse_body()
        call = ApiCall(self._services, caller, path, query, body)
        if operation.reads_content or operation.sends_content:
            return await self._on_content(request, route, call)
        if operation.versioned:
            call = await _expecting(request, call, shown_by)
        if route.lines is not None and (route.handler is None or request.accepts(NDJSON)):
            return await route.lines(call)
        key = request.header(b"idempotency-key") if operation.makes else None
        if key is None:
            made = self._made(request, route, call)
            ends_unheard = operation.method == "GET" or operation.hashes
            return await (request.while_connected(made) if ends_unheard else made)
        return await self._services.idempotency.once(
            caller,
            key,
            fingerprint_of(request.method, request.address, caller.principal.token_id, text),
            lambda: self._made(request, route, call),
            secret=operation.secret,
        )

    async def _made(
        self, request: ApiRequest, route: Route, call: ApiCall[Any, Any]
    ) -> KeptResponse:
        operation = route.operation
        assert route.handler is not None  # noqa: S101  # one without answers in lines
        result = await _listed(route.handler, operation, call)
        if not operation.has_result:
            return KeptResponse(operation.status)
        headers: list[tuple[bytes, bytes]] = []
        if operation.method in _SHOWING and operation.has_etag:
            etag = etag_of(result)
            headers.append((b"etag", etag.encode()))
            known = request.header(b"if-none-match") if operation.method == "GET" else None
            if known is not None and is_known(known, etag):
                return KeptResponse(304, headers=tuple(headers))
        place = self._place(request, operation.status, result)
        if place:
            headers.append((b"location", place.encode()))
        told = await with_creators(call.services.people, result)
        return KeptResponse(operation.status, msgspec.json.encode(told), tuple(headers))

    async def _on_content(
        self, request: ApiRequest, route: Route, call: ApiCall[Any, Any]
    ) -> KeptResponse | ContentResponse:
        if route.operation.reads_content:
            request.check_encoding()
        byte_range, is_head = request.header(b"range") or "", request.method == "HEAD"
        incoming = IncomingContent(request.chunks(), request.media_type, byte_range, is_head)
        call = replace(call, incoming=incoming)
        if route.content is not None:
            return await route.content(call)
        try:
            return await self._made(request, route, call)
        except ValetkeyError:
            await request.drain()
            raise

    def _place(self, request: ApiRequest, status: int, result: Any) -> str:
        """Return where what was made, or what works on it, is to be found."""
        if not hasattr(result, "id"):
            return ""  # a password link, a restoring: they are to be found nowhere
        if status == _ACCEPTED:
            return f"/v1/operations/{result.id}"
        if status != _CREATED:
            return ""
        made = f"{request.path}/{result.id}"
        return made if self._router.shows(made) else ""

    async def _caller(self, request: ApiRequest, *, public: bool) -> Caller:
        if public:
            return Caller(Principal("", ""), request.request_id, request.source)
        principal = await self._services.principals.of(request.token(), source=request.source)
        structlog.contextvars.bind_contextvars(actor=principal.email)
        return Caller(principal, request.request_id, request.source)

    def _described(self, request: ApiRequest) -> KeptResponse:
        allow = "GET, HEAD, OPTIONS"
        if request.method == "OPTIONS":
            return KeptResponse(204, headers=((b"allow", allow.encode()),))
        if request.method not in {"GET", "HEAD"}:
            said = f"The description does not take {request.method[:20]}."
            raise MethodNotAllowed(said, hint="GET it.", allow=allow)
        request.query(Nothing)
        if self._description is None:
            self._description = msgspec.json.encode(describe(self._version))
        return KeptResponse(200, self._description)


async def _listed(
    handler: Callable[[ApiCall[Any, Any]], Awaitable[Any]],
    operation: Operation[Any, Any, Any],
    call: ApiCall[Any, Any],
) -> Any:
    """Return what a handler answers; a list goes on at a cursor of its own."""
    if not isinstance(call.query, Paging):
        return await handler(call)
    mark = mark_of(operation.id, call.path, call.query)
    part = await handler(replace(call, query=within_list(call.query, mark)))
    return marked(part, mark)


def _fixed(operation: Operation[Any, Any, Any]) -> frozenset[str]:
    """Return the properties that a thing is shown with, and a change of it may not have."""
    shown = getattr(operation.result, "__struct_encode_fields__", ())
    return frozenset(shown) - operation.names if operation.method == "PATCH" else frozenset()


async def _expecting(
    request: ApiRequest, call: ApiCall[Any, Any], shown_by: Route | None
) -> ApiCall[Any, Any]:
    """Return what is asked, on the condition that it is still what the client read: looked at now,
    and once more by the transaction that changes it. Raises VersionMismatch, InvalidInput."""
    header = request.header(b"if-match")
    if header is None or shown_by is None or shown_by.handler is None:
        return call
    query: Any = call.query
    if not isinstance(query, shown_by.operation.query):
        query = shown_by.operation.query()
    shown = await shown_by.handler(ApiCall(call.services, call.caller, call.path, query, Nothing()))
    require_match(header, etag_of(shown))
    version = getattr(shown, "version", None)
    if version is not None or shown_by.now is None:
        return replace(call, caller=call.caller._replace(expected_version=version))
    now = shown_by.now

    async def still(work: Any) -> None:
        found = await now(work, call)
        if found is not None:  # what has gone is told by whoever wants to change it
            require_match(header, etag_of(found))

    return replace(call, caller=call.caller._replace(expectation=still))
