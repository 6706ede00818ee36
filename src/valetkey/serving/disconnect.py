"""Work that is done for as long as the client waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from valetkey.domain.errors import TookTooLong

T = TypeVar("T")
#: ASGI's way to hear of a client; what it says last is that the client has gone.
NextMessage = Callable[[], Awaitable[Any]]


async def while_connected(receive: NextMessage, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work does; a client that hangs up ends it. The body must have been read.

    Raises TookTooLong, which nobody reads, when the client has gone.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TookTooLong("The client did not wait for the answer.", hint="Ask again.")
        return task.result()
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(receive: NextMessage) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
