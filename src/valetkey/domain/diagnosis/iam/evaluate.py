"""Policies against a request: who decides, by which statement, and why an allow does not fit.

Source: IAM user guide, "Policy evaluation logic": an explicit deny beats every allow, and what
nothing allows is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from valetkey.domain.diagnosis.iam.conditions import condition_holds, holds
from valetkey.domain.diagnosis.iam.documents import Policy, Statement
from valetkey.domain.diagnosis.iam.globs import Context, matches
from valetkey.domain.diagnosis.iam.truth import Truth, all_of, any_of, truth

_ROOT: Final = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root|(\d{12})")
_UNIQUE_ID: Final = re.compile(r"A[IR][A-Z]{2}[A-Z0-9]{12,}")


class LayerDecision(StrEnum):
    """What a layer says. ``silent``: nothing in it speaks of the request, which refuses too."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One call. ``principals`` are all the names of who asks (a session is its role too)."""

    action: str
    resource: str
    principals: tuple[str, ...] = ()
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A layer's decision, and the statement it stands on (None where nothing speaks)."""

    decision: LayerDecision
    statement: Statement | None = None


def rule(policies: Iterable[Policy], request: Request) -> Ruling:
    """Return what some policies together say of a request."""
    statements = [statement for policy in policies for statement in policy.statements]
    denies = [(one, fits(one, request)) for one in statements if not one.allows]
    allows = [(one, fits(one, request)) for one in statements if one.allows]
    if denying := _first(denies, Truth.YES):
        return Ruling(LayerDecision.DENIED, denying)
    if doubtful := _first(denies, Truth.UNKNOWN):
        return Ruling(LayerDecision.UNKNOWN, doubtful)
    if allowing := _first(allows, Truth.YES):
        return Ruling(LayerDecision.ALLOWED, allowing)
    if doubtful := _first(allows, Truth.UNKNOWN):
        return Ruling(LayerDecision.UNKNOWN, doubtful)
    return Ruling(LayerDecision.SILENT)


def _first(found: list[tuple[Statement, Truth]], wanted: Truth) -> Statement | None:
    return next((statement for statement, fit in found if fit is wanted), None)


def fits(statement: Statement, request: Request) -> Truth:
    """Tell whether a statement speaks of a request."""
    return all_of(
        (
            _action_fits(statement, request),
            _resource_fits(statement, request),
            _principal_fits(statement, request),
            holds(statement.conditions, request.context),
        )
    )


def _action_fits(statement: Statement, request: Request) -> Truth:
    def any_named(patterns: tuple[str, ...]) -> Truth:
        found = (matches(one, request.action, {}, ignore_case=True) for one in patterns)
        return any_of(found)

    if statement.actions is None:
        return any_named(statement.not_actions).inverse
    return any_named(statement.actions)


def _resource_fits(statement: Statement, request: Request) -> Truth:
    def any_named(patterns: tuple[str, ...]) -> Truth:
        return any_of(matches(one, request.resource, request.context) for one in patterns)

    if statement.resources is None:
        return any_named(statement.not_resources).inverse
    if not statement.resources and statement.principals is not None:
        return Truth.YES  # a trust policy has no resource: it is the role's own
    return any_named(statement.resources)


def _principal_fits(statement: Statement, request: Request) -> Truth:
    if statement.not_principals:
        named = any(_names(one, request) for one in statement.not_principals)
        return truth(not named)
    if statement.principals is None:
        return Truth.YES
    return truth(any(_names(one, request) for one in statement.principals))


def _names(principal: str, request: Request) -> bool:
    if principal == "*" or principal in request.principals:
        return True
    root = _ROOT.fullmatch(principal)
    account = (root.group(1) or root.group(2)) if root else ""
    return bool(account) and any(f"::{account}:" in name for name in request.principals)


def why_not(policies: Iterable[Policy], request: Request) -> str:
    """Say why the allowing statement that comes nearest does not fit, in a sentence; empty where
    none speaks of the action at all."""
    near = [
        statement
        for policy in policies
        for statement in policy.statements
        if statement.allows and _action_fits(statement, request) is Truth.YES
    ]
    reasons = [
        f"{statement.place[0].upper()}{statement.place[1:]} {_misfit(statement, request)}."
        for statement in near
    ]
    return reasons[0] if reasons else ""


def _misfit(statement: Statement, request: Request) -> str:
    if _principal_fits(statement, request) is not Truth.YES:
        return f"trusts {_quoted(statement.principals or ())}{_stale(statement)}"
    if _resource_fits(statement, request) is not Truth.YES:
        return f"is about {_quoted(statement.resources or ())}, not {request.resource}"
    for operator, keys in statement.conditions.items():
        for key, wanted in keys.items():
            found = condition_holds(operator, key, wanted, request.context)
            if found is Truth.NO:
                return f"holds only where {operator} {key} = {wanted}"
            if found is Truth.UNKNOWN:
                return f"depends on {key} ({operator} {wanted}), which can't be known here"
    return "fits"


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "nobody"


def _stale(statement: Statement) -> str:
    ids = [one for one in statement.principals or () if _UNIQUE_ID.fullmatch(one)]
    return ", which is the id of a user or role that was deleted since" if ids else ""
