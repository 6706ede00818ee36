"""Organisations, projects, and who belongs to them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Body,
    Change,
    Created,
    Creator,
    Id,
    Moment,
    Name,
    Nothing,
    OrgId,
    Page,
    Paging,
    Shape,
    Updated,
    Version,
    WhichOrg,
    moment_meta,
    says,
)
from valetkey.wire.operation import Operation

OrgRole = Literal["owner", "member"]
ProjectRole = Literal["owner", "developer", "annotationManager", "annotator"]
Email = Annotated[str, says("An e-mail address.", "ada@example.com", min_length=3, max_length=254)]
InOrg = Annotated[
    OrgRole,
    says(
        "`owner` manages integrations, people and records; `member` has what projects give.",
        "member",
    ),
]
InProject = Annotated[
    ProjectRole,
    says(
        "`owner` and `developer` vend within the project's locations; `annotationManager` and "
        "`annotator` have what grants give them.",
        "developer",
    ),
]


class Org(Shape, frozen=True):
    """An organisation: the owner of integrations, groups and projects."""

    id: Id
    name: Name
    created_at: Created
    version: Version
    role: Annotated[OrgRole | None, says("The caller's own role in it.", "owner")] = None


class OrgMember(Shape, frozen=True):
    """Somebody in an organisation."""

    id: Annotated[str, says("The person's id.", ID)]
    email: Email
    role: InOrg
    org_id: OrgId


class NewOrgMember(Body, frozen=True):
    """Somebody who is to belong to an organisation."""

    email: Email
    role: InOrg
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
        str,
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
    """What ended with a membership, and what could not be ended."""

    email: Email
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


class OrgMemberChange(Change, frozen=True):
    """What to change of somebody's membership."""

    role: Annotated[OrgRole, says("Another role.", "owner")]


class Project(Shape, frozen=True):
    """A project: the owner of locations and datasets."""

    id: Id
    org_id: OrgId
    name: Name
    creator: Creator
    created_at: Created
    updated_at: Updated
    version: Version
    role: Annotated[ProjectRole | None, says("The caller's own role in it.", "developer")] = None


class NewProject(Body, frozen=True):
    """A project to be. Whoever makes it is its owner."""

    name: Name
    org_id: WhichOrg = None


class ProjectChange(Change, frozen=True):
    """What to change of a project."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "vision")] = msgspec.UNSET


class ProjectMember(Shape, frozen=True):
    """Somebody in a project."""

    id: Annotated[str, says("The person's id.", ID)]
    email: Email
    role: InProject
    project_id: Annotated[str, says("The project.", ID)]


class ProjectMembership(Body, frozen=True):
    """The role that somebody has in a project."""

    role: InProject


class ProjectsQuery(Paging, frozen=True):
    """Which projects."""

    org_id: Annotated[str | None, says("Only those of this organisation.", ID)] = None
    name: Annotated[str | None, says("Only those of this name.", "vision")] = None


_ORG: Final = "/v1/orgs/{orgId}"
_PROJECT: Final = "/v1/projects/{projectId}"

LIST_ORGS: Final = Operation(
    id="listOrgs",
    method="GET",
    path="/v1/orgs",
    tag="orgs",
    summary="List the organisations that the caller belongs to.",
    query=Paging,
    body=Nothing,
    result=Page[Org],
)
GET_ORG: Final = Operation(
    id="getOrg",
    method="GET",
    path=_ORG,
    tag="orgs",
    summary="Show an organisation.",
    query=Nothing,
    body=Nothing,
    result=Org,
)
LIST_ORG_MEMBERS: Final = Operation(
    id="listOrgMembers",
    method="GET",
    path=f"{_ORG}/members",
    tag="orgs",
    summary="List an organisation's members by e-mail address.",
    query=Paging,
    body=Nothing,
    result=Page[OrgMember],
)
ADD_ORG_MEMBER: Final = Operation(
    id="addOrgMember",
    method="POST",
    path=f"{_ORG}/members",
    tag="orgs",
    summary="Add somebody to an organisation.",
    query=Nothing,
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
    query=Nothing,
    body=Nothing,
    result=OrgMember,
)
UPDATE_ORG_MEMBER: Final = Operation(
    id="updateOrgMember",
    method="PATCH",
    path=f"{_ORG}/members/{{userId}}",
    tag="orgs",
    summary="Change somebody's role in an organisation.",
    query=Nothing,
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
    query=Nothing,
    body=Nothing,
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
    query=Nothing,
    body=NewPasswordLink,
    result=PasswordLink,
    status=201,
    makes=True,
    secret=True,
)
LIST_PROJECTS: Final = Operation(
    id="listProjects",
    method="GET",
    path="/v1/projects",
    tag="projects",
    summary="List the projects that the caller may see.",
    query=ProjectsQuery,
    body=Nothing,
    result=Page[Project],
)
CREATE_PROJECT: Final = Operation(
    id="createProject",
    method="POST",
    path="/v1/projects",
    tag="projects",
    summary="Make a project; the caller is its owner.",
    query=Nothing,
    body=NewProject,
    result=Project,
    status=201,
    errors=("name_taken",),
    makes=True,
)
GET_PROJECT: Final = Operation(
    id="getProject",
    method="GET",
    path=_PROJECT,
    tag="projects",
    summary="Show a project.",
    query=Nothing,
    body=Nothing,
    result=Project,
)
UPDATE_PROJECT: Final = Operation(
    id="updateProject",
    method="PATCH",
    path=_PROJECT,
    tag="projects",
    summary="Rename a project.",
    query=Nothing,
    body=ProjectChange,
    result=Project,
    errors=("name_taken",),
    versioned=True,
)
DELETE_PROJECT: Final = Operation(
    id="deleteProject",
    method="DELETE",
    path=_PROJECT,
    tag="projects",
    summary="Delete a project that has no locations.",
    query=Nothing,
    body=Nothing,
    result=Nothing,
    status=204,
    errors=("in_use",),
    versioned=True,
)
LIST_PROJECT_MEMBERS: Final = Operation(
    id="listProjectMembers",
    method="GET",
    path=f"{_PROJECT}/members",
    tag="projects",
    summary="List a project's members by e-mail address.",
    query=Paging,
    body=Nothing,
    result=Page[ProjectMember],
)
GET_PROJECT_MEMBER: Final = Operation(
    id="getProjectMember",
    method="GET",
    path=f"{_PROJECT}/members/{{userId}}",
    tag="projects",
    summary="Show somebody's membership of a project.",
    query=Nothing,
    body=Nothing,
    result=ProjectMember,
)
PUT_PROJECT_MEMBER: Final = Operation(
    id="putProjectMember",
    method="PUT",
    path=f"{_PROJECT}/members/{{userId}}",
    tag="projects",
    summary="Give somebody of the organisation a role in a project, or change it.",
    description="`userId` may be an e-mail address.",
    query=Nothing,
    body=ProjectMembership,
    result=ProjectMember,
)
REMOVE_PROJECT_MEMBER: Final = Operation(
    id="removeProjectMember",
    method="DELETE",
    path=f"{_PROJECT}/members/{{userId}}",
    tag="projects",
    summary="Take somebody out of a project.",
    query=Nothing,
    body=Nothing,
    result=Nothing,
    status=204,
    versioned=True,
)
OPERATIONS: Final = (
    LIST_ORGS,
    GET_ORG,
    LIST_ORG_MEMBERS,
    ADD_ORG_MEMBER,
    GET_ORG_MEMBER,
    UPDATE_ORG_MEMBER,
    REMOVE_ORG_MEMBER,
    CREATE_PASSWORD_LINK,
    LIST_PROJECTS,
    CREATE_PROJECT,
    GET_PROJECT,
    UPDATE_PROJECT,
    DELETE_PROJECT,
    LIST_PROJECT_MEMBERS,
    GET_PROJECT_MEMBER,
    PUT_PROJECT_MEMBER,
    REMOVE_PROJECT_MEMBER,
)
