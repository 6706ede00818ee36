"""Organisations, and who belongs to them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.shaping import Shaping
from valetkey.api.v1.asking import Ask, route
from valetkey.api.v1.pages import part
from valetkey.api.v1.routes.endings import departure_shape, living
from valetkey.api.v1.routes.members import find_member, known_member
from valetkey.domain import people as domain
from valetkey.domain.access import OrgRole, Principal
from valetkey.domain.errors import Conflict
from valetkey.domain.secret import Secret
from valetkey.wire import orgs as wire
from valetkey.wire.base import Nothing, Page, Paging

_org_shape: Final = Shaping(wire.Org, domain.Organization, added=("role",))
_org_member: Final = Shaping(
    wire.OrgMember,
    domain.OrgMember,
    named={"id": "user_id"},
    added=("live_leases", "live_until"),
)


def _org(principal: Principal, org: domain.Organization) -> wire.Org:
    role = principal.org_roles.get(org.id)
    return _org_shape(org, role=role.value if role is not None else None)


async def list_orgs(ask: Ask[Paging, Nothing]) -> Page[wire.Org]:
    found = await ask.services.people.organizations(ask.caller)
    principal = ask.caller.principal
    return part(found, ask.query, lambda org: (org.name, org.id), lambda org: _org(principal, org))


async def get_org(ask: Ask[Nothing, Nothing]) -> wire.Org:
    found = await ask.services.people.organization(ask.caller, ask["orgId"])
    return _org(ask.caller.principal, found)


async def update_org(ask: Ask[Nothing, wire.OrgChange]) -> wire.Org:
    name = None if ask.body.name is msgspec.UNSET else ask.body.name
    changed = await ask.services.people.update_org(ask.caller, ask["orgId"], name=name)
    return _org(ask.caller.principal, changed)


async def list_org_members(ask: Ask[Paging, Nothing]) -> Page[wire.OrgMember]:
    found = await ask.services.people.org_members(ask.caller, ask["orgId"])
    return part(found, ask.query, lambda each: (each.email, each.user_id), _org_member)


async def _known_org_member(ask: Ask[Any, Any]) -> domain.OrgMember:
    return known_member(await ask.services.people.org_members(ask.caller, ask["orgId"]), ask)


async def add_org_member(ask: Ask[Nothing, wire.NewOrgMember]) -> wire.OrgMember:
    body = ask.body
    password = Secret(body.password) if body.password is not None else None
    may_tell = ask.caller.principal.org_roles.get(ask["orgId"]) is OrgRole.OWNER
    members = await ask.services.people.org_members(ask.caller, ask["orgId"]) if may_tell else ()
    if body.email.strip().lower() in {each.email for each in members}:
        raise Conflict(
            f"{body.email.strip().lower()} belongs to the organisation already.",
            hint="Change their role instead.",
            code="name_taken",
            field="email",
        )
    added, _ = await ask.services.people.put_org_member(
        ask.caller,
        ask["orgId"],
        body.email,
        OrgRole(body.role),
        password=password,
        by_link=body.by_link,
    )
    return _org_member(added)


async def get_org_member(ask: Ask[Nothing, Nothing]) -> wire.OrgMember:
    return _org_member(await _known_org_member(ask))


async def update_org_member(ask: Ask[Nothing, wire.OrgMemberChange]) -> wire.OrgMember:
    known = await _known_org_member(ask)
    changed, ending = await ask.services.people.put_org_member(
        ask.caller,
        known.org_id,
        known.email,
        OrgRole(ask.body.role),
    )
    return _org_member(changed, **living(ending))


async def remove_org_member(ask: Ask[Nothing, Nothing]) -> wire.Departure:
    left = await ask.services.people.remove_org_member(ask.caller, ask["orgId"], ask["userId"])
    return departure_shape(left)


async def create_password_link(ask: Ask[Nothing, wire.NewPasswordLink]) -> wire.PasswordLink:
    links, org_id = ask.services.password_links, ask["orgId"]
    link, secret = await links.create(ask.caller, org_id, ask.body.email)
    path = f"/console/password?link={secret.reveal()}"
    return wire.PasswordLink(path=path, created_at=link.created_at, expires_at=link.expires_at)


async def use_password_link(ask: Ask[Nothing, wire.PasswordLinkUse]) -> Nothing:
    await ask.services.password_links.use(
        ask.body.link,
        Secret(ask.body.password),
        source=ask.caller.source,
        request_id=ask.caller.request_id,
    )
    return Nothing()


async def _org_member_now(work: Any, ask: Ask[Any, Any]) -> wire.OrgMember | None:
    found = find_member(await work.organizations.members(ask["orgId"]), ask)
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
