"""``POST /drivers/{id}/credentials``: temporary credentials as JSON."""

from __future__ import annotations

from typing import Final

import msgspec

from valetkey.api.errors import INTERNAL, body_of, log_failure, status_of
from valetkey.api.fast.exchange import BodyTooLarge, Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.fast.vending import ResponseFormat, vend
from valetkey.api.requests import decode
from valetkey.api.wire.credentials import CredentialsIn, CredentialsOut
from valetkey.domain.errors import TooManyRequests, ValetkeyError
from valetkey.services.vending import Vended, VendRequest

_MAX_BODY: Final = 64 * 1024


async def answer(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Vend, once the record is durable. Raises what ``Vending.vend`` raises."""
    body = await exchange.json_body(_MAX_BODY)
    await vend(exchange, on, location_id, body, _FORMAT)


def _read(body: bytes) -> VendRequest:
    wanted: CredentialsIn = decode(body, CredentialsIn)
    return wanted.wanted


def _write(vended: Vended) -> bytes:
    return msgspec.json.encode(CredentialsOut.of(vended))


_FORMAT: Final = ResponseFormat("json", takes_bare_token=False, read=_read, write=_write)


async def refuse(exchange: Exchange, error: Exception) -> None:
    """Answer with what happened, why, and what to do."""
    if not isinstance(error, ValetkeyError):
        log_failure(error)
        internal = {**INTERNAL, "requestId": exchange.request_id}
        await exchange.send(msgspec.json.encode(internal), status=500)
        return
    status = 413 if isinstance(error, BodyTooLarge) else status_of(error)
    headers: list[tuple[bytes, bytes]] = []
    if status == 401:  # noqa: PLR2004
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, TooManyRequests):
        headers.append((b"retry-after", b"%d" % error.details.get("retry_after", 1)))
    body = msgspec.json.encode(body_of(error, exchange.request_id))
    await exchange.send(body, status=status, headers=tuple(headers))
