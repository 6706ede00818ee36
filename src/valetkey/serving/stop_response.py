"""Telling those whose requests are cut off by a stop that it was the stop."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, Final

_BODY: Final = json.dumps(
    {
        "message": "The server was told to stop, and this request took longer than it was given.",
        "code": "stopping",
        "hint": "Send it again; the setting shutdown_grace says how long a stop waits.",
    }
).encode()
_START: Final = {
    "type": "http.response.start",
    "status": 503,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_BODY)),
        (b"connection", b"close"),
        (b"retry-after", b"5"),
    ],
}
#: What a client still sends is read for so long: it would not read an answer otherwise.
_DRAIN_SECONDS: Final = 0.7


def with_stop_response(app: Any) -> Any:
    """Return the application; a request that is cancelled before it was answered is answered."""

    async def answering(scope: Any, receive: Any, send: Any) -> None:
        begun = False

        async def noted(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noted)
        except asyncio.CancelledError:
            if begun:
                raise
            await _send_stop_response(receive, send)

    return answering


async def _send_stop_response(receive: Any, send: Any) -> None:
    await send(_START)
    await send({"type": "http.response.body", "body": _BODY, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})
