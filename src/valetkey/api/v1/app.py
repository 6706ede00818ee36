"""The own API as an ASGI application: finds the operation, reads strictly, answers as described."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Final

import msgspec
import structlog

from valetkey.api.v1.asking import Ask, Content, Incoming, Lines, Route
from valetkey.api.v1.introducing import introduced
from valetkey.api.v1.openapi import describe
from valetkey.api.v1.pages import mark_of, marked, within_list
from valetkey.api.v1.preconditions import etag_of, is_known, require_match
from valetkey.api.v1.refusing import MethodNotAllowed, NoSuchAddress, refusal
from valetkey.api.v1.request import ApiRequest
from valetkey.api.v1.routing import Router
from valetkey.api.v1.sending import send_answer
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
            answer = await self._answer(request)
        except Exception as error:  # noqa: BLE001  # the last place where an error can be answered
            answer = refusal(
                error, request.request_id, contract=request.contract, names=request.names
            )
        await send_answer(answer, request, send, version=self._version)

    async def _answer(self, request: ApiRequest) -> KeptResponse | Lines | Content:
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
    ) -> KeptResponse | Lines | Content:
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
        ask = Ask(self._services, caller, path, query, body)
        if operation.reads_content or operation.sends_content:
            return await self._on_content(request, route, ask)
        if operation.versioned:
            ask = await _expecting(request, ask, shown_by)
        if route.lines is not None and (route.handler is None or request.accepts(NDJSON)):
            return await route.lines(ask)
        key = request.header(b"idempotency-key") if operation.makes else None
        if key is None:
            made = self._made(request, route, ask)
            ends_unheard = operation.method == "GET" or operation.hashes
            return await (request.while_connected(made) if ends_unheard else made)
        return await self._services.idempotency.once(
            caller,
            key,
            fingerprint_of(request.method, request.address, caller.principal.token_id, text),
            lambda: self._made(request, route, ask),
            secret=operation.secret,
        )

    async def _made(self, request: ApiRequest, route: Route, ask: Ask[Any, Any]) -> KeptResponse:
        operation = route.operation
        assert route.handler is not None  # noqa: S101  # one without answers in lines
        result = await _listed(route.handler, operation, ask)
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
        told = await introduced(ask.services.people, result)
        return KeptResponse(operation.status, msgspec.json.encode(told), tuple(headers))

    async def _on_content(
        self, request: ApiRequest, route: Route, ask: Ask[Any, Any]
    ) -> KeptResponse | Content:
        if route.operation.reads_content:
            request.check_encoding()
        byte_range, is_head = request.header(b"range") or "", request.method == "HEAD"
        incoming = Incoming(request.chunks(), request.media_type, byte_range, is_head)
        ask = replace(ask, incoming=incoming)
        if route.content is not None:
            return await route.content(ask)
        try:
            return await self._made(request, route, ask)
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
    handler: Callable[[Ask[Any, Any]], Awaitable[Any]],
    operation: Operation[Any, Any, Any],
    ask: Ask[Any, Any],
) -> Any:
    """Return what a handler answers; a list goes on at a cursor of its own."""
    if not isinstance(ask.query, Paging):
        return await handler(ask)
    mark = mark_of(operation.id, ask.path, ask.query)
    part = await handler(replace(ask, query=within_list(ask.query, mark)))
    return marked(part, mark)


def _fixed(operation: Operation[Any, Any, Any]) -> frozenset[str]:
    """Return the properties that a thing is shown with, and a change of it may not have."""
    shown = getattr(operation.result, "__struct_encode_fields__", ())
    return frozenset(shown) - operation.names if operation.method == "PATCH" else frozenset()


async def _expecting(
    request: ApiRequest, ask: Ask[Any, Any], shown_by: Route | None
) -> Ask[Any, Any]:
    """Return what is asked, on the condition that it is still what the client read: looked at now,
    and once more by the transaction that changes it. Raises VersionMismatch, InvalidInput."""
    header = request.header(b"if-match")
    if header is None or shown_by is None or shown_by.handler is None:
        return ask
    query: Any = ask.query
    if not isinstance(query, shown_by.operation.query):
        query = shown_by.operation.query()
    shown = await shown_by.handler(Ask(ask.services, ask.caller, ask.path, query, Nothing()))
    require_match(header, etag_of(shown))
    version = getattr(shown, "version", None)
    if version is not None or shown_by.now is None:
        return replace(ask, caller=ask.caller._replace(expected_version=version))
    now = shown_by.now

    async def still(work: Any) -> None:
        found = await now(work, ask)
        if found is not None:  # what has gone is told by whoever wants to change it
            require_match(header, etag_of(found))

    return replace(ask, caller=ask.caller._replace(expectation=still))
