"""Groups and their members."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.pages import part
from valetkey.api.v1.routes.endings import ending_shape
from valetkey.api.v1.routes.members import known_member
from valetkey.domain.grants import Group
from valetkey.domain.people import User
from valetkey.services.lookup import missing
from valetkey.wire import groups as wire
from valetkey.wire import leases as leases_wire
from valetkey.wire.base import Nothing, Page, Paging, Person

shape: Final = ShapeMapper(wire.Group, Group)
_person: Final = ShapeMapper(Person, User)


async def list_groups(call: ApiCall[wire.GroupsQuery, Nothing]) -> Page[wire.Group]:
    found = await call.services.grants.groups(call.caller, call["orgId"])
    wanted = [group for group in found if call.query.name in {None, group.name}]
    return part(wanted, call.query, lambda group: (group.name, group.id), shape)


async def create_group(call: ApiCall[Nothing, wire.NewGroup]) -> wire.Group:
    return shape(
        await call.services.grants.create_group(call.caller, call["orgId"], call.body.name)
    )


async def get_group(call: ApiCall[Nothing, Nothing]) -> wire.Group:
    return shape(await call.services.grants.group(call.caller, call["orgId"], call["groupId"]))


async def update_group(call: ApiCall[Nothing, wire.GroupChange]) -> wire.Group:
    grants, where = call.services.grants, (call["orgId"], call["groupId"])
    if call.body.name is msgspec.UNSET:
        return shape(await grants.group(call.caller, *where))
    return shape(await grants.rename_group(call.caller, *where, call.body.name))


async def delete_group(call: ApiCall[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await call.services.grants.delete_group(call.caller, call["orgId"], call["groupId"])
    return await ending_shape(call, ending)


async def list_group_members(call: ApiCall[Paging, Nothing]) -> Page[Person]:
    found = await call.services.grants.members(call.caller, call["orgId"], call["groupId"])
    return part(found, call.query, lambda user: (user.email, user.id), _person)


async def _email(call: ApiCall[Any, Any]) -> str:
    """Return the e-mail address of whom the path names, by it or by their id."""
    return known_member(
        await call.services.people.org_members(call.caller, call["orgId"]), call
    ).email


async def get_group_member(call: ApiCall[Nothing, Nothing]) -> Person:
    for user in await call.services.grants.members(call.caller, call["orgId"], call["groupId"]):
        if call["userId"] in {user.id, user.email}:
            return _person(user)
    raise missing(f"member:{call['userId'][:80]}")


async def put_group_member(call: ApiCall[Nothing, Nothing]) -> Person:
    email = await _email(call)
    where = (call["orgId"], call["groupId"])
    return _person(await call.services.grants.put_member(call.caller, *where, email))


async def remove_group_member(call: ApiCall[Nothing, Nothing]) -> leases_wire.Ending:
    grants, email = call.services.grants, await _email(call)
    ending = await grants.remove_member(call.caller, call["orgId"], call["groupId"], email)
    return await ending_shape(call, ending)


ROUTES: Final = (
    route(wire.LIST_GROUPS, list_groups),
    route(wire.CREATE_GROUP, create_group),
    route(wire.GET_GROUP, get_group),
    route(wire.UPDATE_GROUP, update_group),
    route(wire.DELETE_GROUP, delete_group),
    route(wire.LIST_GROUP_MEMBERS, list_group_members),
    route(wire.GET_GROUP_MEMBER, get_group_member),
    route(wire.PUT_GROUP_MEMBER, put_group_member),
    route(wire.REMOVE_GROUP_MEMBER, remove_group_member),
)
