"""Addresses that answer for one more release say so (RFC 9745, RFC 8594)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from valetkey.catalog.dataloop.outside import OLD_PREFIX

_SINCE: Final = datetime(2026, 11, 28, tzinfo=UTC)
_UNTIL: Final = datetime(2027, 5, 28, tzinfo=UTC)
_HEADERS: Final = (
    (b"deprecation", b"@%d" % _SINCE.timestamp()),
    (b"sunset", format_datetime(_UNTIL, usegmt=True).encode()),
    (b"link", b'</dataloop/api/v1>; rel="successor-version"'),
)
_App = Callable[[Any, Any, Any], Awaitable[None]]


def marking_old_addresses(app: _App) -> _App:
    """Return the application, whose answers at ``/api/v1`` and ``/token`` say until when they
    come, and where Dataloop's API has moved."""

    async def marked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not _is_old(scope["path"]):
            await app(scope, receive, send)
            return

        async def send_marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await app(scope, receive, send_marked)

    return marked


def _is_old(path: str) -> bool:
    return path == "/token" or path.startswith(f"{OLD_PREFIX}/")
