"""Who the caller is."""

from __future__ import annotations

from litestar import get

from valetkey.api.wire.accounts import MeOut, OrgRoleOut, ProjectRoleOut
from valetkey.domain.access import OrgRole, Principal
from valetkey.domain.people import Project
from valetkey.services.audit import Caller
from valetkey.services.registry import Services


@get("/users/me", tags=["accounts"])
async def me(caller: Caller, services: Services) -> MeOut:
    """Return the caller, with the organisations and projects they may see, and their roles."""
    principal = caller.principal
    orgs = await services.people.organizations(caller)
    projects = await services.people.projects(caller)
    return MeOut(
        id=principal.user_id,
        email=principal.email,
        orgs=[
            OrgRoleOut(id=org.id, name=org.name, role=principal.org_roles[org.id]) for org in orgs
        ],
        projects=[
            ProjectRoleOut(
                id=project.id, name=project.name, org=project.org_id, role=role(principal, project)
            )
            for project in projects
        ],
    )


def role(principal: Principal, project: Project) -> str:
    """Return a person's role in a project; an organisation's owner is owner of all of them."""
    if principal.org_roles.get(project.org_id) is OrgRole.OWNER:
        return "owner"
    return principal.project_roles.get(project.id, "")


ROUTES = (me,)
