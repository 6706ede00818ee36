"""Groups: some members of an organisation under one name."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from valetkey.wire.base import (
    Body,
    Change,
    Created,
    Id,
    Name,
    OrgId,
    Page,
    Paging,
    Person,
    Shape,
    Version,
    says,
)
from valetkey.wire.leases import Ending
from valetkey.wire.operation import Operation


class Group(Shape, frozen=True):
    """Some members of an organisation under one name, for grants."""

    id: Id
    org_id: OrgId
    name: Name
    created_at: Created
    version: Version


class NewGroup(Body, frozen=True):
    """A group to be; it has no members yet."""

    name: Name


class GroupChange(Change, frozen=True):
    """What to change of a group."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "labellers")] = msgspec.UNSET


class GroupsQuery(Paging, frozen=True):
    """Which groups."""

    name: Annotated[str | None, says("Only the one of this name.", "labellers")] = None


_ALL: Final = "/v1/orgs/{orgId}/groups"
_ONE: Final = f"{_ALL}/{{groupId}}"
_TAG: Final = "groups"

LIST_GROUPS: Final = Operation(
    id="listGroups",
    method="GET",
    path=_ALL,
    tag=_TAG,
    summary="List an organisation's groups by name.",
    query=GroupsQuery,
    result=Page[Group],
)
CREATE_GROUP: Final = Operation(
    id="createGroup",
    method="POST",
    path=_ALL,
    tag=_TAG,
    summary="Make an empty group.",
    body=NewGroup,
    result=Group,
    status=201,
    errors=("name_taken",),
    makes=True,
)
GET_GROUP: Final = Operation(
    id="getGroup",
    method="GET",
    path=_ONE,
    tag=_TAG,
    summary="Show a group.",
    result=Group,
)
UPDATE_GROUP: Final = Operation(
    id="updateGroup",
    method="PATCH",
    path=_ONE,
    tag=_TAG,
    summary="Rename a group.",
    body=GroupChange,
    result=Group,
    errors=("name_taken",),
    versioned=True,
)
DELETE_GROUP: Final = Operation(
    id="deleteGroup",
    method="DELETE",
    path=_ONE,
    tag=_TAG,
    summary="Forget a group and its grants.",
    description="The answer says what was vended to its members, where it had grants, and lives.",
    result=Ending,
    versioned=True,
)
LIST_GROUP_MEMBERS: Final = Operation(
    id="listGroupMembers",
    method="GET",
    path=f"{_ONE}/members",
    tag=_TAG,
    summary="List a group's members by e-mail address.",
    query=Paging,
    result=Page[Person],
)
GET_GROUP_MEMBER: Final = Operation(
    id="getGroupMember",
    method="GET",
    path=f"{_ONE}/members/{{userId}}",
    tag=_TAG,
    summary="Show a member of a group.",
    description="`userId` may be an e-mail address.",
    result=Person,
)
PUT_GROUP_MEMBER: Final = Operation(
    id="putGroupMember",
    method="PUT",
    path=f"{_ONE}/members/{{userId}}",
    tag=_TAG,
    summary="Put somebody of the organisation into a group.",
    description="`userId` may be an e-mail address.",
    result=Person,
    versioned=True,
)
REMOVE_GROUP_MEMBER: Final = Operation(
    id="removeGroupMember",
    method="DELETE",
    path=f"{_ONE}/members/{{userId}}",
    tag=_TAG,
    summary="Take somebody out of a group.",
    description="The answer says what was vended to them, where it has grants, and works on.",
    result=Ending,
    versioned=True,
)
OPERATIONS: Final = (
    LIST_GROUPS,
    CREATE_GROUP,
    GET_GROUP,
    UPDATE_GROUP,
    DELETE_GROUP,
    LIST_GROUP_MEMBERS,
    GET_GROUP_MEMBER,
    PUT_GROUP_MEMBER,
    REMOVE_GROUP_MEMBER,
)
