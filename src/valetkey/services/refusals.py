"""Records of refusals, bounded: whoever is refused without end must not fill the audit trail.

Of each caller the first refusals of a minute are written out; what comes beyond is counted, and
one record tells the count when the minute is over. Who has proven nothing is counted by network.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from valetkey.counting import counted
from valetkey.domain.audit import AuditEvent
from valetkey.domain.ports import Clock
from valetkey.domain.sources import source_network

LEFT_OUT: Final = "records.left_out"
#: So many refusals of a caller are written out in so many seconds.
WRITTEN_OUT: Final = 30
WINDOW: Final = 60.0
_CALLERS: Final = 10_000
_MOST_DETAILS: Final = 2_000
_MOST_TEXT: Final = 500
_MOST_ENTRIES: Final = 10


@dataclass(slots=True)
class _Window:
    first: AuditEvent
    until: float
    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


class RefusalLimit:
    """Says which refusals are written, and what is written in place of the others."""

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def admit(self, event: AuditEvent) -> list[AuditEvent]:
        """Return what is to be written for a refusal: it, nothing, or counts that were due and
        it."""
        now = self._clock.monotonic()
        caller = (event.org_id, event.actor or source_network(event.source))
        window, due = self._windows.get(caller), []
        if window is None or now >= window.until:
            due = self._close(window)
            window = self._windows[caller] = _Window(event, now + WINDOW)
            self._windows.move_to_end(caller)
            while len(self._windows) > _CALLERS:
                due += self._close(self._windows.popitem(last=False)[1])
        if window.written >= WRITTEN_OUT:
            window.left_out[event.action] += 1
            return due
        window.written += 1
        return [*due, shortened(event)]

    def due(self) -> list[AuditEvent]:
        """Return the counts of the minutes that are over, once."""
        now = self._clock.monotonic()
        over = [caller for caller, window in self._windows.items() if now >= window.until]
        return [event for caller in over for event in self._close(self._windows.pop(caller))]

    def _close(self, window: _Window | None) -> list[AuditEvent]:
        if window is None or not window.left_out:
            return []
        count, first = sum(window.left_out.values()), window.first
        event = AuditEvent.of(
            id=self._new_id(),
            at=self._clock.now(),
            org_id=first.org_id,
            actor=first.actor,
            action=LEFT_OUT,
            outcome="denied",
            subject=f"caller:{first.actor or source_network(first.source)}",
            reason=f"Counted only: {counted(count, 'more refusal')} within {WINDOW:.0f} seconds.",
            request_id="",
            source=first.source,
            details={"left_out": dict(window.left_out), "since": first.stamp},
        )
        return [event]


def shortened(event: AuditEvent) -> AuditEvent:
    """Return a refusal that has a bounded size: long texts and lists are cut, and say so."""
    details = dict(event.details)
    if len(json.dumps(details)) > _MOST_DETAILS:
        details = {name: _cut(value) for name, value in details.items()}
    return replace(event, subject=_cut(event.subject), reason=_cut(event.reason), details=details)


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MOST_TEXT:
        return f"{value[:_MOST_TEXT]}... ({counted(len(value), 'character')})"
    if isinstance(value, list) and len(value) > _MOST_ENTRIES:
        return [*map(_cut, value[:_MOST_ENTRIES]), f"... ({counted(len(value), 'entry')})"]
    if isinstance(value, list):
        return [_cut(entry) for entry in value]
    return value
