"""Audit records."""

from __future__ import annotations

from typing import Any

from valetkey.api.wire.base import Out
from valetkey.domain.audit import AuditRecord, ChainVerdict


class AuditRecordOut(Out, frozen=True):
    """A record with its place in the chain. ``at`` is to the microsecond, as it was hashed."""

    sequence: int
    id: str
    at: str
    org: str
    actor: str
    action: str
    outcome: str
    subject: str
    reason: str
    request_id: str
    source: str
    details: dict[str, Any]
    previous: str
    hash: str

    @classmethod
    def of(cls, record: AuditRecord) -> AuditRecordOut:
        """Return a record's shape."""
        event = record.event
        return cls(
            sequence=record.sequence,
            id=event.id,
            at=event.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            org=event.org_id,
            actor=event.actor,
            action=event.action,
            outcome=event.outcome,
            subject=event.subject,
            reason=event.reason,
            request_id=event.request_id,
            source=event.source,
            details=dict(event.details),
            previous=record.previous,
            hash=record.hash,
        )


class ChainVerdictOut(Out, frozen=True):
    """Whether the chain holds; ``brokenAt`` is the first bad record's sequence number."""

    holds: bool
    records: int
    broken_at: int | None
    problem: str

    @classmethod
    def of(cls, verdict: ChainVerdict) -> ChainVerdictOut:
        """Return a verdict's shape."""
        return cls(
            holds=verdict.holds,
            records=verdict.records,
            broken_at=verdict.broken_at,
            problem=verdict.problem,
        )
