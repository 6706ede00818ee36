"""Temporary credentials, as JSON (``POST``) and as AWS's SDKs fetch them from a container endpoint
(``GET``), by a location's id or name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec

from valetkey.api.fast.exchange import Exchange
from valetkey.api.fast.response_cache import FastServices
from valetkey.api.fast.vending import ResponseFormat, WantedCredentials, vend
from valetkey.api.requests import decode
from valetkey.api.v1.request import read_query
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.services.vending import Vended, VendRequest
from valetkey.wire import credentials as wire
from valetkey.wire.base import Nothing

MAX_BODY: Final = 64 * 1024


async def by_body(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Answer ``POST /v1/locations/{locationId}/credentials``, once the record is durable.

    Raises what ``Vending.vend`` raises.
    """
    await _by_body(exchange, on, location_id, _JSON)


async def by_body_and_name(exchange: Exchange, on: FastServices, _: str) -> None:
    """Answer ``POST /v1/credentials``. Raises what ``Vending.vend`` and ``find_location`` raise."""
    await _by_body(exchange, on, "", _NAMED_JSON)


async def by_query(exchange: Exchange, on: FastServices, location_id: str) -> None:
    """Answer ``GET /v1/locations/{locationId}/credentials``. Raises as :func:`by_body`."""
    await vend(exchange, on, location_id, exchange.query, _CONTAINER)


async def by_query_and_name(exchange: Exchange, on: FastServices, _: str) -> None:
    """Answer ``GET /v1/container-credentials``. Raises as :func:`by_body_and_name`."""
    await vend(exchange, on, "", exchange.query, _NAMED_CONTAINER)


async def _by_body(
    exchange: Exchange, on: FastServices, location_id: str, shape: ResponseFormat
) -> None:
    exchange.refuse_key()
    if exchange.query:
        read_query(exchange.query, Nothing)
    await vend(exchange, on, location_id, await exchange.json_body(MAX_BODY), shape)


def _request(body: wire.CredentialsRequest) -> VendRequest:
    return VendRequest(
        prefixes=tuple(body.prefixes),
        levels=parse_levels(body.access),
        ttl=parse_ttl(body.ttl_seconds),
        purpose=body.purpose,
        bare=body.bare,
        versions=body.versions,
        min_ttl=timedelta(seconds=body.min_ttl_seconds),
    )


def _read(body: bytes) -> WantedCredentials:
    return WantedCredentials(_request(decode(body, wire.CredentialsRequest)))


def _read_named(body: bytes) -> WantedCredentials:
    wanted: wire.NamedCredentialsRequest = decode(body, wire.NamedCredentialsRequest)
    return WantedCredentials(_request(wanted), wanted.location)


def _container_request(query: wire.ContainerQuery) -> VendRequest:
    return VendRequest(
        prefixes=tuple(query.prefix),
        levels=parse_levels([level for level in query.access.split(",") if level]),
        ttl=parse_ttl(query.ttl),
        purpose=query.purpose,
    )


def _read_query(query: bytes) -> WantedCredentials:
    return WantedCredentials(_container_request(read_query(query, wire.ContainerQuery)))


def _read_named_query(query: bytes) -> WantedCredentials:
    wanted = read_query(query, wire.NamedContainerQuery)
    return WantedCredentials(_container_request(wanted), wanted.location)


def _write(vended: Vended) -> bytes:
    found, scope, location = vended.credentials, vended.scope, vended.location
    return msgspec.json.encode(
        wire.Credentials(
            lease_id=vended.lease_id,
            location_id=location.id,
            access_key_id=found.access_key_id,
            secret_access_key=found.secret_access_key.reveal(),
            session_token=found.session_token.reveal(),
            expires_at=found.expires_at,
            bucket=scope.bucket,
            prefixes=list(scope.prefixes),
            access=[level.value for level in AccessLevel if level in scope.levels],
            region=location.region or None,
            endpoint=vended.endpoint or None,
            requester_pays=location.requester_pays or None,
            warnings=list(vended.warnings),
        )
    )


def _write_container(vended: Vended) -> bytes:
    found = vended.credentials
    return msgspec.json.encode(
        wire.ContainerCredentials(
            access_key_id=found.access_key_id,
            secret_access_key=found.secret_access_key.reveal(),
            token=found.session_token.reveal(),
            # As AWS's clients read it: whole seconds, Z.
            expiration=found.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
    )


def _json(name: str, read: Callable[[bytes], WantedCredentials]) -> ResponseFormat:
    return ResponseFormat(name, takes_bare_token=False, read=read, write=_write)


def _container(name: str, read: Callable[[bytes], WantedCredentials]) -> ResponseFormat:
    return ResponseFormat(name, takes_bare_token=True, read=read, write=_write_container)


_JSON: Final = _json("json", _read)
_NAMED_JSON: Final = _json("named json", _read_named)
_CONTAINER: Final = _container("container", _read_query)
_NAMED_CONTAINER: Final = _container("named container", _read_named_query)
