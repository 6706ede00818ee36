"""Yes or no, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from valetkey.domain.errors import Denied


@dataclass(frozen=True, slots=True)
class Allow:
    """Yes, by which right, until when (None: nothing ends it), and for how long at a time."""

    reason: str
    until: datetime | None = None
    longest: timedelta = timedelta.max


@dataclass(frozen=True, slots=True)
class Deny:
    """No, and why."""

    reason: str
    hint: str = ""


Decision = Allow | Deny


def require(decision: Decision) -> Allow:
    """Return an Allow as it is; raise :class:`Denied` with the reason of a Deny."""
    if isinstance(decision, Deny):
        raise Denied(decision.reason, hint=decision.hint)
    return decision
