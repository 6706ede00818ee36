"""``GET /drivers/{id}/credentials``: what AWS's SDKs fetch from a container endpoint.

The token stands in ``Authorization`` as it is; errors are ``{"code", "message"}``.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from valetkey.api.errors import INTERNAL, log_failure, status_of
from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.fast.vending import ResponseFormat, vend
from valetkey.api.wire.credentials import ContainerErrorOut, ContainerOut
from valetkey.domain.credentials import DEFAULT_TTL, parse_ttl
from valetkey.domain.errors import InvalidInput, ValetkeyError
from valetkey.domain.scope import parse_levels
from valetkey.services.vending import Vended, VendRequest

_NAMES: Final = frozenset({"prefix", "access", "ttl", "purpose"})


async def answer(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Vend, once the record is durable. Raises what ``Vending.vend`` raises."""
    await vend(exchange, on, location_id, exchange.query, _FORMAT)


def _read(query: bytes) -> VendRequest:
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
    return VendRequest(
        prefixes=tuple(given.get("prefix", ())),
        levels=parse_levels(levels),
        ttl=parse_ttl(_seconds(given["ttl"][0])) if "ttl" in given else DEFAULT_TTL,
        purpose="".join(given.get("purpose", [])),
    )


def _write(vended: Vended) -> bytes:
    return msgspec.json.encode(ContainerOut.of(vended))


_FORMAT: Final = ResponseFormat("container", takes_bare_token=True, read=_read, write=_write)


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


async def refuse(exchange: Exchange, error: Exception) -> None:
    """Answer in the contract's own shape."""
    if isinstance(error, ValetkeyError):
        status, out = status_of(error), ContainerErrorOut(code=error.code, message=str(error))
    else:
        log_failure(error)
        out = ContainerErrorOut(code=INTERNAL["code"], message=INTERNAL["message"])
        status = 500
    await exchange.send(msgspec.json.encode(out), status=status)
