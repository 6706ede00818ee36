"""Projects, and who belongs to them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Body,
    Change,
    Created,
    Id,
    MadeBy,
    Name,
    OrgId,
    Page,
    Paging,
    Shape,
    Updated,
    Version,
    WhichOrg,
    says,
)
from valetkey.wire.leases import Ending, LiveLeases, LiveUntil
from valetkey.wire.operation import Operation
from valetkey.wire.orgs import Email

ProjectRole = Literal["owner", "developer", "annotationManager", "annotator"]
RoleInProject = Annotated[
    ProjectRole,
    says(
        "`owner` and `developer` vend within the project's locations; `annotationManager` and "
        "`annotator` have what grants give them.",
        "developer",
    ),
]


class Project(Shape, frozen=True):
    """A project: the owner of locations and datasets."""

    id: Id
    org_id: OrgId
    name: Name
    creator: MadeBy
    created_at: Created
    updated_at: Updated
    version: Version
    default_location_id: Annotated[
        str | None, says("The location where datasets go that name none.", ID)
    ] = None
    role: Annotated[ProjectRole | None, says("The caller's own role in it.", "developer")] = None


class NewProject(Body, frozen=True):
    """A project to be. Whoever makes it is its owner."""

    name: Name
    org_id: WhichOrg = None


class ProjectChange(Change, frozen=True):
    """What to change of a project."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "vision")] = msgspec.UNSET
    default_location_id: Annotated[
        str | msgspec.UnsetType | None,
        says("The location where datasets go that name none; null for none.", ID),
    ] = msgspec.UNSET


class ProjectMember(Shape, frozen=True):
    """Somebody in a project."""

    observed: ClassVar = ("live_leases", "live_until")

    id: Annotated[str, says("The person's id.", ID)]
    email: Email
    role: RoleInProject
    project_id: Annotated[str, says("The project.", ID)]
    live_leases: LiveLeases = None
    live_until: LiveUntil = None


class ProjectMembership(Body, frozen=True):
    """The role that somebody has in a project."""

    role: RoleInProject


class ProjectsQuery(Paging, frozen=True):
    """Which projects."""

    org_id: Annotated[str | None, says("Only those of this organisation.", ID)] = None
    name: Annotated[str | None, says("Only those of this name.", "vision")] = None


_PROJECT: Final = "/v1/projects/{projectId}"

LIST_PROJECTS: Final = Operation(
    id="listProjects",
    method="GET",
    path="/v1/projects",
    tag="projects",
    summary="List the projects that the caller may see.",
    query=ProjectsQuery,
    result=Page[Project],
)
CREATE_PROJECT: Final = Operation(
    id="createProject",
    method="POST",
    path="/v1/projects",
    tag="projects",
    summary="Make a project; the caller is its owner.",
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
    result=Project,
)
UPDATE_PROJECT: Final = Operation(
    id="updateProject",
    method="PATCH",
    path=_PROJECT,
    tag="projects",
    summary="Rename a project.",
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
    result=Page[ProjectMember],
)
GET_PROJECT_MEMBER: Final = Operation(
    id="getProjectMember",
    method="GET",
    path=f"{_PROJECT}/members/{{userId}}",
    tag="projects",
    summary="Show somebody's membership of a project.",
    result=ProjectMember,
)
PUT_PROJECT_MEMBER: Final = Operation(
    id="putProjectMember",
    method="PUT",
    path=f"{_PROJECT}/members/{{userId}}",
    tag="projects",
    summary="Give somebody of the organisation a role in a project, or change it.",
    description="`userId` may be an e-mail address. Where the role gives no credentials any more, "
    "the answer says what was vended to them of the project's locations, and works on.",
    body=ProjectMembership,
    result=ProjectMember,
    versioned=True,
)
REMOVE_PROJECT_MEMBER: Final = Operation(
    id="removeProjectMember",
    method="DELETE",
    path=f"{_PROJECT}/members/{{userId}}",
    tag="projects",
    summary="Take somebody out of a project.",
    description="The answer says what was vended to them of its locations, and works on.",
    result=Ending,
    versioned=True,
)
OPERATIONS: Final = (
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
