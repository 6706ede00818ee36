"""One page for one reader: who is signed in, what they may do, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from valetkey.console.rights import Rights, rights_of
from valetkey.console.session import Session, open_session
from valetkey.console.web import html
from valetkey.domain.access import OrgRole
from valetkey.domain.people import Organization, Project
from valetkey.services.audit import Caller
from valetkey.services.registry import Services


@dataclass(frozen=True, slots=True)
class Reader:
    """The person in front of the page."""

    session: Session
    rights: Rights
    organizations: Sequence[Organization]
    projects: Sequence[Project]

    @property
    def caller(self) -> Caller:
        return self.session.caller

    @property
    def org(self) -> Organization:
        """The organisation that governance pages are about: one they own, else their first."""
        roles = self.caller.principal.org_roles
        owned = [org for org in self.organizations if roles.get(org.id) is OrgRole.OWNER]
        return (owned or list(self.organizations))[0]

    def project(self, wanted: str) -> Project | None:
        """Return the chosen project, else the first one, else None."""
        chosen = [project for project in self.projects if project.id == wanted]
        return next(iter(chosen or self.projects), None)

    def page(self, name: str, *, here: str, status: int = 200, **context: Any) -> Response[str]:
        """Render a whole page or a part of one."""
        return html(
            name,
            status=status,
            here=here,
            csrf=self.session.csrf,
            who=self.caller.principal.email,
            may=self.rights,
            org=self.org if self.organizations else None,
            projects=self.projects,
            **context,
        )


async def open_reader(request: Request[Any, Any, Any], services: Services) -> Reader:
    """Return who reads the page. Raises Unauthenticated."""
    session = await open_session(request, services)
    organizations = await services.people.organizations(session.caller)
    projects = await services.people.projects(session.caller)
    places = {project.id: project.org_id for project in projects}
    rights = rights_of(session.caller.principal, places)
    return Reader(session, rights, organizations, projects)
