"""``POST /drivers/{id}/credentials``: temporary credentials as JSON."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from valetkey.api.errors import INTERNAL, body_of, log_failure, status_of
from valetkey.api.hot.exchange import BodyTooLarge, Exchange
from valetkey.api.requests import decode
from valetkey.api.wire.credentials import CredentialsIn, CredentialsOut
from valetkey.domain.errors import TooManyRequests, ValetkeyError
from valetkey.services.registry import Services
from valetkey.services.vending import VendRequest

_MAX_BODY: Final = 64 * 1024
#: Bodies up to this size are remembered with what they ask for.
_SMALL: Final = 1024
_RENDERED: Final = "json"


async def answer(exchange: Exchange, services: Services, driver_id: str) -> None:
    """Hand out credentials, once the record is durable. Raises what ``Vending.vend`` raises."""
    caller = await exchange.caller(services)
    body = await exchange.json_body(_MAX_BODY)
    request = _remembered(body) if len(body) <= _SMALL else _parsed(body)
    vended = await services.vending.vend(caller, driver_id, request)
    rendered = vended.rendered.get(_RENDERED)
    if rendered is None:
        rendered = vended.rendered[_RENDERED] = msgspec.json.encode(CredentialsOut.of(vended))
    await exchange.send(rendered)


def _parsed(body: bytes) -> VendRequest:
    wanted: CredentialsIn = decode(body, CredentialsIn)
    return wanted.wanted


_remembered = lru_cache(maxsize=1024)(_parsed)


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
