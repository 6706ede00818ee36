"""Connections to SQLite, each with a thread of its own.

Every step from the event loop to a thread and back waits for the interpreter's lock and for the
loop's next round, while a transaction holds the file. So a statement is one step, with all that it
finds; the usual drivers take four. SQLAlchemy's own driver for asyncio is made of these
connections as it is of aiosqlite's, whose interface they have, as far as it is used.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, Self, TypeVar

from valetkey.db.write_turns import WriteTurns
from valetkey.system import step_back

T = TypeVar("T")

#: Begins a transaction that writes: it waits for its turn.
BEGIN_WRITING: Final = "BEGIN IMMEDIATE"
_BEGIN_READING: Final = "BEGIN"

_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class ThreadedConnection:
    """A connection whose statements run in its thread, one after another.

    What was given to the thread is done, also where nobody waits for it any more.
    """

    def __init__(self, turns: WriteTurns, busy_seconds: float) -> None:
        self._turns, self._busy_seconds = turns, busy_seconds
        self._has_turn = self._begins_reading = self._is_over = False
        #: None before it is opened, and once it is closed.
        self._connection: sqlite3.Connection | None = None
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sqlite", daemon=True)

    @classmethod
    async def open(
        cls,
        turns: WriteTurns,
        path: str,
        *,
        timeout: float,  # noqa: ASYNC109  # SQLite's
        nice: int = 0,
        **more: Any,
    ) -> Self:
        """Connect to a file, in a thread that is so much nicer to others than this one; ``more``
        is for :func:`sqlite3.connect`. Raises sqlite3.Error."""
        made = cls(turns, timeout)

        def connect() -> None:
            step_back(nice)
            made._connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, **more)

        made._thread.start()
        try:
            await made.run(connect)
        except BaseException:
            made.stop()
            raise
        return made

    def begin_reading(self) -> None:
        """Begin a transaction with the next statement."""
        self._begins_reading = True

    def cursor(self) -> ThreadedCursor:
        return ThreadedCursor(self)

    async def commit(self) -> None:
        self._begins_reading = False
        await self.run(self.raw.commit)

    async def rollback(self) -> None:
        self._begins_reading = False
        await self.run(self.raw.rollback)

    async def create_function(self, *given: Any, **more: Any) -> None:
        await self.run(lambda: self.raw.create_function(*given, **more))

    async def set_progress_handler(self, handler: Callable[[], bool] | None, steps: int) -> None:
        await self.run(lambda: self.raw.set_progress_handler(handler, steps))

    async def close(self) -> None:
        """Close it, which undoes what was not committed, after what its thread is at."""
        if not self._is_over:
            await self._last(self._close)

    def stop(self) -> None:
        """Close it likewise, without waiting."""
        if not self._is_over:
            self._last(self._close)

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection itself, for work in its thread."""
        if self._connection is None:
            raise sqlite3.OperationalError("connection closed")
        return self._connection

    async def run(self, work: Callable[[], T]) -> T:
        """Do something in the thread; return what it returns, or raise what it raises."""
        if self._is_over:
            raise sqlite3.OperationalError("connection closed")
        return await self._given(work)

    def begun(self, statement: str) -> sqlite3.Connection:
        """Return the connection for a statement, in the thread: begin what is to be begun first."""
        connection = self.raw
        if self._begins_reading:
            self._begins_reading = False
            connection.execute(_BEGIN_READING)
        elif statement == BEGIN_WRITING:
            self._turns.take(self._busy_seconds)
            self._has_turn = True
        return connection

    def _given(self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, loop, done))
        return done

    def _last(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Give the thread the last thing to do."""
        self._is_over = True
        done = self._given(work)
        self._jobs.put(None)
        return done

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, loop, done = job
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001  # whatever it was, who waits hears of it
                error = raised
            finally:
                self._end_turn()
            with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                loop.call_soon_threadsafe(_settle, done, result, error)
            del job, work, loop, done, result, error  # nothing is kept alive until the next one

    def _end_turn(self) -> None:
        if self._has_turn and not (self._connection and self._connection.in_transaction):
            self._has_turn = False
            self._turns.give_back()


class ThreadedCursor:
    """A statement and all that it found, fetched in the same step."""

    arraysize = 1

    def __init__(self, connection: ThreadedConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount, self.lastrowid = -1, -1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, values: Sequence[Any] = ()) -> Self:
        def work(cursor: sqlite3.Cursor) -> None:
            cursor.execute(statement, values)

        return await self._run(statement, work)

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Self:
        def work(cursor: sqlite3.Cursor) -> None:
            cursor.executemany(statement, rows)

        return await self._run(statement, work)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Forget what was found."""
        self._rows = []

    async def _run(self, statement: str, work: Callable[[sqlite3.Cursor], None]) -> Self:
        def all_of_it() -> None:
            cursor = self._connection.begun(statement).cursor()
            try:
                work(cursor)
                if cursor.description:
                    self.description, self._rows = cursor.description, cursor.fetchall()
                self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid or -1
            finally:
                cursor.close()

        await self._connection.run(all_of_it)
        return self


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if done.done():
        return  # whoever waited was cancelled
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
