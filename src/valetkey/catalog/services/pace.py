"""The pace of work that is cut into many transactions: others come in between two of them.

A transaction that writes keeps SQLite's file to itself, and whatever its rows take keeps the event
loop busy. A queue lets in who waits already; a rest lets in who comes. On PostgreSQL many write at
once, and a credential waits until what others wrote before its record is on the disk: see
:class:`Pace`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final

#: About as long as one part takes: half of the time is everybody else's.
REST_SECONDS: Final = 0.01
#: So many rows one transaction writes, or looks at one by one, at most.
PART: Final = 50
#: So many rows one transaction deletes at most, by one statement.
DELETED: Final = 500
#: So many syncs' transactions of a process write at once, of the database's few connections, where
#: nobody is disturbed; and so many rows each at most.
WRITERS: Final = 4
ROWS: Final = 10_000
#: Where credentials are recorded in more of the time than this, one transaction writes after the
#: other, and so many rows: about 4 ms of work, and a third of a megabyte to be flushed.
_BESIDE_RECORDS: Final = 0.1
FEW_ROWS: Final = 250
#: A look counts an eighth: a load is known after a dozen looks, within a tenth of a second.
_NEWEST: Final = 0.125
#: So many times as long as records take of the time, syncs leave alone. More than the whole time
#: can't be left, and however much is recorded, a sync goes on.
_PATIENCE: Final = 2.0
_MOST_SHARE: Final = 0.8
_MOST_REST_SECONDS: Final = 0.25


async def rest() -> None:
    """Let others go first, between two parts."""
    await asyncio.sleep(REST_SECONDS)


@dataclass(slots=True)
class Pace:
    """What syncs of one process take of the database: what the records of credentials leave.

    A record's commit flushes all of the log that stands before it, and the database's processes,
    the worker's and the server's share the processors. So a sync looks in each of its transactions
    whether a record is being written (:meth:`saw`), and rests after it the longer, the more often
    one was. With nobody recording, nothing is given away.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    #: Of the looks, those that found a record being written; the newest count most.
    share: float = 0.0
    _writers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WRITERS))
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    def saw(self, *, recording: bool) -> None:
        """Note what a look found."""
        self.share += (recording - self.share) * _NEWEST

    @property
    def _is_beside_records(self) -> bool:
        return self.share > _BESIDE_RECORDS

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[int]:
        """Wait until one may write, and rest afterwards. Gives how many rows it may be."""
        async with self._writers, self._alone if self._is_beside_records else nullcontext():
            began = self.now()
            yield FEW_ROWS if self._is_beside_records else ROWS
            await self.sleep(self._rest(self.now() - began))

    def _rest(self, worked: float) -> float:
        share = min(self.share, _MOST_SHARE)
        return min(_MOST_REST_SECONDS, _PATIENCE * worked * share / (1 - share))
