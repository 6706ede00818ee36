"""One thing that an administrator's view shows, and the calls that would repair it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from valetkey.domain.diagnosis.iam import LayerDecision, Policy, Request, Ruling, why_not
from valetkey.domain.diagnosis.layers import KNOWN_ERRORS, Layer
from valetkey.domain.setup.calls import AwsCall
from valetkey.domain.setup.observed import Unreadable
from valetkey.domain.verification import Check, Outcome


@dataclass(frozen=True, slots=True)
class Finding:
    """A check, and the calls that make its claim true (none: a person has to decide)."""

    check: Check
    repair: tuple[AwsCall, ...] = ()

    @property
    def wrong(self) -> bool:
        return self.check.outcome is Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Remedy:
    """How something is fixed: in words, and as calls."""

    fix: str
    calls: tuple[AwsCall, ...] = ()


def good(name: str, claim: str) -> Finding:
    """A claim that holds."""
    return Finding(Check(name, claim, Outcome.PASSED))


def bad(name: str, claim: str, cause: str, remedy: Remedy, layer: Layer) -> Finding:
    """A claim that does not hold."""
    check = Check(name, claim, Outcome.FAILED, cause=cause, fix=remedy.fix, layer=layer)
    return Finding(check, remedy.calls)


def skipped(name: str, claim: str, why: str) -> Finding:
    """A claim that could not be looked at."""
    return Finding(Check(name, claim, Outcome.SKIPPED, cause=why))


def unreadable(name: str, claim: str, part: Unreadable) -> Finding:
    """A claim about a part that these credentials may not look at."""
    return Finding(Check(name, claim, Outcome.UNKNOWN, cause=part.reason, fix=part.fix))


def judged(
    name: str,
    claim: str,
    layer: Layer,
    ruling: Ruling,
    *,
    policies: Iterable[Policy],
    request: Request,
    remedy: Remedy,
) -> Finding:
    """Turn a layer's ruling on a request that it has to allow into a finding."""
    place = ruling.statement.place if ruling.statement else ""
    if ruling.decision is LayerDecision.ALLOWED:
        return good(name, claim)
    who = KNOWN_ERRORS[layer]
    if ruling.decision is LayerDecision.DENIED:
        cause = f"The {place} denies {request.action}, and a deny beats every allow."
        fix = f"Take that statement away, or narrow it: it is in {who}."
        return bad(name, claim, cause, Remedy(fix), layer)
    if ruling.decision is LayerDecision.UNKNOWN:
        detail = why_not(policies, request) or f"It depends on a condition of the {place}."
        check = Check(name, claim, Outcome.UNKNOWN, cause=detail, fix=remedy.fix, layer=layer)
        return Finding(check)
    near = why_not(policies, request)
    missing = f"No statement allows {request.action} on {request.resource} in {who}."
    return bad(name, claim, f"{missing} {near}".strip(), remedy, layer)
