"""The record of who got what: append-only, each record holding the hash of the one before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _text
from typing import Any, Final, Protocol, Self

from valetkey.domain.credentials import require_aware

#: The hash that stands before the first record.
GENESIS: Final = "0" * 64
#: What some database refuses within a text: NUL, and halves of a character.
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
#: The longest texts that a record's columns take, where a caller has a say in them.
_LONGEST: Final = {"actor": 254, "request_id": 200, "source": 200}


def storable(text: str, longest: int | None = None) -> str:
    """Return a text that every database stores: what it would refuse stands as U+FFFD, and what is
    longer than ``longest`` characters is cut.

    Records hold what callers sent. One that can't be stored would be a way to leave none.
    """
    text = text if text.isprintable() else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if longest is None else text[:longest]


def _storable_json(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _storable_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable_json(each) for each in value]
    return value


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

    @classmethod
    def of(cls, *, details: Mapping[str, Any], **fields: Any) -> Self:
        """Make an event of what a caller said and did, in texts that can be stored.

        The plain constructor takes an event as it is: a stored one must not change.
        """
        texts: dict[str, Any] = {
            name: storable(value, _LONGEST.get(name)) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        return cls(**texts, details=_storable_json(details))

    @property
    def stamp(self) -> str:
        return stamp(self.at)

    def cells(self, moment: Any) -> Cells:
        """Return the fields in the order of the table's columns, the details as JSON; ``moment``
        is the time, as the table has it."""
        return (
            self.id,
            moment,
            self.org_id,
            self.actor,
            self.action,
            self.outcome,
            self.subject,
            self.reason,
            self.request_id,
            self.source,
            _compact(dict(self.details)),
        )

    def canonical(self) -> str:
        """Return the record's one form: sorted compact JSON in ASCII, time in UTC microseconds."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["at"] = self.stamp
        fields["details"] = dict(self.details)
        return _compact(fields)


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def stamp(at: datetime) -> str:
    """Return a moment in UTC, to the microsecond: ``2026-01-02T03:04:05.678901+00:00``."""
    at = at if at.tzinfo is UTC else at.astimezone(UTC)
    second = _second(at.year, at.month, at.day, at.hour, at.minute, at.second)
    return f"{second}.{at.microsecond:06d}+00:00"


@lru_cache(maxsize=64)
def _second(year: int, month: int, day: int, hour: int, minute: int, second: int) -> str:
    # Many records are of the same second, and writing it out takes 1 µs.
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"


#: Id, time, organisation, actor, action, outcome, subject, reason, request id, source, details
#: (as JSON): an event's fields in the order of the table's columns.
Cells = tuple[str, Any, str, str, str, str, str, str, str, str, str]


class Entry(Protocol):
    """What can be recorded: an :class:`AuditEvent`, or a :class:`FilledForm`, which is quicker
    and has the same form."""

    @property
    def at(self) -> datetime: ...
    @property
    def stamp(self) -> str:
        """When, as :func:`stamp` writes it."""
        ...

    def canonical(self) -> str: ...
    def cells(self, moment: Any) -> Cells: ...


class AuditForm:
    """What many events have in common, its form worked out once: vending the same credential
    a thousand times differs only in when, and in which request. Its texts are made storable."""

    __slots__ = ("after_id", "after_source", "before_at", "before_id", "constant", "details")

    def __init__(
        self,
        *,
        org_id: str,
        actor: str,
        action: str,
        outcome: str,
        subject: str,
        reason: str,
        details: Mapping[str, Any],
    ) -> None:
        actor = storable(actor, _LONGEST["actor"])
        subject, reason = storable(subject), storable(reason)
        self.constant = (org_id, actor, action, outcome, subject, reason)
        self.details = _compact(_storable_json(details))
        # The sorted JSON, but for what differs: the time, the id, the request and its source.
        self.before_at = f'{{"action":{_text(action)},"actor":{_text(actor)},"at":"'
        self.before_id = f'","details":{self.details},"id":'
        self.after_id = (
            f',"org_id":{_text(org_id)},"outcome":{_text(outcome)},"reason":{_text(reason)}'
            ',"request_id":'
        )
        self.after_source = f',"subject":{_text(subject)}}}'


class FilledForm:
    """An event made of a form. Implements :class:`Entry` once it has its :meth:`date`: it is given
    its id and its time as it is written, together with others."""

    __slots__ = ("at", "form", "id", "request_id", "source", "stamp")
    at: datetime
    id: str
    stamp: str

    def __init__(self, form: AuditForm, request_id: str, source: str) -> None:
        self.form = form
        self.request_id = storable(request_id, _LONGEST["request_id"])
        self.source = storable(source, _LONGEST["source"])

    def date(self, event_id: str, at: datetime, stamp: str) -> Self:
        """Give the event its id and time; ``stamp`` is the time's written form."""
        self.id = event_id
        self.at = at
        self.stamp = stamp
        return self

    def canonical(self) -> str:
        form = self.form
        return (
            f"{form.before_at}{self.stamp}{form.before_id}{_text(self.id)}{form.after_id}"
            f'{_text(self.request_id)},"source":{_text(self.source)}{form.after_source}'
        )

    def cells(self, moment: Any) -> Cells:
        form = self.form
        return (self.id, moment, *form.constant, self.request_id, self.source, form.details)


def as_event(entry: Entry) -> AuditEvent:
    """Return an entry as a plain event."""
    fields = dict(zip(AuditEvent.__slots__, entry.cells(entry.at), strict=True))
    return AuditEvent(**{**fields, "details": json.loads(str(fields["details"]))})


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event in its place in the chain. ``sequence`` counts from 1 without gaps."""

    sequence: int
    event: AuditEvent
    previous: str
    hash: str


def chain_hash(previous: str, event: Entry) -> str:
    """Return the SHA-256 (hex) of an event that follows the record with hash ``previous``."""
    return hashlib.sha256(f"{previous}\n{event.canonical()}".encode()).hexdigest()


def link(sequence: int, previous: str, event: AuditEvent) -> AuditRecord:
    """Put an event after the record that has hash ``previous``."""
    return AuditRecord(sequence, event, previous, chain_hash(previous, event))


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records are meant; what is empty does not narrow. ``since`` is included, ``until``
    is not."""

    org_id: str = ""
    action: str = ""
    actor: str = ""
    outcome: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, event: AuditEvent) -> bool:
        """Tell whether an event is meant."""
        names = ("org_id", "action", "actor", "outcome", "subject")
        texts = all(getattr(self, name) in {"", getattr(event, name)} for name in names)
        begun = self.since is None or event.at >= self.since
        return texts and begun and (self.until is None or event.at < self.until)


ALL_RECORDS: Final = AuditFilter()


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
