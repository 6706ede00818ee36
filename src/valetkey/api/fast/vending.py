"""Credentials over HTTP: what is the same in every format they are asked for and answered in."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.location_names import find_location
from valetkey.api.fast.response_cache import FastServices, PreparedResponse, RequestFingerprint
from valetkey.services.vending import Vended, VendRequest, rounds, unsettled


class WantedCredentials(NamedTuple):
    """What a request asks for; ``location`` is a name or an id, where the address has none."""

    request: VendRequest
    location: str = ""


class ResponseFormat(NamedTuple):
    """How a request is read, and how what was vended is written."""

    name: str
    takes_bare_token: bool
    read: Callable[[bytes], WantedCredentials]
    write: Callable[[Vended], bytes]


async def vend(
    exchange: Exchange, on: FastServices, location_id: str, text: bytes, shape: ResponseFormat
) -> None:
    """Vend, once the record is durable; without a ``location_id``, for the location that the text
    names. Raises what ``Vending.vend`` and ``find_location`` raise."""
    request = RequestFingerprint(shape.name, location_id, text, exchange.token_hash)
    vending = on.services.vending
    begun = on.services.clock.monotonic()
    for _ in rounds(on.services.clock, begun):
        response = on.responses.find(request) or await _prepare(exchange, on, request, shape, begun)
        prepared = response.prepared
        if await vending.record_prepared(prepared, exchange.request_id, exchange.source):
            await exchange.send(response.body)
            return
    raise unsettled()


async def _prepare(
    exchange: Exchange,
    on: FastServices,
    request: RequestFingerprint,
    shape: ResponseFormat,
    begun: float,
) -> PreparedResponse:
    services, responses = on
    epoch, token = responses.epoch, exchange.token(bare=shape.takes_bare_token)
    caller = await exchange.caller(services, token)
    wanted = shape.read(request.text)
    named = wanted.location
    location_id = await find_location(services, caller, named) if named else request.location_id
    prepared = await services.vending.prepare(caller, location_id, wanted.request, begun=begun)
    response = PreparedResponse(prepared, shape.write(prepared.vended))
    if caller.principal.limits.networks is not None:
        return response  # where it comes from decides, too
    # What a name means, any change may change.
    if not named or responses.epoch == epoch:
        responses.keep(request, token, response, read_at=epoch)
    return response
