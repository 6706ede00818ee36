"""Connections to PostgreSQL that wait for nothing without a limit.

A failover leaves connections behind that take everything and answer nothing. So the server is told
when to give up, the client does so a little later, a connection that was quiet is asked before it
is used, and one that did not answer is dropped at once, and with it all that stood beside it. So is
one that can only read: it was made while the address led to a replica, and stays there.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from valetkey.db.errors import ENDED_BY_SERVER
from valetkey.db.limits import Limits

#: Each end notices after about half a minute that the other is gone, when nothing is sent.
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
_SERVERS_KEEPALIVE: Final = {
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
#: What says that a connection can't be used any more.
GONE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    ENDED_BY_SERVER,
)
#: What sessions that write the audit trail and nothing else are called (:func:`application`).
AUDIT: Final = "audit"
#: False on a replica, and in a session that was begun while nobody might write.
_CAN_WRITE: Final = "SELECT current_setting('transaction_read_only') = 'off'"
#: The SQLSTATE of a write there.
_ONLY_READS: Final = "25006"
_USED_AT: Final = "valetkey_used_at"


class PromptConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that notices a dead peer, and whose end waits for nobody."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        found = transport.get_extra_info("socket")
        if found is None or found.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # Linux's names
                found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """End it at once: a goodbye would wait for an answer that may never come."""
        self.terminate()


def application(name: str) -> str:
    """Return what pg_stat_activity shows of a session."""
    return f"valetkey {name}".strip()


def server_settings(limits: Limits, name: str) -> dict[str, str]:
    """Return what a session asks of the server."""
    return {
        "application_name": application(name),
        "statement_timeout": _ms(limits.statement),
        "lock_timeout": _ms(limits.lock),
        "idle_in_transaction_session_timeout": _ms(limits.idle_in_transaction),
        **_SERVERS_KEEPALIVE,
    }


def _ms(seconds: float) -> str:
    return str(int(seconds * 1000))


async def connect(
    dsn: str, limits: Limits, name: str, *, statements: int = 100, **more: str
) -> Any:
    """Return a connection of its own, which keeps so many prepared statements; ``more`` are
    settings of the session. Raises what asyncpg and the system do."""
    return await asyncpg.connect(
        dsn,
        timeout=limits.connect,
        command_timeout=limits.command,
        connection_class=PromptConnection,
        statement_cache_size=statements,
        server_settings=server_settings(limits, name) | more,
    )


def make_pool(
    url: URL, limits: Limits, size: int, name: str, settings: Mapping[str, str]
) -> AsyncEngine:
    """Return a pool of at most ``size`` connections, which heals by itself."""
    engine = create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=limits.pool,
        connect_args={
            "timeout": limits.connect,
            "command_timeout": limits.command,
            "connection_class": PromptConnection,
            "server_settings": server_settings(limits, name) | dict(settings),
        },
    )
    event.listen(engine.sync_engine, "checkout", partial(_ask_if_quiet, limits))
    event.listen(engine.sync_engine, "checkin", _note_use)
    event.listen(engine.sync_engine, "handle_error", _drop_dead)
    return engine


def _note_use(_: Any, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def _ask_if_quiet(limits: Limits, _: Any, record: Any, __: Any) -> None:
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < limits.quiet:
        return
    # Those that were made before one that is dead are most likely dead, too: each would cost
    # somebody a wait.
    try:
        can_write = await_only(record.driver_connection.fetchval(_CAN_WRITE, timeout=limits.ping))
    except (*GONE, asyncpg.PostgresError):
        raise InvalidatePoolError("The connection does not answer any more.") from None
    if not can_write:  # perhaps a new one can, and leads to where the database is by now
        raise InvalidatePoolError("The connection can only read.")


def _drop_dead(context: ExceptionContext) -> None:
    error = context.original_exception
    is_gone = isinstance(error, OSError | TimeoutError | ENDED_BY_SERVER)
    if is_gone or getattr(error, "sqlstate", None) == _ONLY_READS:
        context.is_disconnect = True
