"""The life of a serving process: that it is told when it is ready, and that it ends when asked."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from valetkey.domain.errors import ConfigurationError

#: After the grace, this long is left for saying goodbye and for closing what is open.
SPARE_SECONDS: Final = 5.0
_STANDARD_ERROR: Final = 2


def stop_on_signals(stop: asyncio.Event, *, within: float | None = None) -> None:
    """Set ``stop`` when the process is asked to end (SIGTERM, SIGINT).

    ``within`` so many seconds it ends, whatever still runs: then every thread's traceback goes to
    standard error, and the exit code is 1.
    """
    loop = asyncio.get_running_loop()

    # Not the loop's own handler: that one waits for a loop that may be busy.
    def asked(_number: int, _frame: Any) -> None:
        if within is not None:
            # A thread that needs nothing of Python.
            faulthandler.dump_traceback_later(within, exit=True, file=_STANDARD_ERROR)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)


def stop_at_end_of(descriptor: int, stop: asyncio.Event, *, within: float) -> None:
    """Set ``stop`` when a pipe comes to its end, as with the process that held it; and end."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(descriptor)
        faulthandler.dump_traceback_later(within, exit=True, file=_STANDARD_ERROR)
        stop.set()

    loop.add_reader(descriptor, ended)


def notify(environment: Mapping[str, str], state: str) -> None:
    """Tell systemd, if it asked to be told (sd_notify(3)): ``READY=1``, ``STOPPING=1``."""
    place = environment.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return
    address = f"\0{place[1:]}" if place.startswith("@") else place
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.sendto(state.encode(), address)


@contextmanager
def ready_file(place: Path | None) -> Iterator[ReadyFile]:
    """Have no ready file while not ready: neither an old one before, nor ours afterwards."""
    file = ReadyFile(place)
    file.remove()
    try:
        yield file
    finally:
        file.remove()


class ReadyFile:
    """A file that is there, whole, while the server answers."""

    def __init__(self, place: Path | None) -> None:
        self._place = place

    def write(self, text: str) -> None:
        """Raises ConfigurationError where it can't be written."""
        if self._place is None:
            return
        fresh = self._place.parent / f".{self._place.name}.{os.getpid()}"
        try:
            fresh.write_text(text)
            fresh.replace(self._place)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise ConfigurationError(
                f"The ready file {self._place} can't be written: {error.strerror}.",
                hint="Name a file in a folder that the server may write to.",
            ) from None

    def leave(self) -> None:
        """Have nothing to do with it any more: it is another process's."""
        self._place = None

    def remove(self) -> None:
        """Remove it, if it is there."""
        if self._place is not None:
            with suppress(OSError):
                self._place.unlink()
