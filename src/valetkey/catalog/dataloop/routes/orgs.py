"""Organisations and their members."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.params import JSONBody

from valetkey.api.dependencies import Caller, Services
from valetkey.catalog.dataloop.wire.people import MemberOut, OrgMemberIn, OrgOut
from valetkey.domain.secret import Secret


@get("/orgs", tags=["organisations"])
async def list_orgs(services: Services, caller: Caller) -> list[OrgOut]:
    """List the caller's organisations."""
    return [OrgOut.of(org) for org in await services.people.organizations(caller)]


@get("/orgs/{org_id:str}", tags=["organisations"])
async def show_org(services: Services, caller: Caller, org_id: str) -> OrgOut:
    """Show an organisation with its members."""
    org = await services.people.organization(caller, org_id)
    return OrgOut.of(org, await _members(services, caller, org_id))


async def _members(services: Services, caller: Caller, org_id: str) -> list[MemberOut]:
    return [MemberOut.of(member) for member in await services.people.org_members(caller, org_id)]


@get("/orgs/{org_id:str}/members", tags=["organisations"])
async def list_members(services: Services, caller: Caller, org_id: str) -> list[MemberOut]:
    """List an organisation's members."""
    return await _members(services, caller, org_id)


async def _put(services: Services, caller: Caller, org_id: str, data: OrgMemberIn) -> MemberOut:
    password = Secret(data.password) if data.password is not None else None
    *_, (member, _) = [
        await services.people.put_org_member(
            caller, org_id, address, data.org_role, password=password
        )
        for address in data.addresses
    ]
    return MemberOut.of(member)


@post("/orgs/{org_id:str}/members", tags=["organisations"])
async def add_member(
    services: Services, caller: Caller, org_id: str, data: JSONBody[OrgMemberIn]
) -> MemberOut:
    """Add somebody to an organisation."""
    return await _put(services, caller, org_id, data)


@patch("/orgs/{org_id:str}/members", tags=["organisations"])
async def change_member(
    services: Services, caller: Caller, org_id: str, data: JSONBody[OrgMemberIn]
) -> MemberOut:
    """Change a member's role."""
    return await _put(services, caller, org_id, data)


@delete("/orgs/{org_id:str}/members/{email:str}", tags=["organisations"])
async def remove_member(services: Services, caller: Caller, org_id: str, email: str) -> None:
    """Take somebody out of an organisation and its projects."""
    await services.people.remove_org_member(caller, org_id, email)


ROUTES = (list_orgs, show_org, list_members, add_member, change_member, remove_member)
