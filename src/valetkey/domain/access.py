"""Who may do what. Decisions carry their reasons; anything not allowed here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from valetkey.domain.errors import Denied


class OrgRole(StrEnum):
    """A person's role in an organisation."""

    OWNER = "owner"
    MEMBER = "member"


class ProjectRole(StrEnum):
    """A person's role in a project. The values are those of Dataloop's API."""

    OWNER = "owner"
    DEVELOPER = "engineer"
    ANNOTATION_MANAGER = "annotationManager"
    ANNOTATOR = "annotator"


class Action(StrEnum):
    """What a request wants to do; the words appear in refusals and audit records."""

    READ_ORG = "read organisation"
    MANAGE_ORG = "manage organisation"
    CREATE_PROJECT = "create project"
    READ_INTEGRATIONS = "read integrations"
    MANAGE_INTEGRATIONS = "manage integrations"
    READ_AUDIT = "read audit"
    READ_PROJECT = "read project"
    MANAGE_PROJECT = "manage project"
    READ_LOCATIONS = "read locations"
    MANAGE_LOCATIONS = "manage locations"
    MANAGE_ROOT_LOCATIONS = "manage locations that stand straight on an integration"
    VEND = "vend credentials"
    READ_DATASETS = "read datasets"
    MANAGE_DATASETS = "manage datasets"


_BUILDERS: Final = frozenset({ProjectRole.OWNER, ProjectRole.DEVELOPER})
_EVERYBODY: Final = frozenset(ProjectRole)

#: Which roles suffice. An organisation's owner is also owner of its projects.
_ORG_RULES: Final[Mapping[Action, frozenset[OrgRole]]] = {
    Action.READ_ORG: frozenset(OrgRole),
    Action.CREATE_PROJECT: frozenset(OrgRole),
    Action.MANAGE_ORG: frozenset({OrgRole.OWNER}),
    Action.READ_INTEGRATIONS: frozenset({OrgRole.OWNER}),
    Action.MANAGE_INTEGRATIONS: frozenset({OrgRole.OWNER}),
    Action.READ_AUDIT: frozenset({OrgRole.OWNER}),
    Action.MANAGE_ROOT_LOCATIONS: frozenset({OrgRole.OWNER}),
}
_PROJECT_RULES: Final[Mapping[Action, frozenset[ProjectRole]]] = {
    Action.READ_PROJECT: _EVERYBODY,
    Action.READ_DATASETS: _EVERYBODY,
    Action.MANAGE_PROJECT: frozenset({ProjectRole.OWNER}),
    Action.READ_LOCATIONS: _BUILDERS,
    Action.MANAGE_LOCATIONS: _BUILDERS,
    Action.VEND: _BUILDERS,
    Action.MANAGE_DATASETS: _BUILDERS,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a user, by password or by API key, with the roles of this moment.

    ``key_id`` is the API key's id, or empty for a password login; then ``logged_in_at`` is when
    the password was given.
    """

    user_id: str
    email: str
    key_id: str = ""
    org_roles: Mapping[str, OrgRole] = field(default_factory=dict)
    project_roles: Mapping[str, ProjectRole] = field(default_factory=dict)
    logged_in_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """Yes, by which right, and until when (None: nothing ends it)."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """No, and why."""

    reason: str
    hint: str = ""


Decision = Allow | Deny


def decide(principal: Principal, action: Action, *, org_id: str, project_id: str = "") -> Decision:
    """Decide whether ``principal`` may do ``action`` in an organisation or one of its projects.

    An action that no rule names is refused.
    """
    org_role = principal.org_roles.get(org_id)
    if action in _ORG_RULES:
        return _by_role(action, org_role, _ORG_RULES[action], "organisation")
    if action not in _PROJECT_RULES:
        return Deny(f"No rule allows '{action}'.")
    if org_role is OrgRole.OWNER:
        return Allow("owner of the organisation")
    role = principal.project_roles.get(project_id)
    return _by_role(action, role, _PROJECT_RULES[action], "project")


def _by_role(
    action: Action,
    role: OrgRole | ProjectRole | None,
    sufficient: frozenset[OrgRole] | frozenset[ProjectRole],
    place: str,
) -> Decision:
    if role in sufficient:
        return Allow(f"{role} of the {place}")
    wanted = " or ".join(sorted(sufficient))
    have = f"the role here is {role}" if role else f"not a member of this {place}"
    return Deny(
        f"'{action}' needs the role {wanted} of the {place}; {have}.",
        hint=f"Ask an owner of the {place} for the role.",
    )


def require(decision: Decision) -> Allow:
    """Return an Allow as it is; raise :class:`Denied` with the reason of a Deny."""
    if isinstance(decision, Deny):
        raise Denied(decision.reason, hint=decision.hint)
    return decision
