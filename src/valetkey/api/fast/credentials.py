"""Temporary credentials, as JSON (``POST``) and as AWS's SDKs fetch them from a container endpoint
(``GET``), by a location's id or name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec

from valetkey.api.fast.vending import ResponseFormat, WantedCredentials
from valetkey.api.requests import decode
from valetkey.api.v1.request import read_query
from valetkey.domain.credentials import parse_optional_ttl
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.services.vending import Vended, VendRequest
from valetkey.wire import credentials as wire


def _request(body: wire.CredentialsRequest) -> VendRequest:
    return VendRequest(
        prefixes=tuple(body.prefixes),
        levels=parse_levels(body.access),
        ttl=parse_optional_ttl(body.ttl_seconds),
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
        ttl=parse_optional_ttl(query.ttl),
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


def _json(read: Callable[[bytes], WantedCredentials]) -> ResponseFormat:
    return ResponseFormat(is_query=False, takes_bare_token=False, read=read, write=_write)


def _container(read: Callable[[bytes], WantedCredentials]) -> ResponseFormat:
    return ResponseFormat(is_query=True, takes_bare_token=True, read=read, write=_write_container)


#: ``POST /v1/locations/{locationId}/credentials`` and ``POST /v1/credentials``.
JSON_BY_ID: Final = _json(_read)
JSON_BY_NAME: Final = _json(_read_named)
#: ``GET /v1/locations/{locationId}/credentials`` and ``GET /v1/container-credentials``.
CONTAINER_BY_ID: Final = _container(_read_query)
CONTAINER_BY_NAME: Final = _container(_read_named_query)
