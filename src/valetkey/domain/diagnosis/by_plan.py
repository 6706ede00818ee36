"""Repairs of a set-up that Valetkey made follow its plan: fixing makes no new drift. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from valetkey.domain.diagnosis.finding import Finding
from valetkey.domain.setup import Plan, StepName

#: Which step makes a claim true. What the role may do is fixed by attaching the plan's policy;
#: the policy itself is not rewritten here, since another location may rely on what is in it.
_STEPS: Final[Mapping[str, str]] = {
    "identity": StepName.ASSUME_POLICY,
    "trust": StepName.TRUST,
    "public-access": StepName.PUBLIC_ACCESS,
    **dict.fromkeys(("list", "write", "read", "delete"), StepName.ATTACHMENT),
}


def prefer_plan(findings: Iterable[Finding], plan: Plan | None) -> tuple[Finding, ...]:
    """Return the findings, fixed by the plan's own calls where it has such."""
    if plan is None:
        return tuple(findings)
    calls = {str(step.name): step.calls for step in plan.steps}

    def repaired(finding: Finding) -> Finding:
        by_plan = calls.get(_STEPS.get(finding.check.name, ""))
        return replace(finding, repair=by_plan) if finding.repair and by_plan else finding

    return tuple(map(repaired, findings))
