"""Credentials over HTTP: what is the same in every format they are asked for and answered in."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices, PreparedResponse, RequestFingerprint
from valetkey.services.vending import Vended, VendRequest


class ResponseFormat(NamedTuple):
    """How a request is read, and how what was vended is written."""

    name: str
    takes_bare_token: bool
    read: Callable[[bytes], VendRequest]
    write: Callable[[Vended], bytes]


async def vend(
    exchange: Exchange, on: FastServices, location_id: str, text: bytes, shape: ResponseFormat
) -> None:
    """Vend, once the record is durable. Raises what ``Vending.vend`` raises."""
    request = RequestFingerprint(shape.name, location_id, text, exchange.token_hash)
    response = on.responses.find(request)
    if response is None:
        response = await _prepare(exchange, on, request, shape)
    vending = on.services.vending
    await vending.record_prepared(response.prepared, exchange.request_id, exchange.source)
    await exchange.send(response.body)


async def _prepare(
    exchange: Exchange, on: FastServices, request: RequestFingerprint, shape: ResponseFormat
) -> PreparedResponse:
    services, responses = on
    epoch, token = responses.epoch, exchange.token(bare=shape.takes_bare_token)
    caller = await exchange.caller(services, token)
    prepared = await services.vending.prepare(caller, request.location_id, shape.read(request.text))
    response = PreparedResponse(prepared, shape.write(prepared.vended))
    responses.keep(request, token, response, read_at=epoch)
    return response
