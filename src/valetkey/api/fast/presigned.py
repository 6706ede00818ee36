"""URLs, streamed as one list or a line of JSON for each: by a location's id or name."""

from __future__ import annotations

from datetime import timedelta
from json.encoder import encode_basestring_ascii as json_text
from typing import Final

from valetkey.api.fast.exchange import JSON, Exchange
from valetkey.api.fast.location_names import find_location
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.requests import decode
from valetkey.api.v1.request import read_query
from valetkey.domain.presign import Method
from valetkey.services.audit import Caller
from valetkey.services.vending import PresignRequest
from valetkey.wire import credentials as wire
from valetkey.wire.base import Nothing
from valetkey.wire.operation import NDJSON

#: 100,000 keys of 330 bytes.
MAX_BODY: Final = 32 << 20
_NDJSON: Final = NDJSON.encode()


async def by_id(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Answer ``POST /v1/locations/{locationId}/presigned-urls``. Nothing is sent before every key
    was found right and the record is durable.

    Raises what ``Presigning.presign`` raises.
    """
    caller, body = await _asked(exchange, on)
    wanted: wire.PresignRequest = decode(body, wire.PresignRequest)
    await _sign(exchange, on, caller, location_id, wanted)


async def by_name(exchange: Exchange, on: FastServices, _: str) -> None:
    """Answer ``POST /v1/presigned-urls``. Raises what ``Presigning.presign`` and ``find_location``
    raise."""
    caller, body = await _asked(exchange, on)
    wanted: wire.NamedPresignRequest = decode(body, wire.NamedPresignRequest)
    location_id = await find_location(on.services, caller, wanted.location)
    await _sign(exchange, on, caller, location_id, wanted)


async def _asked(exchange: Exchange, on: FastServices) -> tuple[Caller, bytes]:
    caller = await exchange.caller(on.services, exchange.token())
    exchange.refuse_key()
    if exchange.query:
        read_query(exchange.query, Nothing)
    body = await exchange.json_body(MAX_BODY)
    # Reading a body of megabytes is one long step: not several of them one after another.
    await on.services.presigning.turns.next()
    return caller, body


async def _sign(
    exchange: Exchange,
    on: FastServices,
    caller: Caller,
    location_id: str,
    wanted: wire.PresignRequest,
) -> None:
    request = PresignRequest(
        keys=wanted.keys,
        method=Method(wanted.method),
        expires=timedelta(seconds=wanted.expires_seconds),
        disposition=wanted.disposition,
        version_ids=wanted.version_ids,
        purpose=wanted.purpose,
    )
    made = await on.services.presigning.presign(caller, location_id, request)
    # A URL is ASCII without quotes or backslashes: it stands in JSON as it is.
    tail = f'","expiresAt":"{made.expires_at:%Y-%m-%dT%H:%M:%SZ}"}}'
    is_lines = exchange.accepts(_NDJSON)
    before, between, after = ("", "\n", "\n") if is_lines else ('{"items":[', ",", "]}")
    await exchange.begin(_NDJSON if is_lines else JSON)
    async for keys, urls in made.pieces():
        entries = [
            f'{{"key":{json_text(key)},"url":"{url}{tail}'
            for key, url in zip(keys, urls, strict=True)
        ]
        await exchange.piece((before + between.join(entries)).encode(), is_last=False)
        before = between
    await exchange.piece(after.encode(), is_last=True)
