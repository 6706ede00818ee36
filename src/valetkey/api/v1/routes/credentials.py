"""Temporary credentials and presigned URLs.

What programs ask for all day by a location's id is answered by :mod:`valetkey.api.fast`, in the
same shapes, before it comes here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import msgspec

from valetkey.api.v1.asking import Ask, Lines, route
from valetkey.api.v1.routes.locations import levels
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.errors import Conflict
from valetkey.domain.ids import is_id
from valetkey.domain.presign import Method
from valetkey.domain.scope import parse_levels
from valetkey.services.audit import Caller
from valetkey.services.guard import missing
from valetkey.services.registry import Services
from valetkey.services.vending import PresignRequest, Vended, VendRequest
from valetkey.services.vending.presigning import Presigned
from valetkey.wire import credentials as wire
from valetkey.wire.base import Nothing


def vend_request(body: wire.CredentialsRequest) -> VendRequest:
    """Return the request as the service takes it. Raises InvalidInput."""
    return VendRequest(
        prefixes=tuple(body.prefixes),
        levels=parse_levels(body.access),
        ttl=parse_ttl(body.ttl_seconds),
        purpose=body.purpose,
        bare=body.bare,
        versions=body.versions,
    )


def container_request(query: wire.ContainerQuery) -> VendRequest:
    """Return the request as the service takes it. Raises InvalidInput."""
    return VendRequest(
        prefixes=tuple(query.prefix),
        levels=parse_levels([level for level in query.access.split(",") if level]),
        ttl=parse_ttl(query.ttl),
        purpose=query.purpose,
    )


def credentials(vended: Vended) -> wire.Credentials:
    """Return a credential's shape."""
    found, scope, location = vended.credentials, vended.scope, vended.location
    return wire.Credentials(
        lease_id=vended.lease_id,
        location_id=location.id,
        access_key_id=found.access_key_id,
        secret_access_key=found.secret_access_key.reveal(),
        session_token=found.session_token.reveal(),
        expires_at=found.expires_at,
        bucket=scope.bucket,
        prefixes=list(scope.prefixes),
        access=[level.value for level in levels(scope.levels)],
        region=location.region or None,
        endpoint=vended.endpoint or None,
    )


def container_credentials(vended: Vended) -> wire.ContainerCredentials:
    """Return a credential in the shape of AWS's container contract: whole seconds, Z."""
    found = vended.credentials
    return wire.ContainerCredentials(
        access_key_id=found.access_key_id,
        secret_access_key=found.secret_access_key.reveal(),
        token=found.session_token.reveal(),
        expiration=found.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def presign_request(body: wire.PresignRequest) -> PresignRequest:
    """Return the request as the service takes it."""
    return PresignRequest(
        keys=body.keys,
        method=Method(body.method),
        expires=timedelta(seconds=body.expires_seconds),
        disposition=body.disposition,
        version_ids=body.version_ids,
        purpose=body.purpose,
    )


async def find_location(services: Services, caller: Caller, location: str) -> str:
    """Return the id of the location that has this id, or this name among all that the caller may
    see. Raises NotFound, Conflict (several have the name)."""
    if is_id(location):
        return location
    found = await services.locations.visible(caller, name=location)
    if not found:
        raise missing(f"location:{location[:80]}")
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} locations have the name {location[:80]!r}.",
            hint="Use the id: " + ", ".join(each.id for each in found[:5]) + ".",
            code="name_ambiguous",
            field="location",
        )
    return found[0].id


async def create_credentials(ask: Ask[Nothing, wire.CredentialsRequest]) -> wire.Credentials:
    request = vend_request(ask.body)
    vended = await ask.services.vending.vend(ask.caller, ask["locationId"], request)
    return credentials(vended)


async def create_credentials_by_name(
    ask: Ask[Nothing, wire.NamedCredentialsRequest],
) -> wire.Credentials:
    request = vend_request(ask.body)
    location_id = await find_location(ask.services, ask.caller, ask.body.location)
    vended = await ask.services.vending.vend(ask.caller, location_id, request)
    return credentials(vended)


async def get_container_credentials(
    ask: Ask[wire.ContainerQuery, Nothing],
) -> wire.ContainerCredentials:
    vended = await ask.services.vending.vend(
        ask.caller, ask["locationId"], container_request(ask.query)
    )
    return container_credentials(vended)


async def get_container_credentials_by_name(
    ask: Ask[wire.NamedContainerQuery, Nothing],
) -> wire.ContainerCredentials:
    request = container_request(ask.query)
    location_id = await find_location(ask.services, ask.caller, ask.query.location)
    return container_credentials(await ask.services.vending.vend(ask.caller, location_id, request))


async def presign(ask: Ask[Nothing, wire.PresignRequest]) -> Lines:
    request = presign_request(ask.body)
    made = await ask.services.presigning.presign(ask.caller, ask["locationId"], request)
    return Lines(_urls(made))


async def _urls(made: Presigned) -> AsyncIterator[bytes]:
    async for keys, urls in made.pieces():
        for key, url in zip(keys, urls, strict=True):
            line = wire.PresignedUrl(key=key, url=url, expires_at=made.expires_at)
            yield msgspec.json.encode(line) + b"\n"


ROUTES: Final = (
    route(wire.CREATE_CREDENTIALS, create_credentials),
    route(wire.CREATE_CREDENTIALS_BY_NAME, create_credentials_by_name),
    route(wire.GET_CONTAINER_CREDENTIALS, get_container_credentials),
    route(wire.GET_CONTAINER_CREDENTIALS_BY_NAME, get_container_credentials_by_name),
    route(wire.PRESIGN, None, lines=presign),
)
