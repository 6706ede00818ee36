"""The record of who got what: append-only, each record holding the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from valetkey.domain.credentials import require_aware

#: The hash that stands before the first record.
GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened. ``details`` is JSON-ready and never holds a secret.

    ``action`` is a stable dotted word (``credentials.vend``, ``integration.create``),
    ``outcome`` is ``allowed``, ``denied`` or ``failed``, ``subject`` names the thing acted upon.
    """

    id: str
    at: datetime
    org_id: str
    actor: str
    action: str
    outcome: str
    subject: str
    reason: str = ""
    request_id: str = ""
    source: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self.at)

    def canonical(self) -> bytes:
        """Return the record's one byte form: sorted compact JSON, time in UTC microseconds."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        fields["details"] = dict(self.details)
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event in its place in the chain. ``sequence`` counts from 1 without gaps."""

    sequence: int
    event: AuditEvent
    previous: str
    hash: str


def chain_hash(previous: str, event: AuditEvent) -> str:
    """Return the SHA-256 (hex) of an event that follows the record with hash ``previous``."""
    return hashlib.sha256(previous.encode() + b"\n" + event.canonical()).hexdigest()


def link(sequence: int, previous: str, event: AuditEvent) -> AuditRecord:
    """Put an event after the record that has hash ``previous``."""
    return AuditRecord(sequence, event, previous, chain_hash(previous, event))


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What walking the chain found. ``broken_at`` is the first bad sequence number, if any."""

    records: int
    broken_at: int | None
    problem: str

    @property
    def holds(self) -> bool:
        return self.broken_at is None


class ChainWalk:
    """Walks records in storage order, one at a time, so that memory stays flat."""

    def __init__(self, previous: str = GENESIS, sequence: int = 0) -> None:
        self._previous = previous
        self._sequence = sequence
        self._accepted = 0
        self._problem = ""

    def accept(self, record: AuditRecord) -> bool:
        """Take the next record; False once the chain is broken."""
        expected = self._sequence + 1
        if record.sequence != expected:
            self._problem = f"record {expected} is missing or out of order"
        elif record.previous != self._previous:
            self._problem = f"record {expected} does not follow record {self._sequence}"
        elif record.hash != chain_hash(self._previous, record.event):
            self._problem = f"record {expected} was changed"
        else:
            self._previous, self._sequence = record.hash, expected
            self._accepted += 1
        return not self._problem

    @property
    def verdict(self) -> ChainVerdict:
        """What the walk has found so far."""
        broken_at = self._sequence + 1 if self._problem else None
        return ChainVerdict(self._accepted, broken_at, self._problem)


def verify_chain(records: Iterable[AuditRecord]) -> ChainVerdict:
    """Walk records in storage order and find the first that was changed, removed or reordered."""
    walk = ChainWalk()
    for record in records:
        if not walk.accept(record):
            break
    return walk.verdict
