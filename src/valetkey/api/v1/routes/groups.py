"""Groups and their members."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from valetkey.api.shaping import Shaping
from valetkey.api.v1.asking import Ask, route
from valetkey.api.v1.pages import part
from valetkey.api.v1.routes.endings import ending_shape
from valetkey.api.v1.routes.members import known_member
from valetkey.domain.grants import Group
from valetkey.domain.people import User
from valetkey.services.lookup import missing
from valetkey.wire import groups as wire
from valetkey.wire import leases as leases_wire
from valetkey.wire.base import Nothing, Page, Paging, Person

shape: Final = Shaping(wire.Group, Group)
_person: Final = Shaping(Person, User)


async def list_groups(ask: Ask[wire.GroupsQuery, Nothing]) -> Page[wire.Group]:
    found = await ask.services.grants.groups(ask.caller, ask["orgId"])
    wanted = [group for group in found if ask.query.name in {None, group.name}]
    return part(wanted, ask.query, lambda group: (group.name, group.id), shape)


async def create_group(ask: Ask[Nothing, wire.NewGroup]) -> wire.Group:
    return shape(await ask.services.grants.create_group(ask.caller, ask["orgId"], ask.body.name))


async def get_group(ask: Ask[Nothing, Nothing]) -> wire.Group:
    return shape(await ask.services.grants.group(ask.caller, ask["orgId"], ask["groupId"]))


async def update_group(ask: Ask[Nothing, wire.GroupChange]) -> wire.Group:
    grants, where = ask.services.grants, (ask["orgId"], ask["groupId"])
    if ask.body.name is msgspec.UNSET:
        return shape(await grants.group(ask.caller, *where))
    return shape(await grants.rename_group(ask.caller, *where, ask.body.name))


async def delete_group(ask: Ask[Nothing, Nothing]) -> leases_wire.Ending:
    ending = await ask.services.grants.delete_group(ask.caller, ask["orgId"], ask["groupId"])
    return await ending_shape(ask, ending)


async def list_group_members(ask: Ask[Paging, Nothing]) -> Page[Person]:
    found = await ask.services.grants.members(ask.caller, ask["orgId"], ask["groupId"])
    return part(found, ask.query, lambda user: (user.email, user.id), _person)


async def _email(ask: Ask[Any, Any]) -> str:
    """Return the e-mail address of whom the path names, by it or by their id."""
    return known_member(await ask.services.people.org_members(ask.caller, ask["orgId"]), ask).email


async def get_group_member(ask: Ask[Nothing, Nothing]) -> Person:
    for user in await ask.services.grants.members(ask.caller, ask["orgId"], ask["groupId"]):
        if ask["userId"] in {user.id, user.email}:
            return _person(user)
    raise missing(f"member:{ask['userId'][:80]}")


async def put_group_member(ask: Ask[Nothing, Nothing]) -> Person:
    email = await _email(ask)
    where = (ask["orgId"], ask["groupId"])
    return _person(await ask.services.grants.put_member(ask.caller, *where, email))


async def remove_group_member(ask: Ask[Nothing, Nothing]) -> leases_wire.Ending:
    grants, email = ask.services.grants, await _email(ask)
    ending = await grants.remove_member(ask.caller, ask["orgId"], ask["groupId"], email)
    return await ending_shape(ask, ending)


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
