"""Organisations, and who belongs to them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Body,
    Change,
    Created,
    Id,
    Moment,
    Name,
    OrgId,
    Page,
    Paging,
    Person,
    Shape,
    Version,
    moment_meta,
    says,
)
from valetkey.wire.leases import LiveLeases, LiveUntil
from valetkey.wire.operation import Operation

OrgRole = Literal["owner", "member"]
Email = Annotated[str, says("An e-mail address.", "ada@example.com", min_length=3, max_length=254)]
RoleInOrg = Annotated[
    OrgRole,
    says(
        "`owner` manages integrations, people and records; `member` has what projects give.",
        "member",
    ),
]


class Org(Shape, frozen=True):
    """An organisation: the owner of integrations, groups and projects."""

    id: Id
    name: Name
    created_at: Created
    version: Version
    role: Annotated[OrgRole | None, says("The caller's own role in it.", "owner")] = None


class OrgChange(Change, frozen=True):
    """What to change of an organisation."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "Acme Robotics")] = msgspec.UNSET


class OrgMember(Shape, frozen=True):
    """Somebody in an organisation."""

    observed: ClassVar = ("live_leases", "live_until")

    id: Annotated[str, says("The person's id.", ID)]
    email: Email
    role: RoleInOrg
    org_id: OrgId
    live_leases: LiveLeases = None
    live_until: LiveUntil = None


class NewOrgMember(Body, frozen=True):
    """Somebody who is to belong to an organisation."""

    email: Email
    role: RoleInOrg
    password: Annotated[
        str | None,
        says("A first password, for somebody who is new to the server.", "correct horse battery"),
    ] = None

    by_link: Annotated[
        bool,
        says("They have no password until they use a password link, which is made next.", True),
    ] = False

    def __repr__(self) -> str:
        return f"<NewOrgMember {self.email!r}>"


class Remaining(Shape, frozen=True):
    """What lives on after somebody has left, and until when."""

    kind: Annotated[
        Literal["lease", "revocation", "token"],
        says(
            "`lease`: an AWS session. `revocation`: AWS sessions whose end AWS has not confirmed. "
            "`token`: a service account's token that they made.",
            "lease",
        ),
    ]
    id: Id
    until: Annotated[Moment, moment_meta("Until when it lives.")]
    reason: Annotated[str, says("Why it could not be ended.", "AWS does not answer.")]


class Departure(Shape, frozen=True):
    """What ended with a membership or a service account, and what could not be ended."""

    person: Annotated[Person, says("Who left, or the service account.")]
    tokens: Annotated[int, says("How many API tokens of theirs were revoked.", 2)]
    sessions: Annotated[int, says("How many sessions of the console were ended.", 1)]
    leases: Annotated[int, says("How many AWS sessions were revoked.", 3)]
    remaining: Annotated[list[Remaining], says("What lives on.")]


class NewPasswordLink(Body, frozen=True):
    """Whom a password link is for."""

    email: Email


class PasswordLink(Shape, frozen=True):
    """A link that sets a password, once."""

    path: Annotated[
        str,
        says(
            "The link, below the server's own address: to be handed to nobody else.",
            "/console/password?link=vkl_...",
        ),
    ]
    created_at: Created
    expires_at: Annotated[Moment, moment_meta("When it ends.")]

    def __repr__(self) -> str:
        return "<PasswordLink>"


class PasswordLinkUse(Body, frozen=True):
    """A one-time link, and the password that is set with it."""

    link: Annotated[
        str,
        says("What follows `link=` in the link.", "vkl_EXAMPLE", min_length=1, max_length=200),
    ]
    password: Annotated[str, says("The new password.", "correct horse battery", max_length=1000)]

    def __repr__(self) -> str:
        return "<PasswordLinkUse>"


class OrgMemberChange(Change, frozen=True):
    """What to change of somebody's membership."""

    role: Annotated[OrgRole, says("Another role.", "owner")]


_ORG: Final = "/v1/orgs/{orgId}"

LIST_ORGS: Final = Operation(
    id="listOrgs",
    method="GET",
    path="/v1/orgs",
    tag="orgs",
    summary="List the organisations that the caller belongs to.",
    query=Paging,
    result=Page[Org],
)
GET_ORG: Final = Operation(
    id="getOrg",
    method="GET",
    path=_ORG,
    tag="orgs",
    summary="Show an organisation.",
    result=Org,
)
UPDATE_ORG: Final = Operation(
    id="updateOrg",
    method="PATCH",
    path=_ORG,
    tag="orgs",
    summary="Rename an organisation.",
    body=OrgChange,
    result=Org,
    versioned=True,
)
LIST_ORG_MEMBERS: Final = Operation(
    id="listOrgMembers",
    method="GET",
    path=f"{_ORG}/members",
    tag="orgs",
    summary="List an organisation's members by e-mail address.",
    query=Paging,
    result=Page[OrgMember],
)
ADD_ORG_MEMBER: Final = Operation(
    id="addOrgMember",
    method="POST",
    path=f"{_ORG}/members",
    tag="orgs",
    summary="Add somebody to an organisation.",
    body=NewOrgMember,
    result=OrgMember,
    status=201,
    errors=("last_owner",),
    makes=True,
)
GET_ORG_MEMBER: Final = Operation(
    id="getOrgMember",
    method="GET",
    path=f"{_ORG}/members/{{userId}}",
    tag="orgs",
    summary="Show somebody's membership of an organisation.",
    result=OrgMember,
)
UPDATE_ORG_MEMBER: Final = Operation(
    id="updateOrgMember",
    method="PATCH",
    path=f"{_ORG}/members/{{userId}}",
    tag="orgs",
    summary="Change somebody's role in an organisation.",
    description="Of an owner who steps down, the answer says what was vended to them that no role "
    "of theirs gives any more, and works on.",
    body=OrgMemberChange,
    result=OrgMember,
    errors=("last_owner",),
    versioned=True,
)
REMOVE_ORG_MEMBER: Final = Operation(
    id="removeOrgMember",
    method="DELETE",
    path=f"{_ORG}/members/{{userId}}",
    tag="orgs",
    summary="Take somebody out: roles, grants, tokens, sign-ins and AWS sessions end.",
    description="The answer names what could not be ended, and until when it lives.",
    result=Departure,
    errors=("last_owner",),
    versioned=True,
)
CREATE_PASSWORD_LINK: Final = Operation(
    id="createPasswordLink",
    method="POST",
    path=f"{_ORG}/password-links",
    tag="orgs",
    summary="Make a one-time link for a member who has no password, or forgot it.",
    body=NewPasswordLink,
    result=PasswordLink,
    status=201,
    makes=True,
    secret=True,
)
USE_PASSWORD_LINK: Final = Operation(
    id="usePasswordLink",
    hashes=True,
    method="POST",
    path="/v1/password-links/use",
    tag="accounts",
    summary="Set a password with a one-time link; it is used up, and all earlier logins end.",
    body=PasswordLinkUse,
    status=204,
    errors=("denied", "changed_meanwhile"),
    public=True,
)
OPERATIONS: Final = (
    LIST_ORGS,
    GET_ORG,
    UPDATE_ORG,
    LIST_ORG_MEMBERS,
    ADD_ORG_MEMBER,
    GET_ORG_MEMBER,
    UPDATE_ORG_MEMBER,
    REMOVE_ORG_MEMBER,
    CREATE_PASSWORD_LINK,
    USE_PASSWORD_LINK,
)
