"""The pages of concepts say of rights what the rules say, and lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.commands import ROOT
from valetkey.domain.access import (
    Action,
    Allow,
    OrgRole,
    Principal,
    ProjectRole,
    decide,
)
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import TokenLimits

CONCEPTS = ROOT / "docs" / "concepts"
_ROW = re.compile(r"^\| (.+?) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
_OWN = {Action.MANAGE_OWN_SIGN_IN, Action.MANAGE_OWN_TOKENS}
_ORG, _PROJECT = "org", "project"
_SAID = {
    OrgRole.MEMBER: "any member of the organisation",
    ProjectRole.OWNER: "owner of the project",
    ProjectRole.DEVELOPER: "developer",
    ProjectRole.ANNOTATION_MANAGER: "annotation manager",
    ProjectRole.ANNOTATOR: "annotator",
}


def _may(action: Action, **has: object) -> bool:
    asking = Principal("u", "u@example.com", **has)  # type: ignore[arg-type]  # a table of keywords
    return isinstance(decide(asking, action, org_id=_ORG, project_id=_PROJECT), Allow)


def _row(action: Action) -> str:
    owner = {"org_roles": {_ORG: OrgRole.OWNER}}
    roles = [_SAID[OrgRole.MEMBER]] if _may(action, org_roles={_ORG: OrgRole.MEMBER}) else []
    roles += [_SAID[role] for role in ProjectRole if _may(action, project_roles={_PROJECT: role})]
    if len(roles) == len(ProjectRole):
        roles = ["any member of the project"]
    token = _may(action, **owner, token_id="t")
    less = TokenLimits(levels=frozenset({AccessLevel.LIST}))
    narrow = _may(action, **owner, token_id="t", limits=less)
    words = ", ".join(roles) or "owner of the organisation only"
    return f"| {action} | {words} | {'yes' if token else ''} | {'yes' if narrow else ''} |"


def test_the_table_of_who_may_do_what_is_what_the_rules_decide() -> None:
    page = (CONCEPTS / "who-may-do-what.md").read_text(encoding="utf-8")
    rows = [found[0] for found in _ROW.finditer(page)][1:]
    assert rows == [_row(action) for action in Action if action not in _OWN]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
