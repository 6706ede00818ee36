"""What differs from the plan that set it up, and who is to be believed: the plan, AWS, or whoever
changed it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from valetkey.domain.setup import Plan, Step, Verdict
from valetkey.domain.verification import Check, Outcome


class SourceOfTruth(StrEnum):
    """Who is right about a difference."""

    PLAN = "the plan"
    AWS = "AWS"
    PERSON = "whoever changed it"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. ``fix`` follows from who is believed."""

    step: Step
    source_of_truth: SourceOfTruth
    what: str
    why: str
    fix: str

    @property
    def check(self) -> Check:
        """The difference as a check: worth knowing, and verification says whether it hurts."""
        return Check(
            f"drift-{self.step.name}",
            self.step.claim,
            Outcome.FAILED,
            cause=f"{self.what} Follow {self.source_of_truth}: {self.why}",
            fix=self.fix,
            advisory=True,
        )


_APPLY: Final = "Run: valetkey setup aws apply (with the options of the first time)."
_GONE: Final = "the set-up's tag on the rest says that it was there; nothing else makes it anew."
_CHANGED: Final = "the object is this set-up's by its tag, and the plan is what was agreed on."
_UNTAGGED: Final = (
    "it has not, or no longer, this set-up's tag, so it may have been made anew by somebody."
)
_CONFLICT: Final = "what is there can't be talked away: the plan's options have to follow it."
_SURPLUS: Final = "the plan knows nothing of it, and somebody may need it."


def drifts(plan: Plan) -> tuple[Drift, ...]:
    """Return what differs, in the plan's order. What can't be seen, or waits for something that
    differs, is not called drift."""
    found = [_drift(step) for step in plan.steps]
    return tuple(drift for drift in found if drift is not None)


def _drift(step: Step) -> Drift | None:
    detail = f"It differs: {step.detail}." if step.detail else "It differs from the plan."
    match step.verdict:
        case Verdict.CREATE:
            return Drift(step, SourceOfTruth.PLAN, "It is not there.", _GONE, _APPLY)
        case Verdict.UPDATE:
            return Drift(step, SourceOfTruth.PLAN, detail, _CHANGED, _APPLY)
        case Verdict.ADOPT:
            return Drift(step, SourceOfTruth.PERSON, detail, _UNTAGGED, f"Ask, then: {_APPLY}")
        case Verdict.CONFLICT:
            return Drift(step, SourceOfTruth.AWS, step.detail, _CONFLICT, step.fix)
        case Verdict.NOTHING if step.surplus:
            what = f"It has more than the plan: {', '.join(step.surplus)}."
            fix = "Ask, and remove it in IAM if nobody needs it: apply leaves it alone."
            return Drift(step, SourceOfTruth.PERSON, what, _SURPLUS, fix)
        case _:
            return None
