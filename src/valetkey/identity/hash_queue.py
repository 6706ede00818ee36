"""The queue in front of the slow password hash.

A hash takes a core and 64 MiB for a tenth of a second, and anybody may ask for one. So few run at
once, few wait, and one source has a share of the places only. Next is whoever's source had the
fewest hashes of late: somebody who comes for the first time waits for the running ones and for
others like them, however many a flood has sent. When all places are taken, the source with most
hashes gives one up to a source that has fewer. Whoever hangs up leaves the queue; a hash that runs
already can't be stopped, and keeps its place until it is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from valetkey.domain.ports import Clock
from valetkey.identity.throttle import too_many

R = TypeVar("R")

AT_ONCE: Final = 2
WAITING: Final = 12
#: Places kept for who has signed in from the same source before.
KEPT_FOR_KNOWN: Final = 4
OF_ONE_SOURCE: Final = 4
_COME_BACK: Final = 2
#: A hash is forgotten after so many seconds.
_FORGET_AFTER: Final = 60.0
_REMEMBERED: Final = 10_000


class _Ticket:
    __slots__ = ("known", "source", "turn")

    def __init__(self, source: str, *, known: bool) -> None:
        self.source = source
        self.known = known
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class SourceGate:
    """Lets each source have a few things under way at once. What was begun goes on when who asked
    for it leaves (cutting off a database's answer costs more than the answer), and counts until it
    is done."""

    def __init__(self, most: int = OF_ONE_SOURCE) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    async def run(self, source: str, work: Callable[[], Awaitable[R]]) -> R:
        """Do work. Raises TooManyRequests (then it was not begun), and what the work raises."""
        if self._under_way[source] >= self._most:
            raise too_many(1)
        self._under_way[source] += 1
        doing = asyncio.ensure_future(work())
        doing.add_done_callback(lambda _: self._leave(source))
        return await asyncio.shield(doing)

    def _leave(self, source: str) -> None:
        self._under_way[source] -= 1
        if not self._under_way[source]:
            del self._under_way[source]


class HashQueue:
    """Lets work pass, a few at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running = 0
        self._waiting: list[_Ticket] = []
        #: How many hashes a source had, and when that was so: it shrinks as time passes.
        self._had: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def run(self, source: str, work: Callable[[], Awaitable[R]], *, known: bool = False) -> R:
        """Do work when its turn has come. Raises TooManyRequests (then it was not begun), and what
        the work raises."""
        await self._turn(source, known=known)
        doing = asyncio.ensure_future(work())
        doing.add_done_callback(lambda _: self._leave())
        return await asyncio.shield(doing)

    async def _turn(self, source: str, *, known: bool) -> None:
        if self._running < AT_ONCE:
            self._running += 1
            self._count(source)
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
        if len(self._waiting) < WAITING + (KEPT_FOR_KNOWN if known else 0):
            return

        def weight(name: str) -> float:
            return shares[name] + self._recent(name)

        unknown = [ticket for ticket in self._waiting if not ticket.known]
        last = max(reversed(unknown), key=lambda each: weight(each.source), default=None)
        if last is None or weight(last.source) <= weight(source) + 1:
            raise too_many(_COME_BACK)
        self._waiting.remove(last)
        last.turn.set_exception(too_many(_COME_BACK))

    def _leave(self) -> None:
        while self._waiting:
            ticket = min(
                self._waiting, key=lambda each: (not each.known, self._recent(each.source))
            )
            self._waiting.remove(ticket)
            if not ticket.turn.done():  # somebody who has just been cancelled is on the way out
                self._count(ticket.source)
                ticket.turn.set_result(None)
                return
        self._running -= 1

    def _recent(self, source: str) -> float:
        had, at = self._had.get(source, (0.0, 0.0))
        return max(0.0, had - (self._clock.monotonic() - at) / _FORGET_AFTER)

    def _count(self, source: str) -> None:
        self._had[source] = (self._recent(source) + 1, self._clock.monotonic())
        self._had.move_to_end(source)
        while len(self._had) > _REMEMBERED:
            self._had.popitem(last=False)
