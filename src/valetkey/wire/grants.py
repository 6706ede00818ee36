"""Grants: what people, and groups of them, may have of a location."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Access,
    Body,
    Created,
    Id,
    LocationId,
    MadeBy,
    Moment,
    Page,
    Paging,
    Prefixes,
    Shape,
    moment_meta,
    says,
)
from valetkey.wire.leases import Ending
from valetkey.wire.operation import Operation


class Grantee(Shape, frozen=True):
    """Whom a grant is for."""

    kind: Annotated[Literal["user", "group"], says("A person, or a group.", "user")]
    id: Annotated[str, says("Their id.", ID)]
    name: Annotated[
        str, says("The person's e-mail address, or the group's name.", "grace@example.com")
    ]


class Grant(Shape, frozen=True):
    """What a person or a group may have of a location, whatever their role."""

    id: Id
    location_id: LocationId
    grantee: Annotated[Grantee, says("Whom it is for.")]
    prefixes: Prefixes
    access: Access
    max_ttl_seconds: Annotated[int, says("The longest life of a credential.", 3600)]
    creator: MadeBy
    created_at: Created
    ends_at: Annotated[Moment | None, moment_meta("When it ends.")] = None
    reason: Annotated[str | None, says("Why it was given.", "labelling, until March")] = None


class NewGrant(Body, frozen=True):
    """A grant to be, for a person or for a group."""

    prefixes: Prefixes
    access: Access
    user: Annotated[
        str | None, says("The e-mail address of whom it is for.", "grace@example.com")
    ] = None
    group: Annotated[str | None, says("Or the name or the id of the group.", "labellers")] = None
    max_ttl_seconds: Annotated[
        int, says("The longest life of a credential.", 3600, ge=900, le=43200)
    ] = 43200
    ends_at: Annotated[Moment | None, moment_meta("When it ends; left out: never.")] = None
    reason: Annotated[
        Annotated[str, msgspec.Meta(max_length=500)] | None,
        says("Why it is given.", "labelling, until March"),
    ] = None


_ALL: Final = "/v1/locations/{locationId}/grants"
_ONE: Final = f"{_ALL}/{{grantId}}"

LIST_GRANTS: Final = Operation(
    id="listGrants",
    method="GET",
    path=_ALL,
    tag="grants",
    summary="List a location's grants, oldest first.",
    query=Paging,
    result=Page[Grant],
)
CREATE_GRANT: Final = Operation(
    id="createGrant",
    method="POST",
    path=_ALL,
    tag="grants",
    summary="Grant folders of a location to a person or a group.",
    body=NewGrant,
    result=Grant,
    status=201,
    makes=True,
)
GET_GRANT: Final = Operation(
    id="getGrant",
    method="GET",
    path=_ONE,
    tag="grants",
    summary="Show a grant.",
    result=Grant,
)
DELETE_GRANT: Final = Operation(
    id="deleteGrant",
    method="DELETE",
    path=_ONE,
    tag="grants",
    summary="Take a grant back; what was cached for it is forgotten at once.",
    description="The answer says what was vended of the location to whom it was for, and works on.",
    result=Ending,
    versioned=True,
)
OPERATIONS: Final = (LIST_GRANTS, CREATE_GRANT, GET_GRANT, DELETE_GRANT)
