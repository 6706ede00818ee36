"""The first start: the installation, its organisation, the owner, a first project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import Conflict
from valetkey.domain.ids import IdFactory
from valetkey.domain.names import clean_name
from valetkey.domain.people import (
    Organization,
    OrgMember,
    Project,
    ProjectMember,
    User,
    check_password,
    parse_email,
)
from valetkey.domain.ports import Clock, Entropy, Installation, Passwords, Sealer, Storage
from valetkey.domain.sealing import SealContext
from valetkey.domain.secret import Secret

FIRST_PROJECT: Final = "default"


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """What the first start made."""

    installation_id: str
    organization: Organization
    project: Project
    user: User


def token_key_context(installation_id: str) -> SealContext:
    """Return where the token-signing key belongs."""
    return SealContext(installation_id, installation_id, "token_key")


async def initialize(
    storage: Storage,
    sealer: Sealer,
    passwords: Passwords,
    clock: Clock,
    entropy: Entropy,
    new_id: IdFactory,
    *,
    organization: str,
    email: str,
    password: Secret,
) -> FirstOwner:
    """Make the installation, its organisation, the owner and a first project, all or nothing.

    Raises Conflict when the database already has an installation, InvalidInput.
    """
    org_name, email = clean_name(organization), parse_email(email)
    check_password(password.reveal())
    password_hash = await passwords.hash(password)
    now, installation_id = clock.now(), new_id()
    token_key = Secret(entropy.token_bytes(32).hex())
    sealed = await sealer.seal(token_key, token_key_context(installation_id))
    org = Organization(new_id(), org_name, now)
    user = User(new_id(), email, password_hash, now)
    project = Project(new_id(), org.id, FIRST_PROJECT, email, now, now)
    async with storage.begin() as work:
        if await work.installations.get() is not None:
            raise Conflict(
                "This database already has an organisation and its owner.",
                hint="Log in; or choose another database in the settings.",
            )
        await work.installations.add(Installation(installation_id, now, sealed))
        await work.users.add(user)
        await work.organizations.add(org)
        await work.organizations.put_member(OrgMember(org.id, user.id, email, OrgRole.OWNER))
        await work.projects.add(project)
        await work.projects.put_member(ProjectMember(project.id, user.id, email, ProjectRole.OWNER))
    return FirstOwner(installation_id, org, project, user)
