"""What serves from an event loop in a thread of its own: for processes as for tests that block."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self

#: Nothing that works takes so long, in seconds.
_HANGS: Final = 90


class LoopThread(ABC):
    """Listens while inside."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name)

    @abstractmethod
    async def _listen(self) -> None: ...

    @abstractmethod
    async def _end(self) -> None: ...

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_HANGS)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the loop, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_HANGS)

    def _call(self, act: Callable[[], object]) -> None:
        """Likewise for what does not wait itself."""

        async def run() -> None:
            act()

        self._run(run())
