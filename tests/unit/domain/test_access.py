"""Who may do what: a table, read in both directions."""

import pytest

from valetkey.domain.access import (
    Action,
    Allow,
    Deny,
    OrgRole,
    Principal,
    ProjectRole,
    decide,
    require,
)
from valetkey.domain.errors import Denied

ORG, PROJECT = "org", "project"
OWNER = Principal("u1", "owner@x", org_roles={ORG: OrgRole.OWNER})
MEMBER = Principal("u2", "member@x", org_roles={ORG: OrgRole.MEMBER})
STRANGER = Principal("u3", "stranger@x", org_roles={"elsewhere": OrgRole.OWNER})


def in_project(role: ProjectRole) -> Principal:
    return Principal("u4", "p@x", org_roles={ORG: OrgRole.MEMBER}, project_roles={PROJECT: role})


BUILDING = {Action.READ_LOCATIONS, Action.MANAGE_LOCATIONS, Action.VEND, Action.MANAGE_DATASETS}
OWNERS_ONLY = {
    Action.MANAGE_ORG,
    Action.READ_INTEGRATIONS,
    Action.MANAGE_INTEGRATIONS,
    Action.READ_AUDIT,
}
EVERY_MEMBERS = {Action.READ_ORG, Action.CREATE_PROJECT}
LOOKING = {Action.READ_PROJECT, Action.READ_DATASETS}

ROWS = [
    (OWNER, set(Action)),
    (MEMBER, EVERY_MEMBERS),
    (STRANGER, set()),
    (in_project(ProjectRole.OWNER), EVERY_MEMBERS | LOOKING | BUILDING | {Action.MANAGE_PROJECT}),
    (in_project(ProjectRole.DEVELOPER), EVERY_MEMBERS | LOOKING | BUILDING),
    (in_project(ProjectRole.ANNOTATION_MANAGER), EVERY_MEMBERS | LOOKING),
    (in_project(ProjectRole.ANNOTATOR), EVERY_MEMBERS | LOOKING),
]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("principal", "allowed"), ROWS)
def test_a_role_allows_exactly_its_actions(
    principal: Principal, allowed: set[Action], action: Action
) -> None:
    decision = decide(principal, action, org_id=ORG, project_id=PROJECT)
    assert isinstance(decision, Allow) is (action in allowed)
    assert decision.reason


def test_every_action_is_in_the_table() -> None:
    assert BUILDING | OWNERS_ONLY | EVERY_MEMBERS | LOOKING | {Action.MANAGE_PROJECT} == set(Action)


def test_a_role_in_one_project_says_nothing_about_another() -> None:
    developer = in_project(ProjectRole.DEVELOPER)
    assert isinstance(decide(developer, Action.VEND, org_id=ORG, project_id="other"), Deny)
    assert isinstance(decide(developer, Action.VEND, org_id=ORG), Deny)


def test_a_refusal_says_which_role_is_needed_and_which_is_there() -> None:
    annotator = in_project(ProjectRole.ANNOTATOR)
    decision = decide(annotator, Action.VEND, org_id=ORG, project_id=PROJECT)
    with pytest.raises(Denied, match=r"needs the role engineer or owner.*is annotator") as caught:
        require(decision)
    assert "Ask an owner" in caught.value.hint


def test_an_allow_passes_through() -> None:
    assert require(Allow("because")) == Allow("because")
