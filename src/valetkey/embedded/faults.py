"""Faults that a test orders: the next calls that match are refused, hung, garbled or cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from valetkey.embedded.requests import StandInCall


class FaultKind(StrEnum):
    """What happens instead of an answer; with LOST_RESPONSE the call takes effect all the same."""

    ERROR = "error"
    HANG = "hang"
    GARBAGE = "garbage"
    CUT = "cut"
    LOST_RESPONSE = "lost answer"


@dataclass(slots=True)
class Fault:
    """Matches calls by service and action (empty: any); skips some, then strikes ``times`` times.

    ``code`` and ``status`` are for ERROR.
    """

    kind: FaultKind
    service: str = ""
    action: str = ""
    skip: int = 0
    times: int = 1
    code: str = "ServiceUnavailable"
    message: str = "a fault that a test ordered"
    status: int = 503
    struck: int = 0
    _released: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _hanging: list[Callable[[], object]] = field(default_factory=list)

    def release(self) -> None:
        """Let the calls that hang go on (to a closed connection)."""
        with self._lock:
            self._released = True
            hanging, self._hanging = self._hanging, []
        for wake in hanging:
            wake()

    async def hang(self) -> None:
        """Wait for the release, which may come from another thread."""
        loop, released = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            if self._released:
                return
            self._hanging.append(lambda: loop.call_soon_threadsafe(released.set))
        await released.wait()


class Faults:
    """The orders in force. Safe to use from the test's thread and the server's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []

    def order(self, fault: Fault) -> Fault:
        """Put an order in force and return it."""
        with self._lock:
            self._orders.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all orders; whatever hangs is released."""
        with self._lock:
            orders, self._orders = self._orders, []
        for fault in orders:
            fault.release()

    def strike(self, call: StandInCall) -> Fault | None:
        """Return the fault that befalls a call, if one does."""
        with self._lock:
            for fault in self._matching(call):
                if fault.skip:
                    fault.skip -= 1
                elif fault.struck < fault.times:
                    fault.struck += 1
                    return fault
        return None

    def _matching(self, call: StandInCall) -> Iterator[Fault]:
        for fault in self._orders:
            if fault.service in {"", call.service} and fault.action in {"", call.action}:
                yield fault
