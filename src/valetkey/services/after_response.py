"""What is put off until a request was answered.

Whatever a verb keeps from happening while it works may have to be kept from happening until its
answer has left: a revocation's answer says that nothing works which left before it, so nothing new
may leave before it does. Whoever answers opens the span with :func:`answering`; outside of one,
nothing is put off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

Act = Callable[[], Awaitable[None]]
_log = logging.getLogger(__name__)


class _PendingWork:
    """A request that is being answered, and what waits for that."""

    def __init__(self) -> None:
        self._waiting: list[Act] = []
        self._is_over = False

    async def put_off(self, act: Act) -> None:
        if self._is_over:  # the client hung up, and the verb went on
            await act()
        else:
            self._waiting.append(act)

    def close(self) -> bool:
        """Put nothing off any more; tell whether anything waits."""
        self._is_over = True
        return bool(self._waiting)

    async def catch_up(self) -> None:
        for act in self._waiting:
            try:
                await act()
            except Exception:  # noqa: BLE001  # one that fails keeps the others from nothing
                _log.exception("work put off until after an answer failed")


_current: Final[ContextVar[_PendingWork | None]] = ContextVar("answering", default=None)


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Within this a request is answered; what was put off is done once it is left, however."""
    current = _PendingWork()
    token = _current.set(current)
    try:
        yield
    finally:
        _current.reset(token)
        if current.close():
            # Who hangs up cancels the request, and not what is due after it.
            await asyncio.shield(asyncio.ensure_future(current.catch_up()))


async def once_answered(act: Act) -> None:
    """Do something once the request that this is a part of was answered; now, if it is none's."""
    current = _current.get()
    if current is None:
        await act()
    else:
        await current.put_off(act)
