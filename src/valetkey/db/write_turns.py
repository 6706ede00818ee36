"""Whose turn it is to write to a SQLite file, among the threads of this process.

SQLite has one writer at a time, and no queue: whoever finds the file locked sleeps, up to a tenth
of a second at a time, and may find it locked again. A record that a credential waits for would
lose that race again and again to whoever writes many rows. Here those who wait stand in a queue,
records before everything else, and are woken when it is their turn. Between two turns of others
there is one of the records at most, and the other way round: neither starves.

Other processes know nothing of it; SQLite's own lock keeps them out.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class WriteTurns:
    """Gives turns to threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._records: deque[threading.Lock] = deque()
        self._others: deque[threading.Lock] = deque()

    def take(self, seconds: float, *, record: bool = False) -> None:
        """Wait for a turn, and have it until :meth:`give_back`. Raises sqlite3.OperationalError,
        as SQLite does, if it does not come within so many seconds."""
        queue, woken = self._records if record else self._others, threading.Lock()
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            woken.acquire()
            queue.append(woken)
        if woken.acquire(timeout=seconds):
            return
        with self._guard:
            if woken in queue:
                queue.remove(woken)
                raise sqlite3.OperationalError("write turn: database is locked")
        # It came at the very moment at which the wait ended.

    def give_back(self) -> None:
        """End one's turn, and wake who is next."""
        with self._guard:
            waiting = self._records or self._others
            if waiting:
                waiting.popleft().release()
            else:
                self._taken = False

    @contextmanager
    def taken(self, seconds: float, *, record: bool = False) -> Iterator[None]:
        """Have a turn while inside. Raises as :meth:`take` does."""
        self.take(seconds, record=record)
        try:
            yield
        finally:
            self.give_back()
