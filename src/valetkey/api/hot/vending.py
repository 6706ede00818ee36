"""Credentials over HTTP: what is the same in every shape they are asked for and answered in."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from valetkey.api.hot.exchange import Exchange
from valetkey.services.registry import Services
from valetkey.services.vending import Answer, Vended, VendRequest, Wording


class Face(NamedTuple):
    """A shape: how a request is read, and how what was vended is written."""

    name: str
    takes_bare_token: bool
    read: Callable[[bytes], VendRequest]
    write: Callable[[Vended], bytes]


async def hand_out(
    exchange: Exchange, services: Services, location_id: str, text: bytes, face: Face
) -> None:
    """Hand out credentials, once the record is durable. Raises what ``Vending.vend`` raises."""
    request = Wording(face.name, location_id, text, exchange.token_hash)
    answer = services.repeats.find(request)
    if answer is None:
        answer = await _decide(exchange, services, request, face)
    await services.vending.record_ready(answer.ready, exchange.request_id, exchange.source)
    await exchange.send(answer.body)


async def _decide(exchange: Exchange, services: Services, request: Wording, face: Face) -> Answer:
    epoch, token = services.repeats.epoch, exchange.token(bare=face.takes_bare_token)
    caller = await exchange.caller(services, token)
    ready = await services.vending.prepare(caller, request.location_id, face.read(request.text))
    answer = Answer(ready, face.write(ready.vended))
    services.repeats.keep(request, token, answer, read_at=epoch)
    return answer
