"""A chart as numbers: vends and refusals over time, for a template that draws them as SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.audit import AuditEvent

VEND: Final = "credentials.vend"
BARS: Final = 24
HEIGHT: Final = 96
#: Widths of a bar, the narrowest that shows everything is taken.
_WIDTHS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (5, 15, 60, 180, 720, 1440, 7 * 1440, 30 * 1440)
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time. Heights are in the drawing's units; ``allowed`` stands on ``refused``."""

    start: datetime
    allowed: int
    refused: int
    allowed_height: float
    refused_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from the oldest to now."""

    bars: tuple[Bar, ...]
    width: timedelta
    allowed: int
    refused: int
    highest: int

    @property
    def summary(self) -> str:
        """The chart in a sentence, for whoever does not see it."""
        return f"{self.allowed} vended, {self.refused} refused or failed."


class ChartMaker:
    """Takes events one at a time, so that memory stays flat."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._counts: dict[int, list[int]] = {}
        self._oldest = now

    def add(self, event: AuditEvent) -> None:
        """Count an event: a vend, or anything that was refused."""
        kind = int(event.outcome != "allowed")
        if not kind and event.action != VEND:
            return
        slot = int(event.at.timestamp() // _WIDTHS[0].total_seconds())
        self._counts.setdefault(slot, [0, 0])[kind] += 1
        self._oldest = min(self._oldest, event.at)

    def chart(self) -> Chart:
        """Return what has been counted."""
        age = self._now - self._oldest
        width = next((w for w in _WIDTHS if w * (BARS - 1) >= age), _WIDTHS[-1])
        seconds = width.total_seconds()
        last = int(self._now.timestamp() // seconds)
        sums = {slot: [0, 0] for slot in range(last - BARS + 1, last + 1)}
        for slot, counts in self._counts.items():
            place = sums.get(int(slot * _WIDTHS[0].total_seconds() // seconds))
            if place is not None:
                place[0] += counts[0]
                place[1] += counts[1]
        highest = max((sum(counts) for counts in sums.values()), default=0)
        bars = tuple(self._bar(slot * seconds, counts, highest) for slot, counts in sums.items())
        allowed, refused = (sum(counts[kind] for counts in sums.values()) for kind in (0, 1))
        return Chart(bars, width, allowed, refused, highest)

    def _bar(self, start: float, counts: list[int], highest: int) -> Bar:
        unit = HEIGHT / highest if highest else 0
        return Bar(
            datetime.fromtimestamp(start, self._now.tzinfo),
            counts[0],
            counts[1],
            round(counts[0] * unit, 1),
            round(counts[1] * unit, 1),
        )


def count(events: Iterable[AuditEvent], now: datetime) -> Chart:
    """Return the chart of some events."""
    maker = ChartMaker(now)
    for event in events:
        maker.add(event)
    return maker.chart()
