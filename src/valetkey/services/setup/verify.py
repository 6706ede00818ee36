"""Verification of a set-up: each step of the plan as a claim that holds, or the drift."""

from __future__ import annotations

from valetkey.domain.setup import Plan, Step, Verdict
from valetkey.domain.verification import Check, Outcome, Report

_OUTCOMES = {
    Verdict.NOTHING: Outcome.PASSED,
    Verdict.CREATE: Outcome.FAILED,
    Verdict.UPDATE: Outcome.FAILED,
    Verdict.ADOPT: Outcome.FAILED,
    Verdict.CONFLICT: Outcome.FAILED,
    Verdict.BLOCKED: Outcome.SKIPPED,
    Verdict.UNREADABLE: Outcome.UNKNOWN,
}


def report_of(plan: Plan) -> Report:
    """Turn a plan into claims: a step with nothing to do holds."""
    return Report(tuple(_check(step) for step in plan.steps))


def holds(report: Report) -> bool:
    """Tell whether every claim was looked at and holds."""
    return report.passed and report.conclusive


def _check(step: Step) -> Check:
    outcome = _OUTCOMES[step.verdict]
    if outcome is Outcome.PASSED and step.surplus:
        return Check(
            step.name,
            step.claim,
            Outcome.FAILED,
            cause=f"It has more than the plan: {', '.join(step.surplus)}.",
            fix="See who needs it, and remove it in IAM: apply leaves alone what it did not make.",
        )
    if outcome is not Outcome.FAILED:
        return Check(step.name, step.claim, outcome, cause=step.detail, fix=step.fix)
    cause = step.detail or "It is not there."
    return Check(step.name, step.claim, outcome, cause, step.fix or "Run: valetkey setup aws apply")
