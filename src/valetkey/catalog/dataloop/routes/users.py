"""Who the caller is."""

from __future__ import annotations

from litestar import get, post, put
from litestar.params import JSONBody

from valetkey.api.dependencies import Caller, Services
from valetkey.catalog.dataloop.routes.tokens import token_of
from valetkey.catalog.dataloop.wire.accounts import (
    MeOut,
    OrgRoleOut,
    PasswordIn,
    ProjectRoleOut,
    TokenOut,
)
from valetkey.domain.access import OrgRole, Principal
from valetkey.domain.people import Project
from valetkey.domain.secret import Secret


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


@put("/users/me/password", tags=["accounts"])
async def change_password(
    data: JSONBody[PasswordIn], caller: Caller, services: Services
) -> TokenOut:
    """Replace one's password. All earlier logins end; the answer is a new one."""
    old, new = Secret(data.old), Secret(data.new)
    return token_of(await services.accounts.change_password(caller, old, new))


@post("/users/me/signOut", status_code=200, tags=["accounts"])
async def sign_out_everywhere(caller: Caller, services: Services) -> TokenOut:
    """End all of one's logins; the answer is a new one. API keys stay."""
    return token_of(await services.accounts.sign_out_everywhere(caller))


ROUTES = (me, change_password, sign_out_everywhere)
