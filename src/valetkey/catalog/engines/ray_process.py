"""The driver as the server sees it: a child process that is told orders and tells outcomes."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from valetkey.catalog.engines.orders import FromDriver, Message, encode

#: With -P nothing that lies in a current folder is imported.
DRIVER: Final = (sys.executable, "-P", "-m", "valetkey.catalog.engines.ray_driver")
#: Of what it prints, so many lines are kept for the log.
_KEPT: Final = 40
_LINE: Final = 1 << 20
_END_SECONDS: Final = 5.0
#: Ray puts the driver's folder into the path of every worker: one that nobody else writes to.
_FOLDER: Final = "/"
#: Nothing of the server's own settings and keys is the driver's.
_OURS: Final = ("VALETKEY_", "AWS_")


class DriverDied(Exception):
    """The driver is gone; the text is the last that it printed."""


class Driver:
    """A driver that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._printed: deque[str] = deque(maxlen=_KEPT)
        self.reading = asyncio.create_task(self._read())

    async def tell(self, what: Message) -> None:
        """Send it something. Raises DriverDied."""
        assert self._process.stdin is not None  # noqa: S101  # as it was started
        try:
            self._process.stdin.write(encode(what))
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise await self._death() from None

    async def next_message(self, seconds: float) -> FromDriver | None:
        """Return the next thing that it tells, or None if there is none for so long. Raises
        DriverDied."""
        assert self._process.stdout is not None  # noqa: S101  # as it was started
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
        except TimeoutError:
            return None
        if not line.endswith(b"\n"):
            raise await self._death()
        told: FromDriver = msgspec.json.decode(line, type=FromDriver)
        return told

    async def _death(self) -> DriverDied:
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
                await self.reading
        return DriverDied("\n".join(self._printed) or "It printed nothing.")

    async def _read(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  # as it was started
        while line := await self._process.stderr.readline():
            self._printed.append(line.decode(errors="replace").rstrip()[:1000])


@asynccontextmanager
async def driving(
    environment: Mapping[str, str], command: Sequence[str] = DRIVER
) -> AsyncIterator[Driver]:
    """Run a driver while inside. What it still does at the end is ended with it."""
    kept = {name: text for name, text in environment.items() if not name.startswith(_OURS)}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=kept,
        cwd=_FOLDER,
        limit=_LINE,
    )
    driver = Driver(process)
    try:
        yield driver
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        driver.reading.cancel()
        with suppress(asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
