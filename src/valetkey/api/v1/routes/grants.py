"""Grants on locations."""

from __future__ import annotations

from typing import Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.pages import part
from valetkey.api.v1.routes.endings import ending_shape
from valetkey.domain import grants as domain
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.errors import InvalidInput
from valetkey.domain.scope import parse_levels
from valetkey.services.grants import NewGrant
from valetkey.wire import grants as wire
from valetkey.wire import leases as leases_wire
from valetkey.wire.base import Nothing, Page, Paging

_grantee: Final = ShapeMapper(wire.Grantee, domain.Grant, within="subject_")
_shape: Final = ShapeMapper(
    wire.Grant,
    domain.Grant,
    named={"access": "levels", "max_ttl_seconds": "max_ttl"},
    added=("grantee",),
)


def shape(grant: domain.Grant) -> wire.Grant:
    """Return a grant's shape."""
    return _shape(grant, grantee=_grantee(grant))


async def list_grants(call: ApiCall[Paging, Nothing]) -> Page[wire.Grant]:
    found = await call.services.grants.of_location(call.caller, call["locationId"])
    return part(found, call.query, lambda grant: ("", grant.id), shape)


async def create_grant(call: ApiCall[Nothing, wire.NewGrant]) -> wire.Grant:
    body = call.body
    if bool(body.user) == bool(body.group):
        raise InvalidInput(
            "A grant is for one person or for one group.",
            hint="Give either 'user' or 'group'.",
            field="user",
        )
    new = NewGrant(
        subject_kind=domain.SubjectKind.USER if body.user else domain.SubjectKind.GROUP,
        subject=body.user or body.group or "",
        prefixes=tuple(body.prefixes),
        levels=parse_levels(body.access),
        max_ttl=parse_ttl(body.max_ttl_seconds),
        ends_at=body.ends_at,
        reason=body.reason or "",
    )
    return shape(await call.services.grants.create(call.caller, call["locationId"], new))


async def get_grant(call: ApiCall[Nothing, Nothing]) -> wire.Grant:
    return shape(await call.services.grants.get(call.caller, call["locationId"], call["grantId"]))


async def delete_grant(call: ApiCall[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await call.services.grants.delete(call.caller, call["locationId"], call["grantId"])
    return await ending_shape(call, ending)


ROUTES: Final = (
    route(wire.LIST_GRANTS, list_grants),
    route(wire.CREATE_GRANT, create_grant),
    route(wire.GET_GRANT, get_grant),
    route(wire.DELETE_GRANT, delete_grant),
)
