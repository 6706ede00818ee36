"""Organisations and their members."""

from __future__ import annotations

from typing import Any, Final

from litestar import delete, get, patch, post

from valetkey.api import wire
from valetkey.domain.access import OrgRole
from valetkey.domain.errors import InvalidInput
from valetkey.domain.secret import Secret
from valetkey.services.audit import Caller
from valetkey.services.registry import Services


@get("/orgs", tags=["organisations"])
async def list_orgs(services: Services, caller: Caller) -> list[dict[str, Any]]:
    """List the caller's organisations."""
    return [wire.org_out(org) for org in await services.people.organizations(caller)]


@get("/orgs/{org_id:str}", tags=["organisations"])
async def show_org(services: Services, caller: Caller, org_id: str) -> dict[str, Any]:
    """Show an organisation with its members."""
    org = await services.people.organization(caller, org_id)
    return wire.org_out(org, list(await services.people.org_members(caller, org_id)))


@get("/orgs/{org_id:str}/members", tags=["organisations"])
async def list_members(services: Services, caller: Caller, org_id: str) -> list[dict[str, Any]]:
    """List an organisation's members."""
    return [wire.member_out(m) for m in await services.people.org_members(caller, org_id)]


async def _put(
    services: Services, caller: Caller, org_id: str, data: wire.NewMember
) -> dict[str, Any]:
    password = Secret(data.password) if data.password is not None else None
    member = await services.people.put_org_member(
        caller, org_id, data.email or data.user_id, _role(data.role), password=password
    )
    return wire.member_out(member)


@post("/orgs/{org_id:str}/members", status_code=201, tags=["organisations"])
async def add_member(
    services: Services, caller: Caller, org_id: str, data: wire.NewMember
) -> dict[str, Any]:
    """Add somebody to an organisation."""
    return await _put(services, caller, org_id, data)


@patch("/orgs/{org_id:str}/members", tags=["organisations"])
async def change_member(
    services: Services, caller: Caller, org_id: str, data: wire.NewMember
) -> dict[str, Any]:
    """Change a member's role."""
    return await _put(services, caller, org_id, data)


@delete("/orgs/{org_id:str}/members/{email:str}", tags=["organisations"])
async def remove_member(services: Services, caller: Caller, org_id: str, email: str) -> None:
    """Take somebody out of an organisation and its projects."""
    await services.people.remove_org_member(caller, org_id, email)


def _role(text: str) -> OrgRole:
    try:
        return OrgRole(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is not a role in an organisation.",
            hint=f"Use one of {', '.join(OrgRole)}.",
            field="role",
        ) from None


HANDLERS: Final = (list_orgs, show_org, list_members, add_member, change_member, remove_member)
