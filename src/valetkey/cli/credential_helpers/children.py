"""Running a command in one's place: its signals, and its exit code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

_PASSED_ON: Final = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
#: What a terminal sends to all of its foreground processes by itself.
_KEYBOARD: Final = frozenset({signal.SIGINT, signal.SIGQUIT})
_BY_SIGNAL: Final = 128


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, pass signals on to it, and return its exit code.

    One that a signal ended gives 128 + the signal's number, as in a shell. Raises OSError when it
    can't be started: FileNotFoundError when there is none of that name.
    """
    with _passing_signals() as relay:
        try:
            child = subprocess.Popen(list(command), env=dict(environment))  # noqa: S603  # the user's
        except PermissionError:
            # A folder of PATH that may not be searched says so too, of whatever is looked for.
            by_name = os.sep not in command[0]
            if by_name and shutil.which(command[0], os.F_OK, environment.get("PATH")) is None:
                raise FileNotFoundError(command[0]) from None
            raise
        relay.to(child)
        code = child.wait()
    return code if code >= 0 else _BY_SIGNAL - code


class _Relay:
    """Hands signals to the child; those that come before there is one wait for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def to(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        while self._early:
            self._send(child, self._early.pop(0))

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number in _KEYBOARD and _in_the_foreground():
            return  # the terminal has sent it to the child too
        if self._child is None:
            self._early.append(number)
        else:
            self._send(self._child, number)

    @staticmethod
    def _send(child: subprocess.Popen[bytes], number: int) -> None:
        with suppress(ProcessLookupError):
            child.send_signal(number)


@contextmanager
def _passing_signals() -> Iterator[_Relay]:
    relay = _Relay()
    # One that is ignored (nohup) stays so: the child inherits that.
    heard = [number for number in _PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, relay) for number in heard}
    try:
        yield relay
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_the_foreground() -> bool:
    """Tell whether this process and its child get what is typed at a terminal."""
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
