"""The queue in front of the slow password hash.

A hash takes a core and 64 MiB for a tenth of a second, and anybody may ask for one. So few run at
once, few wait, and one source has a share of the places only. When all are taken, the source with
most of them gives one up to a source that has fewer. Whoever hangs up leaves the queue; a hash that
runs already can't be stopped, and keeps its place until it is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from valetkey.identity.throttle import too_many

R = TypeVar("R")

AT_ONCE: Final = 2
WAITING: Final = 12
#: Places kept for who has signed in from the same source before.
KEPT_FOR_KNOWN: Final = 4
OF_ONE_SOURCE: Final = 4
_COME_BACK: Final = 2


class _Ticket:
    __slots__ = ("source", "turn")

    def __init__(self, source: str) -> None:
        self.source = source
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class HashQueue:
    """Lets work pass, a few at a time."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting: list[_Ticket] = []

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
            return
        self._make_room(source, known=known)
        ticket = _Ticket(source)
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
        greediest, most = shares.most_common(1)[0]
        if most <= shares[source] + 1:
            raise too_many(_COME_BACK)
        last = next(each for each in reversed(self._waiting) if each.source == greediest)
        self._waiting.remove(last)
        last.turn.set_exception(too_many(_COME_BACK))

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.pop(0).turn
            if not turn.done():  # somebody who has just been cancelled is on the way out
                turn.set_result(None)
                return
        self._running -= 1
