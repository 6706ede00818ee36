"""Several serving processes on one machine, which accept from one socket.

The first one, which serves nothing itself, starts them, starts another where one ends, and ends
with all of them. It must run no thread and no event loop: it forks.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

#: One that ends again and again is started after pauses that double, up to this.
_LONGEST_PAUSE: Final = 5.0
_FIRST_PAUSE: Final = 0.1
#: Whoever ran for so long is not taken for one that can't start.
_GOOD_RUN: Final = 30.0
_ASKED: Final = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ForkedWorker:
    """What a forked process has of the first one."""

    #: To be written to once requests are answered.
    ready: int
    #: Comes to its end when the first process does, however it ends.
    parent: int

    def is_ready(self) -> None:
        """Tell the first process."""
        with suppress(OSError):
            os.write(self.ready, b"r")


@dataclass
class _Child:
    started: float
    ready: int
    is_ready: bool = False


def _nothing() -> None:
    pass


@dataclass
class Supervisor:
    """The first process. ``ready`` is called once all answer, ``stopping`` when a stop is asked
    for, which takes ``within`` seconds at most: what is left then is killed."""

    count: int
    ready: Callable[[], None]
    within: float
    stopping: Callable[[], None] = _nothing
    exit_code: int = 0
    _children: dict[int, _Child] = field(default_factory=dict)
    _stopping: bool = False
    _told: bool = False
    _pause: float = _FIRST_PAUSE
    _alive: int = -1
    _parent: int = -1
    _wake: int = -1

    def run(self) -> ForkedWorker | None:
        """Return twice: in each forked process at once, with what it has; in the first one at the
        end, with nothing. Where the first worker ends before it answers, it has said why, and
        :attr:`exit_code` is its."""
        self._alive, self._parent = os.pipe()
        self._wake, wakes = os.pipe()
        os.set_blocking(wakes, False)
        before = {number: signal.signal(number, self._ask) for number in (*_ASKED, signal.SIGCHLD)}
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        worker = self._supervise()
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        return worker

    def _supervise(self) -> ForkedWorker | None:
        while not self._stopping or self._children:
            while len(self._children) < self._wanted():
                worker = self._fork()
                if worker is not None:
                    return worker
            self._wait()
            self._reap()
            if not self._told and self._ready_count() == self.count:
                self._told = True
                self.ready()
        return None

    def _wanted(self) -> int:
        if self._stopping:
            return 0
        # The others only once the first answers: what is wrong is said once.
        return self.count if self._any_ready() else 1

    def _any_ready(self) -> bool:
        return self._told or self._ready_count() > 0

    def _ready_count(self) -> int:
        return sum(child.is_ready for child in self._children.values())

    def _fork(self) -> ForkedWorker | None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED)
        if self._stopping:  # asked for a moment ago: this one would be told by nobody
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED)
            return None
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            for number in _ASKED:  # ours would end its siblings
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED)
            for descriptor in (reader, self._parent, self._wake):
                os.close(descriptor)
            for child in self._children.values():
                os.close(child.ready)
            return ForkedWorker(writer, self._alive)
        os.close(writer)
        self._children[pid] = _Child(time.monotonic(), reader)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED)
        return None

    def _wait(self) -> None:
        """Wait until a signal comes or a child answers."""
        waiting = [child.ready for child in self._children.values() if not child.is_ready]
        found, _, _ = select.select([self._wake, *waiting], [], [], 1.0)
        if self._wake in found:
            os.read(self._wake, 4096)
        for child in self._children.values():
            if child.ready in found and os.read(child.ready, 1):
                child.is_ready = True

    def _reap(self) -> None:
        for pid, child in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0:
                continue
            del self._children[pid]
            os.close(child.ready)
            if not self._stopping:
                self._mourn(pid, child, os.waitstatus_to_exitcode(status))

    def _mourn(self, pid: int, child: _Child, code: int) -> None:
        if not self._any_ready() and not child.is_ready:
            self.exit_code, self._stopping = code, True
            return
        _log.error("worker %s ended with %s; another one is started", pid, code)
        if time.monotonic() - child.started > _GOOD_RUN:
            self._pause = _FIRST_PAUSE
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _ask(self, number: int, _frame: Any) -> None:
        if number == signal.SIGCHLD:
            return
        if not self._stopping:
            self._stopping = True
            signal.signal(signal.SIGALRM, self._kill)
            signal.setitimer(signal.ITIMER_REAL, self.within)
            self.stopping()
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _kill(self, _number: int, _frame: Any) -> None:
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
