"""Login, who I am, API keys."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, delete, get, post

from valetkey.api import wire
from valetkey.api.auth import source_of
from valetkey.domain.access import OrgRole
from valetkey.domain.errors import InvalidInput
from valetkey.domain.secret import Secret
from valetkey.services.audit import Caller
from valetkey.services.registry import Services


@post("/token", status_code=200, tags=["accounts"])
async def token(
    request: Request[Any, Any, Any], services: Services, data: wire.Login
) -> dict[str, str]:
    """Exchange a password for a token."""
    if data.type != "user_credentials":
        raise InvalidInput(
            "Only a password can be exchanged for a token.",
            hint='Send {"type": "user_credentials", "username": ..., "password": ...}.',
            field="type",
        )
    login = await services.accounts.login(
        data.username, Secret(data.password), source=source_of(request)
    )
    return {"id_token": login.token.reveal(), "token_type": "Bearer"}


@get("/users/me", tags=["accounts"])
async def me(services: Services, caller: Caller) -> dict[str, Any]:
    """Say who the token belongs to, and what they belong to."""
    principal = caller.principal
    orgs = await services.people.organizations(caller)
    projects = await services.people.projects(caller)
    return {
        "id": principal.user_id,
        "email": principal.email,
        "orgs": [
            {"id": org.id, "name": org.name, "role": principal.org_roles[org.id].value}
            for org in orgs
        ],
        "projects": [
            {
                "id": project.id,
                "name": project.name,
                "org": project.org_id,
                "role": role_in(caller, project.id, project.org_id),
            }
            for project in projects
        ],
    }


def role_in(caller: Caller, project_id: str, org_id: str) -> str:
    """Return the caller's role in a project; an organisation's owner is its projects' owner."""
    principal = caller.principal
    if principal.org_roles.get(org_id) is OrgRole.OWNER:
        return OrgRole.OWNER.value
    role = principal.project_roles.get(project_id)
    return role.value if role else ""


@post("/apiKeys", status_code=201, tags=["accounts"])
async def create_key(services: Services, caller: Caller, data: wire.NewApiKey) -> dict[str, Any]:
    """Make an API key. The JWT is shown this once."""
    key, jwt = await services.accounts.create_api_key(caller, data.description, days=data.days)
    return wire.api_key_out(key, jwt.reveal())


@get("/apiKeys", tags=["accounts"])
async def list_keys(services: Services, caller: Caller) -> dict[str, Any]:
    """List the caller's API keys, newest first."""
    keys = await services.accounts.api_keys(caller)
    return {"items": [wire.api_key_out(key) for key in keys], "next": None}


@delete("/apiKeys/{key_id:str}", tags=["accounts"])
async def revoke_key(services: Services, caller: Caller, key_id: str) -> None:
    """Revoke an API key; it stops working at once."""
    await services.accounts.revoke_api_key(caller, key_id)


HANDLERS: Final = (me, create_key, list_keys, revoke_key)
