"""Calling sessions back: which of them, and the deny in the role's inline policy that does it.

AWS can't end a session, but it can refuse all that the session asks for: a deny on
``aws:userid`` (the role's id and the session's name) and ``aws:TokenIssueTime``. The policy has a
size limit, so entries are merged and leave when the sessions that they meant have ended; what
still does not fit is widened to everybody's sessions before a moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from valetkey.domain.credentials import MAX_TTL, require_aware
from valetkey.domain.lease import Lease

#: IAM's quota for all inline policies of a role together; white space is not counted.
MOST_CHARACTERS: Final = 10_240
#: Other inline policies of the role may be there too: this much is left to them.
ROOM_FOR_OTHERS: Final = 2_048
#: AWS's clock and ours may differ. A session's name is its own, so reaching too far is harmless.
_SKEW: Final = timedelta(minutes=5)
_PLAIN_NAME: Final = re.compile(r"[\w+=,.@-]{2,39}", re.ASCII)
#: As long as a lease's id, which ends each session's name.
_ANY_LEASE: Final = "?" * 24


class Kind(StrEnum):
    """What a revocation or a block is about."""

    LEASE = "lease"
    PRINCIPAL = "principal"
    LOCATION = "location"
    INTEGRATION = "integration"


class RevocationState(StrEnum):
    """``pending``: AWS has not confirmed the deny yet; ``enforced``: it stands; ``over``: the
    sessions have ended by themselves, and the deny was taken out."""

    PENDING = "pending"
    ENFORCED = "enforced"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Sessions of one role that are called back.

    ``sessions`` are patterns of ``aws:userid``; empty means every session. ``before`` is until
    when a session must have been issued to be meant; at ``until`` all of those have ended.
    """

    id: str
    org_id: str
    integration_id: str
    role_arn: str
    kind: Kind
    target: str
    sessions: tuple[str, ...]
    before: datetime
    until: datetime
    state: RevocationState
    reason: str
    actor: str
    created_at: datetime
    problem: str = ""
    proof: str = ""
    widened: bool = False

    def __post_init__(self) -> None:
        require_aware(self.before)
        require_aware(self.until)

    @property
    def is_wide(self) -> bool:
        return not self.sessions


@dataclass(frozen=True, slots=True)
class Block:
    """Whom, or through what, no new session is given."""

    id: str
    org_id: str
    kind: Kind
    target: str
    reason: str
    actor: str
    created_at: datetime


def find_block(
    blocks: Sequence[Block], *, principal: str, location_id: str, integration_id: str
) -> Block | None:
    """Return the block that stands before a new session, if one does."""
    about = {
        (Kind.PRINCIPAL, principal),
        (Kind.LOCATION, location_id),
        (Kind.INTEGRATION, integration_id),
    }
    return next((block for block in blocks if (block.kind, block.target) in about), None)


@dataclass(frozen=True, slots=True)
class Meant:
    """The sessions of one role that a revocation means, as far as AWS can tell them apart."""

    sessions: tuple[str, ...]
    before: datetime
    until: datetime


def session_pattern(session_name: str) -> str:
    """Return the pattern of one session's ``aws:userid``; the role's id before it is any."""
    return f"*:{session_name}"


def meant(kind: Kind, target: str, leases: Sequence[Lease], now: datetime) -> Meant:
    """Say which sessions are meant by a revocation of ``leases``, all of one role."""
    # AWS counts whole seconds: those of this very second are before now, too.
    before = now.replace(microsecond=0) + timedelta(seconds=1)
    if kind is Kind.INTEGRATION:
        return Meant((), before, now + MAX_TTL)
    if kind is Kind.PRINCIPAL and _PLAIN_NAME.fullmatch(target):
        # By the name: a session that is being made at this moment is meant as well.
        return Meant((session_pattern(f"{target}-{_ANY_LEASE}"),), before, now + MAX_TTL)
    names = tuple(sorted(session_pattern(lease.session_name) for lease in leases))
    until = max((lease.expires_at for lease in leases), default=now)
    return Meant(names, before + _SKEW, until + _SKEW)


@dataclass(frozen=True, slots=True)
class DenyPolicy:
    """What is to stand in the role's inline policy. ``widened`` are the ids of revocations that
    reach further than they were meant to, for want of room."""

    document: Mapping[str, Any] | None
    widened: frozenset[str]

    @property
    def text(self) -> str:
        """The document as compact JSON; empty when nothing is denied."""
        return _compact(self.document) if self.document else ""


def render(
    revocations: Sequence[Revocation],
    now: datetime,
    *,
    limit: int = MOST_CHARACTERS - ROOM_FOR_OTHERS,
) -> DenyPolicy:
    """Return the smallest policy that denies what the revocations of one role mean.

    Expired ones are left out; what the widest covers is not repeated; sessions are listed
    together. What does not fit becomes one deny of every session before the latest moment.
    """
    alive = [each for each in revocations if each.until > now]
    wide = max((each.before for each in alive if each.is_wide), default=None)
    narrow = [each for each in alive if not each.is_wide and not (wide and each.created_at < wide)]
    document = _document(wide, narrow)
    if document is None or len(_compact(document)) <= limit:
        return DenyPolicy(document, frozenset())
    # Exact names reach a little into the future, for the clocks; a wide deny must not.
    latest = max(each.created_at for each in alive) + timedelta(seconds=1)
    latest = max(filter(None, (wide, latest.replace(microsecond=0))))
    return DenyPolicy(_document(latest, ()), frozenset(each.id for each in narrow))


def _document(wide: datetime | None, narrow: Sequence[Revocation]) -> dict[str, Any] | None:
    statements: list[dict[str, Any]] = []
    if wide is not None:
        statements.append(_deny(wide))
    exact = [each for each in narrow if _is_exact(each)]
    if exact:
        names = sorted({name for each in exact for name in each.sessions})
        statements.append(_deny(max(each.before for each in exact), names))
    latest: dict[tuple[str, ...], datetime] = {}
    for each in narrow:
        if not _is_exact(each):
            latest[each.sessions] = max(each.before, latest.get(each.sessions, each.before))
    statements += [_deny(before, list(names)) for names, before in sorted(latest.items())]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _is_exact(revocation: Revocation) -> bool:
    return all(_ANY_LEASE not in name for name in revocation.sessions)


def _deny(before: datetime, names: Sequence[str] = ()) -> dict[str, Any]:
    stamp = before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition: dict[str, Any] = {"DateLessThan": {"aws:TokenIssueTime": stamp}}
    if names:
        condition["StringLike"] = {"aws:userid": list(names)}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _compact(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
