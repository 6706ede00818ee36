"""Grants on locations."""

from __future__ import annotations

from typing import Final

from valetkey.api.shaping import Shaping
from valetkey.api.v1.asking import Ask, route
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

_grantee: Final = Shaping(wire.Grantee, domain.Grant, within="subject_")
_shape: Final = Shaping(
    wire.Grant,
    domain.Grant,
    named={"access": "levels", "max_ttl_seconds": "max_ttl"},
    added=("grantee",),
)


def shape(grant: domain.Grant) -> wire.Grant:
    """Return a grant's shape."""
    return _shape(grant, grantee=_grantee(grant))


async def list_grants(ask: Ask[Paging, Nothing]) -> Page[wire.Grant]:
    found = await ask.services.grants.of_location(ask.caller, ask["locationId"])
    return part(found, ask.query, lambda grant: ("", grant.id), shape)


async def create_grant(ask: Ask[Nothing, wire.NewGrant]) -> wire.Grant:
    body = ask.body
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
    return shape(await ask.services.grants.create(ask.caller, ask["locationId"], new))


async def get_grant(ask: Ask[Nothing, Nothing]) -> wire.Grant:
    return shape(await ask.services.grants.get(ask.caller, ask["locationId"], ask["grantId"]))


async def delete_grant(ask: Ask[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await ask.services.grants.delete(ask.caller, ask["locationId"], ask["grantId"])
    return await ending_shape(ask, ending)


ROUTES: Final = (
    route(wire.LIST_GRANTS, list_grants),
    route(wire.CREATE_GRANT, create_grant),
    route(wire.GET_GRANT, get_grant),
    route(wire.DELETE_GRANT, delete_grant),
)
