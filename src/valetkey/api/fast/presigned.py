"""``POST /drivers/{id}/presign``: URLs, a line of JSON for each, streamed."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as json_text
from typing import Final

from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.requests import decode
from valetkey.api.wire.credentials import instant
from valetkey.api.wire.presign import PresignIn

#: 100,000 keys of 330 bytes.
_MAX_BODY: Final = 32 << 20
_NDJSON: Final = b"application/x-ndjson"


async def answer(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Sign and stream. Nothing is sent before every key was found right and the record is durable.

    Raises what ``Presigning.presign`` raises.
    """
    caller = await exchange.caller(on.services, exchange.token())
    body = await exchange.json_body(_MAX_BODY)
    # Reading a body of megabytes is one long step: not several of them one after another.
    await on.services.presigning.turns.next()
    wanted: PresignIn = decode(body, PresignIn)
    made = await on.services.presigning.presign(caller, location_id, wanted.wanted)
    # A URL is ASCII without quotes or backslashes: it stands in JSON as it is.
    tail = f'","expiration":"{instant(made.expires_at)}"}}\n'
    await exchange.begin(_NDJSON)
    async for keys, urls in made.pieces():
        lines = [
            f'{{"key":{json_text(key)},"url":"{url}{tail}'
            for key, url in zip(keys, urls, strict=True)
        ]
        await exchange.piece("".join(lines).encode(), is_last=False)
    await exchange.piece(b"", is_last=True)
