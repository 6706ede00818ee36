"""The queue in front of what anybody may ask for and what costs: a look into the database, the
slow hash of a password.

A hash takes a core and 64 MiB for a tenth of a second. So few run at once, few wait, and one source
has a share of the places only. Next is whoever's source had the fewest turns of late: somebody who
comes for the first time waits for others like them only, however many a flood has sent, since a
source that had some turns leaves the last slot free. When all places are taken, the source with
most turns gives one up to a source that has fewer. Whoever hangs up leaves the queue; what runs
already can't be stopped, and keeps its slot until it is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from valetkey.domain.ports import Clock
from valetkey.identity.throttle import too_many

R = TypeVar("R")

AT_ONCE: Final = 2
WAITING: Final = 12
#: Places kept for who has signed in from the same source before.
KEPT_FOR_KNOWN: Final = 4
OF_ONE_SOURCE: Final = 4
#: Who had so many turns of late leaves one slot to those who had fewer.
_SOME: Final = 3
_COME_BACK: Final = 2
#: A turn is forgotten after so many seconds.
_FORGET_AFTER: Final = 60.0
_REMEMBERED: Final = 10_000


class _Ticket:
    __slots__ = ("known", "source", "turn")

    def __init__(self, source: str, *, known: bool) -> None:
        self.source = source
        self.known = known
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class FairQueue:
    """Lets work pass, a few at a time."""

    def __init__(self, clock: Clock, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._clock = clock
        self._at_once = at_once
        self._places = waiting
        self._running = 0
        self._waiting: list[_Ticket] = []
        #: How many turns a source had, and when that was so: it shrinks as time passes.
        self._had: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def run(self, source: str, work: Callable[[], Awaitable[R]], *, known: bool = False) -> R:
        """Do work when its turn has come. What was begun goes on when who asked for it leaves.

        Raises TooManyRequests (then it was not begun), and what the work raises."""
        await self._turn(source, known=known)
        doing = asyncio.ensure_future(work())
        doing.add_done_callback(self._done)
        return await asyncio.shield(doing)

    def _done(self, doing: asyncio.Future[Any]) -> None:
        if not doing.cancelled():
            doing.exception()  # whoever asked may have left, and then nobody else looks at it
        self._leave()

    async def _turn(self, source: str, *, known: bool) -> None:
        if self._may_start(source, known=known):
            self._start(source)
            return
        self._make_room(source, known=known)
        ticket = _Ticket(source, known=known)
        self._waiting.append(ticket)
        try:
            await ticket.turn
        except asyncio.CancelledError:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            elif not ticket.turn.cancelled() and ticket.turn.exception() is None:
                self._leave()  # the turn had come, and nobody is there to take it
            raise

    def _make_room(self, source: str, *, known: bool) -> None:
        shares = Counter(ticket.source for ticket in self._waiting)
        if shares[source] >= OF_ONE_SOURCE:
            raise too_many(_COME_BACK)
        if len(self._waiting) < self._places + (KEPT_FOR_KNOWN if known else 0):
            return

        def weight(name: str) -> float:
            return shares[name] + self._recent(name)

        unknown = [ticket for ticket in self._waiting if not ticket.known]
        last = max(reversed(unknown), key=lambda each: weight(each.source), default=None)
        if last is None or weight(last.source) <= weight(source) + 1:
            raise too_many(_COME_BACK)
        self._waiting.remove(last)
        if not last.turn.done():  # else it has been cancelled, and is on the way out
            last.turn.set_exception(too_many(_COME_BACK))

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting:
            ticket = min(
                self._waiting, key=lambda each: (not each.known, self._recent(each.source))
            )
            if not self._may_start(ticket.source, known=ticket.known):
                return
            self._waiting.remove(ticket)
            if not ticket.turn.done():  # somebody who has just been cancelled is on the way out
                self._start(ticket.source)
                ticket.turn.set_result(None)

    def _may_start(self, source: str, *, known: bool) -> bool:
        favoured = known or self._recent(source) < _SOME
        return self._running < (self._at_once if favoured else self._at_once - 1)

    def _start(self, source: str) -> None:
        self._running += 1
        self._count(source)

    def _recent(self, source: str) -> float:
        had, at = self._had.get(source, (0.0, 0.0))
        return max(0.0, had - (self._clock.monotonic() - at) / _FORGET_AFTER)

    def _count(self, source: str) -> None:
        self._had[source] = (self._recent(source) + 1, self._clock.monotonic())
        self._had.move_to_end(source)
        while len(self._had) > _REMEMBERED:
            self._had.popitem(last=False)
