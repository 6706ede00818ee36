"""Yes or no, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from valetkey.domain.errors import Denied


@dataclass(frozen=True, slots=True)
class Allow:
    """Yes, by which right, and until when (None: nothing ends it)."""

    reason: str
    until: datetime | None = None


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
