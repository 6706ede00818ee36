"""A verification as it happens: each check when it is known, for whoever looks on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from valetkey.domain.verification import Check
from valetkey.services.verification.checklist import OnCheck

T = TypeVar("T")

#: Verifications whose onlooker has left; the loop itself holds tasks weakly.
_unwatched: set[asyncio.Task[object]] = set()


async def stream(work: Callable[[OnCheck], Awaitable[T]]) -> AsyncIterator[Check | T]:
    """Yield each check that ``work`` tells of, and at the end what it returned.

    Raises what it raises. Whoever looks on may leave: the work goes on to its end, so that its
    probe is cleaned up and its verdict stored.
    """
    checks: asyncio.Queue[Check | None] = asyncio.Queue()

    async def run() -> T:
        try:
            return await work(checks.put_nowait)
        finally:
            checks.put_nowait(None)

    task = asyncio.create_task(run())
    try:
        while (check := await checks.get()) is not None:
            yield check
        yield await task
    finally:
        if not task.done():
            _unwatched.add(task)
            task.add_done_callback(_unwatched.discard)
