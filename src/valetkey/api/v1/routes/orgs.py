"""Organisations, and who belongs to them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.pages import part
from valetkey.api.v1.routes.endings import departure_shape, living
from valetkey.api.v1.routes.members import find_member, known_member
from valetkey.domain import people as domain
from valetkey.domain.access import OrgRole, Principal
from valetkey.domain.errors import Conflict
from valetkey.domain.secret import Secret
from valetkey.wire import orgs as wire
from valetkey.wire.base import Nothing, Page, Paging

_org_shape: Final = ShapeMapper(wire.Org, domain.Organization, added=("role",))
_org_member: Final = ShapeMapper(
    wire.OrgMember,
    domain.OrgMember,
    named={"id": "user_id"},
    added=("live_leases", "live_until"),
)


def _org(principal: Principal, org: domain.Organization) -> wire.Org:
    role = principal.org_roles.get(org.id)
    return _org_shape(org, role=role.value if role is not None else None)


async def list_orgs(call: ApiCall[Paging, Nothing]) -> Page[wire.Org]:
    found = await call.services.people.organizations(call.caller)
    principal = call.caller.principal
    return part(found, call.query, lambda org: (org.name, org.id), lambda org: _org(principal, org))


async def get_org(call: ApiCall[Nothing, Nothing]) -> wire.Org:
    found = await call.services.people.organization(call.caller, call["orgId"])
    return _org(call.caller.principal, found)


async def update_org(call: ApiCall[Nothing, wire.OrgChange]) -> wire.Org:
    name = None if call.body.name is msgspec.UNSET else call.body.name
    changed = await call.services.people.update_org(call.caller, call["orgId"], name=name)
    return _org(call.caller.principal, changed)


async def list_org_members(call: ApiCall[Paging, Nothing]) -> Page[wire.OrgMember]:
    found = await call.services.people.org_members(call.caller, call["orgId"])
    return part(found, call.query, lambda each: (each.email, each.user_id), _org_member)


async def _known_org_member(call: ApiCall[Any, Any]) -> domain.OrgMember:
    return known_member(await call.services.people.org_members(call.caller, call["orgId"]), call)


async def add_org_member(call: ApiCall[Nothing, wire.NewOrgMember]) -> wire.OrgMember:
    body = call.body
    password = Secret(body.password) if body.password is not None else None
    may_tell = call.caller.principal.org_roles.get(call["orgId"]) is OrgRole.OWNER
    members = await call.services.people.org_members(call.caller, call["orgId"]) if may_tell else ()
    if body.email.strip().lower() in {each.email for each in members}:
        raise Conflict(
            f"{body.email.strip().lower()} belongs to the organisation already.",
            hint="Change their role instead.",
            code="name_taken",
            field="email",
        )
    added, _ = await call.services.people.put_org_member(
        call.caller,
        call["orgId"],
        body.email,
        OrgRole(body.role),
        password=password,
        by_link=body.by_link,
    )
    return _org_member(added)


async def get_org_member(call: ApiCall[Nothing, Nothing]) -> wire.OrgMember:
    return _org_member(await _known_org_member(call))


async def update_org_member(call: ApiCall[Nothing, wire.OrgMemberChange]) -> wire.OrgMember:
    known = await _known_org_member(call)
    changed, ending = await call.services.people.put_org_member(
        call.caller,
        known.org_id,
        known.email,
        OrgRole(call.body.role),
    )
    return _org_member(changed, **living(ending))


async def remove_org_member(call: ApiCall[Nothing, Nothing]) -> wire.Departure:
    left = await call.services.people.remove_org_member(call.caller, call["orgId"], call["userId"])
    return departure_shape(left)


async def create_password_link(call: ApiCall[Nothing, wire.NewPasswordLink]) -> wire.PasswordLink:
    links, org_id = call.services.password_links, call["orgId"]
    link, secret = await links.create(call.caller, org_id, call.body.email)
    path = f"/console/password?link={secret.reveal()}"
    return wire.PasswordLink(path=path, created_at=link.created_at, expires_at=link.expires_at)


async def use_password_link(call: ApiCall[Nothing, wire.PasswordLinkUse]) -> Nothing:
    await call.services.password_links.use(
        call.body.link,
        Secret(call.body.password),
        source=call.caller.source,
        request_id=call.caller.request_id,
    )
    return Nothing()


async def _org_member_now(work: Any, call: ApiCall[Any, Any]) -> wire.OrgMember | None:
    found = find_member(await work.organizations.members(call["orgId"]), call)
    return _org_member(found) if found is not None else None


ROUTES: Final = (
    route(wire.LIST_ORGS, list_orgs),
    route(wire.GET_ORG, get_org),
    route(wire.UPDATE_ORG, update_org),
    route(wire.LIST_ORG_MEMBERS, list_org_members),
    route(wire.ADD_ORG_MEMBER, add_org_member),
    route(wire.GET_ORG_MEMBER, get_org_member, now=_org_member_now),
    route(wire.UPDATE_ORG_MEMBER, update_org_member),
    route(wire.REMOVE_ORG_MEMBER, remove_org_member),
    route(wire.CREATE_PASSWORD_LINK, create_password_link),
    route(wire.USE_PASSWORD_LINK, use_password_link),
)
