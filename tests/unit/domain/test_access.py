"""Who may do what: a table, read in both directions."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from valetkey import wire
from valetkey.domain.access import (
    Action,
    Allow,
    Deny,
    OrgRole,
    Principal,
    ProjectRole,
    decide,
    require,
    role_word,
)
from valetkey.domain.errors import Denied
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import TokenLimits

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
    Action.MANAGE_ROOT_LOCATIONS,
}
EVERY_MEMBERS = {Action.READ_ORG, Action.CREATE_PROJECT}
LOOKING = {Action.READ_PROJECT, Action.READ_DATASETS}
ONES_OWN = {Action.MANAGE_OWN_SIGN_IN, Action.MANAGE_OWN_TOKENS}
#: What an API token may do; what it may do when it is limited to some of the data.
TOKENS = (
    BUILDING - {Action.MANAGE_LOCATIONS}
    | LOOKING
    | {
        Action.READ_ORG,
        Action.READ_INTEGRATIONS,
        Action.READ_AUDIT,
    }
)
NARROW = {Action.READ_ORG, Action.READ_PROJECT, Action.READ_LOCATIONS, Action.VEND}

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
    assert isinstance(decision, Allow) is (action in allowed | ONES_OWN)
    assert decision.reason


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("principal", "allowed"), ROWS)
def test_a_token_opens_data_and_reads_and_never_more_than_its_holder(
    principal: Principal, allowed: set[Action], action: Action
) -> None:
    token = replace(principal, token_id="token")
    decision = decide(token, action, org_id=ORG, project_id=PROJECT)
    assert isinstance(decision, Allow) is (action in allowed & TOKENS)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("principal", "allowed"), ROWS)
@pytest.mark.parametrize(
    "limits",
    [
        TokenLimits(locations=frozenset({"one"})),
        TokenLimits(prefixes=("train/",)),
        TokenLimits(levels=frozenset({AccessLevel.READ})),
        TokenLimits(max_ttl=timedelta(seconds=900)),
    ],
)
def test_a_token_for_some_data_does_not_read_what_tells_of_the_rest(
    principal: Principal, allowed: set[Action], action: Action, limits: TokenLimits
) -> None:
    token = replace(principal, token_id="token", limits=limits)
    decision = decide(token, action, org_id=ORG, project_id=PROJECT)
    assert isinstance(decision, Allow) is (action in allowed & NARROW)


def test_every_action_is_in_the_table() -> None:
    rows = BUILDING | OWNERS_ONLY | EVERY_MEMBERS | LOOKING | ONES_OWN
    assert rows | {Action.MANAGE_PROJECT} == set(Action)


def test_a_role_in_one_project_says_nothing_about_another() -> None:
    developer = in_project(ProjectRole.DEVELOPER)
    assert isinstance(decide(developer, Action.VEND, org_id=ORG, project_id="other"), Deny)
    assert isinstance(decide(developer, Action.VEND, org_id=ORG), Deny)


def test_a_refusal_says_which_role_is_needed_and_which_is_there() -> None:
    annotator = in_project(ProjectRole.ANNOTATOR)
    decision = decide(annotator, Action.VEND, org_id=ORG, project_id=PROJECT)
    with pytest.raises(Denied, match=r"needs the role developer or owner.*is annotator") as caught:
        require(decision)
    assert "Ask an owner" in caught.value.hint


def test_an_allow_passes_through() -> None:
    assert require(Allow("because")) == Allow("because")


def test_refusals_and_records_call_a_role_as_the_api_does() -> None:
    assert {role_word(role) for role in ProjectRole} == set(get_args(wire.projects.ProjectRole))
    assert {role_word(role) for role in OrgRole} == set(get_args(wire.orgs.OrgRole))
