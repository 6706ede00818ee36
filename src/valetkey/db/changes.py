"""Telling what changed to all who keep things in memory, in every process.

A transaction publishes tags; once it is committed, this process's listeners hear them directly,
and on PostgreSQL the other processes' hear them by NOTIFY, which is part of the transaction. An
SQLite database is served by one process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.db.repositories.rows import Repository
from valetkey.domain.ports import ChangeListener

CHANNEL: Final = "valetkey_changes"
#: PostgreSQL takes payloads below 8,000 bytes; a tag has at most 40.
_TAGS_AT_ONCE: Final = 150
#: A connection that is dead without having been closed is noticed after at most this long.
_HEARTBEAT_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5


class SqlInvalidations(Repository):
    """Implements ports.Invalidations."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.tags: set[str] = set()

    async def publish(self, tags: Iterable[str]) -> None:
        fresh = sorted(set(tags) - self.tags)
        self.tags.update(fresh)
        if self._connection.dialect.name != "postgresql":
            return
        for start in range(0, len(fresh), _TAGS_AT_ONCE):
            payload = " ".join(fresh[start : start + _TAGS_AT_ONCE])
            await self._connection.execute(select(func.pg_notify(CHANNEL, payload)))


class Changes:
    """The listeners of one process, and the connection on which PostgreSQL tells it of others'.

    While that connection is not there, the listeners are deaf, and are told so.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._listeners: list[ChangeListener] = []
        self._listening: asyncio.Task[None] | None = None
        self._hearing = url.get_backend_name() == "sqlite"

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

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _listen_on_postgresql(self) -> None:
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._stay_connected(dsn)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _stay_connected(self, dsn: str) -> None:
        connection: Any = await asyncpg.connect(
            dsn,
            timeout=_HEARTBEAT_SECONDS,
            server_settings={"application_name": "valetkey changes"},
        )
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._tell(hearing=True)
            while not lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), _HEARTBEAT_SECONDS)
                if not lost.is_set():
                    await connection.execute("SELECT 1", timeout=_HEARTBEAT_SECONDS)
        finally:
            self._tell(hearing=False)
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        self.announce(payload.split())

    def _tell(self, *, hearing: bool) -> None:
        self._hearing = hearing
        for listener in self._listeners:
            if hearing:
                listener.hearing()
            else:
                listener.deaf()
