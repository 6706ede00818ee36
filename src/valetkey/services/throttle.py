"""Slowing down guesses: after a few failures, each further try must wait longer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from valetkey.domain.errors import TooManyRequests
from valetkey.domain.ports import Clock

_FREE_FAILURES: Final = 5
_FIRST_WAIT: Final = 2.0
_LONGEST_WAIT: Final = 900.0
_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class _Record:
    failures: int = 0
    free_at: float = 0.0


class Throttle:
    """Counts failures by name (an e-mail address, a network address), for a bounded number of
    names; the oldest are forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def check(self, *names: str) -> None:
        """Raise TooManyRequests while any of the names must wait."""
        now = self._clock.monotonic()
        wait = max((record.free_at - now for record in self._known(names)), default=0.0)
        if wait > 0:
            seconds = int(wait) + 1
            raise TooManyRequests(
                "There were too many failed tries.",
                hint=f"Try again in {seconds} seconds.",
                retry_after=seconds,
            )

    def failed(self, *names: str) -> None:
        """Count a failure."""
        now = self._clock.monotonic()
        for name in filter(None, names):
            record = self._records.setdefault(name, _Record())
            self._records.move_to_end(name)
            record.failures += 1
            beyond = record.failures - _FREE_FAILURES
            if beyond >= 0:
                record.free_at = now + min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(beyond, 20))
        while len(self._records) > _REMEMBERED:
            self._records.popitem(last=False)

    def succeeded(self, *names: str) -> None:
        """Forget the failures."""
        for name in names:
            self._records.pop(name, None)

    def _known(self, names: tuple[str, ...]) -> list[_Record]:
        return [self._records[name] for name in names if name in self._records]
