"""Who may do what. Decisions carry their reasons; anything not allowed here is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from valetkey.domain.decisions import Allow, Decision, Deny, require
from valetkey.domain.token_limits import UNLIMITED, TokenLimits

__all__ = [
    "Action",
    "Allow",
    "Credential",
    "Decision",
    "Deny",
    "OrgRole",
    "Principal",
    "ProjectRole",
    "decide",
    "require",
    "role_gives",
]


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


def role_word(role: OrgRole | ProjectRole) -> str:
    """Return what a role is called, but in Dataloop's API."""
    return "developer" if role is ProjectRole.DEVELOPER else role.value


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
    MANAGE_OWN_SIGN_IN = "manage own sign-in"
    MANAGE_OWN_TOKENS = "manage own tokens"


class Credential(StrEnum):
    """What somebody showed to prove who they are."""

    LOGIN = "login"
    SESSION = "browser session"
    TOKEN = "API token"  # noqa: S105  # the kind's name


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


def role_gives(role: ProjectRole | None, action: Action) -> bool:
    """Tell whether a role in a project suffices for what is done in it."""
    return role in _PROJECT_RULES[action]


#: What concerns the caller alone; no role is asked for.
_OWN_ACTIONS: Final = frozenset({Action.MANAGE_OWN_SIGN_IN, Action.MANAGE_OWN_TOKENS})

#: What an API token may do, if its holder may: it opens data, and reads. What is not named here
#: (making tokens and sign-ins, managing anything or anybody) takes a sign-in.
_TOKEN_ACTIONS: Final = frozenset(
    {
        Action.READ_ORG,
        Action.READ_INTEGRATIONS,
        Action.READ_AUDIT,
        Action.READ_PROJECT,
        Action.READ_LOCATIONS,
        Action.VEND,
        Action.READ_DATASETS,
        Action.MANAGE_DATASETS,
    }
)
#: What is left of them to a token that opens less data than its holder may: an index of all of a
#: location, or the record of what others did, would tell more than the token was given for.
_NARROW_TOKEN_ACTIONS: Final = frozenset(
    {Action.READ_ORG, Action.READ_PROJECT, Action.READ_LOCATIONS, Action.VEND}
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, with the roles of this moment, and what they showed to prove it.

    ``token_id`` is the API token's id, ``session_id`` the browser session's; both are empty for a
    login over the API, whose password was given at ``logged_in_at``. ``generation`` is that of the
    user's sign-ins: a later one has ended this login or session. ``limits`` are the token's, and at
    ``ends_at`` it ends, with all that it was shown for.
    """

    user_id: str
    email: str
    token_id: str = ""
    session_id: str = ""
    org_roles: Mapping[str, OrgRole] = field(default_factory=dict)
    project_roles: Mapping[str, ProjectRole] = field(default_factory=dict)
    logged_in_at: datetime | None = None
    generation: int = 0
    limits: TokenLimits = UNLIMITED
    ends_at: datetime | None = None

    @property
    def credential(self) -> Credential:
        if self.token_id:
            return Credential.TOKEN
        return Credential.SESSION if self.session_id else Credential.LOGIN


def decide(
    principal: Principal, action: Action, *, org_id: str = "", project_id: str = ""
) -> Decision:
    """Decide whether ``principal`` may do ``action`` in an organisation or one of its projects.

    An action that no rule names is refused.
    """
    refusal = _refuse_token(principal, action)
    if refusal is not None:
        return refusal
    if action in _OWN_ACTIONS:
        return Allow("it is the caller's own")
    org_role = principal.org_roles.get(org_id)
    if action in _ORG_RULES:
        return _by_role(action, org_role, _ORG_RULES[action], "organisation")
    if action not in _PROJECT_RULES:
        return Deny(f"No rule allows '{action}'.")
    if org_role is OrgRole.OWNER:
        return Allow("owner of the organisation")
    role = principal.project_roles.get(project_id)
    return _by_role(action, role, _PROJECT_RULES[action], "project")


def _refuse_token(principal: Principal, action: Action) -> Deny | None:
    if principal.credential is not Credential.TOKEN:
        return None
    open_to_tokens = _NARROW_TOKEN_ACTIONS if principal.limits.narrows_data else _TOKEN_ACTIONS
    if action in open_to_tokens:
        return None
    if action in _TOKEN_ACTIONS:
        return Deny(
            f"'{action}' is more than this API token carries: it is limited to some data.",
            hint="Use a token without limits on locations, folders, access and time.",
        )
    return Deny(
        f"'{action}' can't be done with an API token: a token opens data and reads.",
        hint="Sign in, and do it with that.",
    )


def _by_role(
    action: Action,
    role: OrgRole | ProjectRole | None,
    sufficient: frozenset[OrgRole] | frozenset[ProjectRole],
    place: str,
) -> Decision:
    if role is not None and role in sufficient:
        return Allow(f"{role_word(role)} of the {place}")
    wanted = " or ".join(sorted(map(role_word, sufficient)))
    have = f"the role here is {role_word(role)}" if role else f"not a member of this {place}"
    return Deny(
        f"'{action}' needs the role {wanted} of the {place}; {have}.",
        hint=f"Ask an owner of the {place} for the role.",
    )
