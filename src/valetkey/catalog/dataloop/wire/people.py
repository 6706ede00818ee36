"""Organisations, projects and their members."""

from __future__ import annotations

from typing import Literal

import msgspec

from valetkey.catalog.dataloop.wire.base import Out, Tolerant, moment
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import InvalidInput
from valetkey.domain.people import Organization, OrgMember, Project, ProjectMember


class MemberOut(Out, frozen=True):
    """A member and their role."""

    id: str
    email: str
    role: str

    @classmethod
    def of(cls, member: OrgMember | ProjectMember) -> MemberOut:
        """Return a member's shape."""
        return cls(id=member.user_id, email=member.email, role=member.role)


class RemovedOut(Out, frozen=True):
    """Who was taken out."""

    email: str


class OrgOut(Out, frozen=True):
    """An organisation. Its members are there when one organisation was asked for."""

    id: str
    name: str
    created_at: str
    plan: str = "self-hosted"
    members: list[MemberOut] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, org: Organization, members: list[MemberOut] | None = None) -> OrgOut:
        """Return an organisation's shape."""
        return cls(
            id=org.id, name=org.name, created_at=moment(org.created_at), members=members or []
        )


class OrgMemberIn(Tolerant, frozen=True):
    """Who (an e-mail address, or ``emails``), and the role: Dataloop's ``admin`` and ``worker``
    are members here. ``password`` is for somebody new."""

    role: Literal["owner", "member", "admin", "worker"]
    email: str = ""
    emails: list[str] | str = ""
    user_id: str = ""
    password: str | None = None

    @property
    def org_role(self) -> OrgRole:
        """The role as the domain knows it."""
        return OrgRole.OWNER if self.role == "owner" else OrgRole.MEMBER

    @property
    def addresses(self) -> list[str]:
        """The e-mail addresses, under whichever name they came. Raises InvalidInput for none."""
        given = [self.emails] if isinstance(self.emails, str) else self.emails
        found = [text for text in (self.email, self.user_id, *given) if text]
        if not found:
            raise InvalidInput(
                "No e-mail address was given.", hint="Send it as 'email'.", field="email"
            )
        return found

    def __repr__(self) -> str:
        return "<OrgMemberIn>"


class ProjectIn(Tolerant, frozen=True):
    """A new project. ``org`` is an organisation's id; without it, the caller's only one."""

    name: str
    org: str = ""


class ProjectPatchIn(Tolerant, frozen=True):
    """What to change of a project; its default driver is where datasets go that name none (an empty
    text: nowhere). Dataloop's SDK sends the whole of a project; the rest is let be."""

    name: str | None = None
    default_driver: str | None = None


class OrgRef(Out, frozen=True):
    """The organisation of a project."""

    id: str
    name: str = ""


class ProjectOut(Out, frozen=True):
    """A project, and the caller's role in it."""

    id: str
    name: str
    creator: str
    org: OrgRef
    role: str
    created_at: str
    updated_at: str
    default_driver: str | None = None
    contributors: list[MemberOut] = msgspec.field(default_factory=list)
    system_project: bool = False
    feature_constraints: list[str] = msgspec.field(default_factory=list)
    is_blocked: bool = False

    @classmethod
    def of(cls, project: Project, role: str) -> ProjectOut:
        """Return a project's shape."""
        return cls(
            id=project.id,
            name=project.name,
            creator=project.creator,
            org=OrgRef(id=project.org_id),
            role=role,
            created_at=moment(project.created_at),
            updated_at=moment(project.updated_at),
            default_driver=project.default_location_id or None,
        )


class ProjectMemberIn(Tolerant, frozen=True):
    """The role that somebody gets in a project; ``developer`` is another word for engineer."""

    role: Literal["owner", "engineer", "developer", "annotationManager", "annotator"]

    @property
    def project_role(self) -> ProjectRole:
        """The role as the domain knows it."""
        return ProjectRole.DEVELOPER if self.role == "developer" else ProjectRole(self.role)
