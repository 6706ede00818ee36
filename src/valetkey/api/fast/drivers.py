"""The addresses that credentials had before ``/v1``: ``/api/v1/drivers/{id}/...``.

They answer as they did until whatever asks there has moved.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as json_text
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from valetkey.api.errors import INTERNAL, body_of, log_failure, status_of
from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.fast.vending import ResponseFormat, Wanted, vend
from valetkey.api.requests import BodyTooLarge, decode
from valetkey.api.wire.credentials import (
    ContainerErrorOut,
    ContainerOut,
    CredentialsIn,
    CredentialsOut,
    instant,
)
from valetkey.api.wire.presign import PresignIn
from valetkey.domain.credentials import DEFAULT_TTL, parse_ttl
from valetkey.domain.errors import InvalidInput, TooManyRequests, ValetkeyError
from valetkey.domain.scope import parse_levels
from valetkey.services.vending import Vended, VendRequest

_MAX_BODY: Final = 64 * 1024
#: 100,000 keys of 330 bytes.
_MAX_KEYS_BODY: Final = 32 << 20
_NDJSON: Final = b"application/x-ndjson"
_NAMES: Final = frozenset({"prefix", "access", "ttl", "purpose"})


async def credentials(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Vend, once the record is durable. Raises what ``Vending.vend`` raises."""
    body = await exchange.json_body(_MAX_BODY)
    await vend(exchange, on, location_id, body, _JSON)


async def container(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Vend, once the record is durable. Raises what ``Vending.vend`` raises."""
    await vend(exchange, on, location_id, exchange.query, _CONTAINER)


def _read_body(body: bytes) -> Wanted:
    wanted: CredentialsIn = decode(body, CredentialsIn)
    return Wanted(wanted.wanted)


def _write_body(vended: Vended) -> bytes:
    return msgspec.json.encode(CredentialsOut.of(vended))


def _read(query: bytes) -> Wanted:
    """Read a query: ``prefix`` (may be repeated), ``access`` (comma-separated), ``ttl``,
    ``purpose``. Raises InvalidInput."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
        )
    except (UnicodeDecodeError, ValueError):
        raise _wrong("it is not of the form name=value&name=value") from None
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    if unknown := sorted(given.keys() - _NAMES):
        raise _wrong(f"{unknown[0][:40]!r} is not known")
    if repeated := [name for name, values in given.items() if len(values) > 1 and name != "prefix"]:
        raise _wrong(f"{repeated[0]!r} stands there twice")
    levels = [level for level in "".join(given.get("access", [])).split(",") if level]
    request = VendRequest(
        prefixes=tuple(given.get("prefix", ())),
        levels=parse_levels(levels),
        ttl=parse_ttl(_seconds(given["ttl"][0])) if "ttl" in given else DEFAULT_TTL,
        purpose="".join(given.get("purpose", [])),
    )
    return Wanted(request)


def _write(vended: Vended) -> bytes:
    return msgspec.json.encode(ContainerOut.of(vended))


_JSON: Final = ResponseFormat("driver", takes_bare_token=False, read=_read_body, write=_write_body)
_CONTAINER: Final = ResponseFormat(
    "driver container", takes_bare_token=True, read=_read, write=_write
)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004
        raise InvalidInput(
            f"A time to live of {text[:20]!r} is no number of seconds.",
            hint="Give whole seconds, such as ttl=3600.",
            field="ttl",
        )
    return int(text)


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(
        f"The query can't be read: {why}.",
        hint="Use prefix=FOLDER (may be repeated; empty is all), access=list,read and ttl=SECONDS.",
    )


async def presign(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Sign and stream. Nothing is sent before every key was found right and the record is durable.

    Raises what ``Presigning.presign`` raises.
    """
    caller = await exchange.caller(on.services, exchange.token())
    body = await exchange.json_body(_MAX_KEYS_BODY)
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


async def refuse_container(exchange: Exchange, error: Exception) -> None:
    """Answer in the contract's own shape."""
    if isinstance(error, ValetkeyError):
        status, out = status_of(error), ContainerErrorOut(code=error.code, message=str(error))
    else:
        log_failure(error)
        out = ContainerErrorOut(code=INTERNAL["code"], message=INTERNAL["message"])
        status = 500
    await exchange.send(msgspec.json.encode(out), status=status)
