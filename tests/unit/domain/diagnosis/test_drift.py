"""Each difference from the plan says who is to be believed."""

from __future__ import annotations

import pytest

from support.setup_states import make_desired
from valetkey.domain.diagnosis.drift import Believe, drifts
from valetkey.domain.setup import Plan, Step, StepName, Verdict


def plan_of(*steps: Step) -> Plan:
    return Plan(make_desired(), steps)


ROWS = [
    (
        Step(StepName.TRUST, "c", Verdict.UPDATE, "it trusts others"),
        Believe.PLAN,
        "setup aws apply",
    ),
    (Step(StepName.USER, "c", Verdict.CREATE), Believe.PLAN, "setup aws apply"),
    (Step(StepName.ROLE, "c", Verdict.ADOPT), Believe.PERSON, "Ask"),
    (Step(StepName.BUCKET, "c", Verdict.CONFLICT, "other region", "Use it"), Believe.AWS, "Use it"),
    (Step(StepName.ROLE, "c", Verdict.NOTHING, surplus=("policy x",)), Believe.PERSON, "Ask"),
]


@pytest.mark.parametrize(("step", "believe", "fix"), ROWS)
def test_whom_to_believe(step: Step, believe: Believe, fix: str) -> None:
    [drift] = drifts(plan_of(step))
    assert drift.believe is believe
    assert fix in drift.fix
    assert f"Believe {believe}" in drift.check.cause
    assert drift.check.advisory


@pytest.mark.parametrize("verdict", [Verdict.NOTHING, Verdict.BLOCKED, Verdict.UNSEEN])
def test_what_holds_or_can_not_be_seen_is_no_drift(verdict: Verdict) -> None:
    assert drifts(plan_of(Step(StepName.ROLE, "c", verdict))) == ()
