"""Telling what changed to all who keep things in memory, in every process.

A transaction publishes tags; once it is committed, this process's listeners hear them directly,
and on PostgreSQL the other processes' hear them by NOTIFY, which is part of the transaction. An
SQLite database is served by one process.

On PostgreSQL changes are numbered, under the lock that audit records are stored under: so whoever
has stored a record knows which changes were committed before it (:data:`NEWEST`), and waits until
it has heard of them (:meth:`Changes.catch_up`). Without that, a process could hand out what another
one has just forbidden.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import asyncpg
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.db.errors import unavailable
from valetkey.db.limits import LIMITS, Limits
from valetkey.db.postgres import GONE, connect
from valetkey.db.repositories.audit import AUDIT_LOCK
from valetkey.db.repositories.rows import Repository
from valetkey.domain.batches import batched
from valetkey.domain.ports import ChangeListener

CHANNEL: Final = "valetkey_changes"
#: PostgreSQL takes payloads below 8,000 bytes; a tag has at most 40.
_TAGS_AT_ONCE: Final = 150
#: The number of the newest change: of those that hold the lock, all that are committed.
NEWEST: Final = "coalesce(pg_sequence_last_value('change_numbers'), 0)"
#: News that are on their way are waited for this long; then everything is taken for changed.
_NEWS_SECONDS: Final = 2.0
#: So often the connection is asked whether it lives: one that died without a word is noticed within
#: this and the limits' ``ping``. What was remembered until then is forgotten.
_HEARTBEAT_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.5

_log = logging.getLogger(__name__)


class SqlInvalidations(Repository):
    """Implements ports.Invalidations."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.tags: set[str] = set()

    async def publish(self, tags: Iterable[str]) -> None:
        self.tags.update(tags)

    async def send(self) -> None:
        """Tell the other processes, as the last thing before the commit."""
        if not self.tags or self._connection.dialect.name != "postgresql":
            return
        lock = f"SELECT pg_advisory_xact_lock({AUDIT_LOCK})"
        await self._connection.execute(text(lock))
        next_number = text("SELECT nextval('change_numbers')")
        number = (await self._connection.execute(next_number)).scalar_one()
        tags = sorted(self.tags)
        for some in batched(tags, _TAGS_AT_ONCE):
            payload = " ".join([str(number), *some])
            await self._connection.execute(select(func.pg_notify(CHANNEL, payload)))


class ChangeListeners:
    """The listeners of one process, and the connection on which PostgreSQL tells it of others'.

    While that connection is not there, the listeners are deaf, and are told so.
    """

    def __init__(self, url: URL, limits: Limits = LIMITS) -> None:
        self._url = url
        self._limits = limits
        self._listeners: list[ChangeListener] = []
        self._listening: asyncio.Task[None] | None = None
        self._hearing = url.get_backend_name() == "sqlite"
        self._logged = ""
        self._heard_up_to = 0
        self._news = asyncio.Event()

    def listen(self, listener: ChangeListener) -> None:
        """Add a listener. On PostgreSQL it is deaf until the first connection stands."""
        self._listeners.append(listener)
        if self._hearing:
            return
        listener.deaf()
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_on_postgresql())

    def announce(self, tags: Iterable[str]) -> None:
        """Tell this process's listeners of tags that were committed."""
        if known := frozenset(tags):
            for listener in self._listeners:
                listener.changed(known)

    async def catch_up(self, number: int) -> None:
        """Return once the listeners have heard of all changes up to a number: they were committed,
        so it is a matter of milliseconds. If it is not, they hear that anything may have changed.
        """
        if number <= self._heard_up_to:
            return
        if self._hearing:
            with suppress(TimeoutError):
                async with asyncio.timeout(_NEWS_SECONDS):
                    while not self._is_settled(number):
                        self._news.clear()
                        await self._news.wait()
        if number > self._heard_up_to:
            self._heard_up_to = number
            self._tell(hearing=self._hearing)

    def _is_settled(self, number: int) -> bool:
        return number <= self._heard_up_to or not self._hearing

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _listen_on_postgresql(self) -> None:
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                await self._stay_connected(dsn)
            except (*GONE, asyncpg.PostgresError) as error:
                self._log_once(unavailable(error).message)
            except Exception:  # noqa: BLE001  # who is deaf must go on trying to hear
                _log.error("listening for changes of other processes failed", exc_info=True)
            await asyncio.sleep(_RETRY_SECONDS)

    def _log_once(self, reason: str) -> None:
        if reason != self._logged:
            _log.warning("changes of other processes are not heard: %s", reason)
        self._logged = reason

    async def _stay_connected(self, dsn: str) -> None:
        connection = await connect(dsn, self._limits, "changes")
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            # Whatever was committed before is not heard of any more; the rest will be.
            newest = await connection.fetchval(
                f"WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock({AUDIT_LOCK})) "  # noqa: S608  # our own names
                f"SELECT {NEWEST} FROM lock"
            )
            self._heard_up_to = max(self._heard_up_to, newest)
            self._tell(hearing=True)
            self._logged = ""
            while not lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), _HEARTBEAT_SECONDS)
                if not lost.is_set():
                    await connection.execute("SELECT 1", timeout=self._limits.ping)
        finally:
            self._tell(hearing=False)
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        number, *tags = payload.split()
        self.announce(tags)
        self._heard_up_to = max(self._heard_up_to, int(number))
        self._news.set()

    def _tell(self, *, hearing: bool) -> None:
        self._hearing = hearing
        self._news.set()
        for listener in self._listeners:
            if hearing:
                listener.hearing()
            else:
                listener.deaf()
