"""Each difference from the plan says who is to be believed."""

from __future__ import annotations

import pytest

from support.setup_states import make_desired
from valetkey.domain.diagnosis.drift import SourceOfTruth, drifts
from valetkey.domain.setup import Plan, Step, StepName, Verdict


def plan_of(*steps: Step) -> Plan:
    return Plan(make_desired(), steps)


ROWS = [
    (
        Step(StepName.TRUST, "c", Verdict.UPDATE, "it trusts others"),
        SourceOfTruth.PLAN,
        "setup aws apply",
    ),
    (Step(StepName.USER, "c", Verdict.CREATE), SourceOfTruth.PLAN, "setup aws apply"),
    (Step(StepName.ROLE, "c", Verdict.ADOPT), SourceOfTruth.PERSON, "Ask"),
    (
        Step(StepName.BUCKET, "c", Verdict.CONFLICT, "other region", "Use it"),
        SourceOfTruth.AWS,
        "Use it",
    ),
    (Step(StepName.ROLE, "c", Verdict.NOTHING, surplus=("policy x",)), SourceOfTruth.PERSON, "Ask"),
]


@pytest.mark.parametrize(("step", "source_of_truth", "fix"), ROWS)
def test_whom_to_believe(step: Step, source_of_truth: SourceOfTruth, fix: str) -> None:
    [drift] = drifts(plan_of(step))
    assert drift.source_of_truth is source_of_truth
    assert fix in drift.fix
    assert f"Follow {source_of_truth}" in drift.check.cause
    assert drift.check.advisory


@pytest.mark.parametrize("verdict", [Verdict.NOTHING, Verdict.BLOCKED, Verdict.UNREADABLE])
def test_what_holds_or_can_not_be_seen_is_no_drift(verdict: Verdict) -> None:
    assert drifts(plan_of(Step(StepName.ROLE, "c", verdict))) == ()
