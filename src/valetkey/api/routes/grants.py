"""Grants on drivers, and groups of people."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import JSONBody

from valetkey.api.dependencies import Caller, Services
from valetkey.api.wire.grants import (
    GrantIn,
    GrantOut,
    GroupIn,
    GroupMemberIn,
    GroupMemberOut,
    GroupOut,
)


@get("/drivers/{location_id:str}/grants", tags=["grants"])
async def list_grants(services: Services, caller: Caller, location_id: str) -> list[GrantOut]:
    """List a driver's grants, oldest first."""
    return [GrantOut.of(grant) for grant in await services.grants.of_location(caller, location_id)]


@post("/drivers/{location_id:str}/grants", tags=["grants"])
async def create_grant(
    services: Services, caller: Caller, location_id: str, data: JSONBody[GrantIn]
) -> GrantOut:
    """Grant folders and levels of a driver to a user or a group, whatever their role."""
    return GrantOut.of(await services.grants.create(caller, location_id, data.new))


@delete("/drivers/{location_id:str}/grants/{grant_id:str}", tags=["grants"])
async def delete_grant(services: Services, caller: Caller, location_id: str, grant_id: str) -> None:
    """Take a grant back; what was cached for it is forgotten at once."""
    await services.grants.delete(caller, location_id, grant_id)


@get("/orgs/{org_id:str}/groups", tags=["grants"])
async def list_groups(services: Services, caller: Caller, org_id: str) -> list[GroupOut]:
    """List an organisation's groups by name."""
    return [GroupOut.of(group) for group in await services.grants.groups(caller, org_id)]


@post("/orgs/{org_id:str}/groups", tags=["grants"])
async def create_group(
    services: Services, caller: Caller, org_id: str, data: JSONBody[GroupIn]
) -> GroupOut:
    """Make an empty group."""
    return GroupOut.of(await services.grants.create_group(caller, org_id, data.name))


@delete("/orgs/{org_id:str}/groups/{group_id:str}", tags=["grants"])
async def delete_group(services: Services, caller: Caller, org_id: str, group_id: str) -> None:
    """Forget a group and its grants."""
    await services.grants.delete_group(caller, org_id, group_id)


@get("/orgs/{org_id:str}/groups/{group_id:str}/members", tags=["grants"])
async def list_group_members(
    services: Services, caller: Caller, org_id: str, group_id: str
) -> list[GroupMemberOut]:
    """List a group's members."""
    members = await services.grants.members(caller, org_id, group_id)
    return [GroupMemberOut.of(user) for user in members]


@post("/orgs/{org_id:str}/groups/{group_id:str}/members", status_code=200, tags=["grants"])
async def put_group_member(
    services: Services, caller: Caller, org_id: str, group_id: str, data: JSONBody[GroupMemberIn]
) -> GroupMemberOut:
    """Put somebody of the organisation into a group."""
    user = await services.grants.put_member(caller, org_id, group_id, data.email)
    return GroupMemberOut.of(user)


@delete("/orgs/{org_id:str}/groups/{group_id:str}/members/{email:str}", tags=["grants"])
async def remove_group_member(
    services: Services, caller: Caller, org_id: str, group_id: str, email: str
) -> None:
    """Take somebody out of a group."""
    await services.grants.remove_member(caller, org_id, group_id, email)


ROUTES = (
    list_grants,
    create_grant,
    delete_grant,
    list_groups,
    create_group,
    delete_group,
    list_group_members,
    put_group_member,
    remove_group_member,
)
