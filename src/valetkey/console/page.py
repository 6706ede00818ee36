"""One page for one reader: who is signed in, what they may do, and where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from litestar import Response
from litestar.di import NamedDependency
from markupsafe import Markup

from valetkey.console.http import HttpRequest
from valetkey.console.rights import Rights, rights_of
from valetkey.console.session import SignedIn, open_session
from valetkey.console.web import PREFIX, html, is_part
from valetkey.domain.access import Action, Allow, OrgRole, decide
from valetkey.domain.errors import Denied
from valetkey.domain.people import Organization, Project
from valetkey.services.audit import Caller
from valetkey.services.endings import Ending
from valetkey.services.registry import Services

#: What a page says after a form led to it (``?done=``): words of ours, never the address's.
_DONE: Final = {
    "integration-deleted": "The integration is deleted, and its secret with it.",
    "rotation-cancelled": "The rotation is cancelled. The key that is held stays.",
    "integration-changed": "The integration is changed.",
    "location-created": "The location is created.",
    "location-changed": "The location is changed, and with it what it opens from now on.",
    "location-deleted": "The location is deleted. Its bucket is as it was.",
    "dataset-created": "The dataset is created.",
    "dataset-deleted": "The dataset is deleted.",
    "item-deleted": "The object is deleted.",
    "grant-created": "The grant is given.",
    "grant-deleted": "The grant is taken back.",
    "unblocked": "It is unblocked: new credentials are given again.",
    "member-saved": "The member is saved.",
    "project-created": "The project is created.",
    "project-changed": "The project is changed.",
    "password-changed": "The password is changed. Every earlier sign-in has ended.",
    "signed-out-elsewhere": "Every other sign-in has ended.",
    "session-ended": "The sign-in has ended.",
    "token-revoked": "The API token is revoked.",
    "account-created": "The service account is created. Make a token for it next.",
}
#: What it says besides where something works on (``?live=``).
_LIVES_ON: Final = " AWS sessions that were vended before work on until they end or are revoked."
#: The lists to which parts belong that are called otherwise.
_HOMES: Final = {"leases": "integrations", "items": "datasets", "service-accounts": "projects"}


@dataclass(frozen=True, slots=True)
class Reader:
    """The person in front of the page."""

    session: SignedIn
    rights: Rights
    organizations: Sequence[Organization]
    projects: Sequence[Project]
    said: str = ""
    #: The path of a part of a page that a browser opened by its own address.
    alone: str = ""

    @property
    def caller(self) -> Caller:
        return self.session.caller

    @property
    def org(self) -> Organization:
        """The organisation that governance pages are about: one they own, else their first."""
        roles = self.caller.principal.org_roles
        owned = [org for org in self.organizations if roles.get(org.id) is OrgRole.OWNER]
        return (owned or list(self.organizations))[0]

    def may_in(self, project: Project) -> Rights:
        """Return what the reader may do in one project."""
        principal = self.caller.principal
        return rights_of(
            replace(principal, org_roles=_only(principal.org_roles, project.org_id)),
            {project.id: project.org_id},
        )

    def may(self, action: Action, project: Project) -> bool:
        """Tell whether the reader may do one thing in a project."""
        principal, ids = self.caller.principal, {"org_id": project.org_id, "project_id": project.id}
        return isinstance(decide(principal, action, **ids), Allow)

    def may_manage_roots(self, project: Project) -> bool:
        """Tell whether the reader may say what a location gives that lies within no other."""
        return self.may(Action.MANAGE_ROOT_LOCATIONS, project)

    def require(self, allowed: bool, what: str) -> None:
        """Refuse a page that would be empty for want of a right. Raises Denied."""
        if not allowed:
            raise Denied(
                f"Your role does not include: {what}.", hint="Ask an owner for the role you need."
            )

    def page(self, name: str, /, *, here: str, status: int = 200, **context: Any) -> Response[str]:
        """Render a whole page or a part of one."""
        return html(
            name,
            status=status,
            here=here,
            csrf=self.session.csrf,
            who=self.caller.principal.email,
            may=self.rights,
            said=self.said,
            projects=self.projects,
            **context,
        )

    def part(self, name: str, /, *, status: int = 200, **context: Any) -> Response[str]:
        """Render a part that a page asked for; with a page around it for who opened its address."""
        response = self.page(name, here="", status=status, **context)
        if not self.alone:
            return response
        return self.page("panel.html", here=_home_of(self.alone), part=Markup(response.content))  # noqa: S704  # a template of ours, escaped


def lives_on(ending: Ending | None) -> str:
    """Return what follows ``?done=`` in an address where what has ended left AWS sessions."""
    return "&live=yes" if ending is not None and ending.live.count else ""


async def open_reader(request: HttpRequest, services: NamedDependency[Any]) -> Reader:
    """Return who reads the page. Raises Unauthenticated."""
    found: Services = services  # the framework checks by exact class, and is not asked to
    session = await open_session(request, found)
    organizations = await found.people.organizations(session.caller)
    projects = await found.people.projects(session.caller)
    places = {project.id: project.org_id for project in projects}
    rights = rights_of(session.caller.principal, places)
    if not rights.vend:
        rights = replace(rights, vend=await found.locations.are_granted(session.caller))
    said = _DONE.get(request.query_params.get("done", ""), "")
    if said and "live" in request.query_params:
        said += _LIVES_ON
    alone = request.url.path if request.method == "GET" and not is_part(request) else ""
    return Reader(session, rights, organizations, projects, said, alone)


def _home_of(path: str) -> str:
    """Return the page that a part belongs to."""
    first = path.removeprefix(PREFIX).split("/")[1]
    return f"/{_HOMES.get(first, first)}"


def _only(roles: Mapping[str, OrgRole], org_id: str) -> dict[str, OrgRole]:
    return {org_id: roles[org_id]} if org_id in roles else {}
