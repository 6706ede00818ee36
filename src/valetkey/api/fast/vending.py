"""Credentials over HTTP: what is the same in every format they are asked for and answered in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.location_names import find_location
from valetkey.api.fast.response_cache import FastServices, PreparedResponse, RequestFingerprint
from valetkey.api.v1.request import read_query
from valetkey.services.vending import Vended, VendRequest, rounds, unsettled
from valetkey.wire.base import Nothing

MAX_BODY: Final = 64 * 1024


class WantedCredentials(NamedTuple):
    """What a request asks for; ``location`` is a name or an id, where the address has none."""

    request: VendRequest
    location: str = ""


class ResponseFormat(NamedTuple):
    """How a request is read, from its body or the address's query, and how what was vended is
    written."""

    is_query: bool
    takes_bare_token: bool
    read: Callable[[bytes], WantedCredentials]
    write: Callable[[Vended], bytes]


async def vend(
    exchange: Exchange, on: FastServices, location_id: str, shape: ResponseFormat
) -> None:
    """Vend, once the record is durable; without a ``location_id``, for the location that the text
    names. Raises what ``Vending.vend`` and ``find_location`` raise."""
    text = exchange.query if shape.is_query else await _body(exchange)
    request = exchange.fingerprint(text)
    vending = on.services.vending
    begun = on.services.clock.monotonic()
    for _ in rounds(on.services.clock, begun):
        response = on.responses.find(request) or await _prepare(
            exchange, on, location_id, request, shape, begun
        )
        prepared = response.prepared
        if await vending.record_prepared(prepared, exchange.request_id, exchange.source):
            await exchange.send(response.body)
            return
    raise unsettled()


async def _body(exchange: Exchange) -> bytes:
    exchange.refuse_key()
    if exchange.query:
        read_query(exchange.query, Nothing)
    return await exchange.json_body(MAX_BODY)


async def _prepare(
    exchange: Exchange,
    on: FastServices,
    location_id: str,
    request: RequestFingerprint,
    shape: ResponseFormat,
    begun: float,
) -> PreparedResponse:
    services, responses = on
    epoch, token = responses.epoch, exchange.token(bare=shape.takes_bare_token)
    caller = await exchange.caller(services, token)
    wanted = shape.read(request.text)
    named = wanted.location
    if named:
        location_id = await find_location(services, caller, named)
    prepared = await services.vending.prepare(caller, location_id, wanted.request, begun=begun)
    body = shape.write(prepared.vended)
    response = PreparedResponse(prepared, body, exchange.head(len(body)))
    if caller.principal.limits.networks is not None:
        return response  # where it comes from decides, too
    # What a name means, any change may change.
    if not named or responses.epoch == epoch:
        responses.keep(request, token, response, read_at=epoch)
    return response
