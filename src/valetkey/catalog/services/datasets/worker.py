"""Works off what was ordered, whichever process ordered it and whichever died at it.

Everything that matters is stored: a worker looks what is open, claims shards by leases, and works
on them. Housekeeping is done beside it, and keeps nobody's order waiting: tombstones that are old
enough, datasets that were deleted, what killed writers left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from valetkey.catalog.domain.dataset import TOMBSTONE_LIFETIME
from valetkey.catalog.domain.export import KEPT
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import REMEMBERED, Command, CommandKind
from valetkey.catalog.services.datasets.datasets import clear
from valetkey.catalog.services.datasets.jobs import PASSING, Jobs
from valetkey.catalog.services.datasets.orders import caller_of
from valetkey.catalog.services.items.intents import PEACE
from valetkey.catalog.services.items.leftovers import Leftovers
from valetkey.catalog.services.pace import DELETED, rest
from valetkey.domain.errors import StorageUnavailable, ValetkeyError
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import to_ms
from valetkey.services.background import end
from valetkey.services.health import Pulse

#: Another process's dead leases, and what another one ordered, are looked for this often.
_POLL_SECONDS: Final = 2.0
_HOUSEKEEPING_SECONDS: Final = 3600.0
#: Housekeeping that failed is tried again so soon.
_RETRY_SECONDS: Final = 60.0
_LEFTOVERS_AT_ONCE: Final = 200
#: So many commands of each kind are looked after at once, the oldest first.
_OPEN_AT_ONCE: Final = 100
#: Exported files go in parts of up to a few megabytes.
_PARTS_AT_ONCE: Final = 20
_COMMANDS_AT_ONCE: Final = 500
#: What can't be looked after for so long (its user left, or the role may not) is given up.
_LEFTOVERS_KEPT: Final = timedelta(days=7)

_log = logging.getLogger(__name__)


class SyncWorker:
    """Runs commands until it is stopped. ``alone``: no other process works on this database, so
    that leases from before are nobody's."""

    def __init__(
        self,
        storage: CatalogStorage,
        clock: Clock,
        jobs: Jobs,
        leftovers: Leftovers,
        *,
        alone: bool = False,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._jobs = jobs
        self._leftovers = leftovers
        self._alone = alone
        self._running: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._pulse = Pulse(clock)
        self._problem = ""
        self._uncleaned = ""

    @property
    def trouble(self) -> str:
        """Why the worker seems to be stuck, or what its last look or housekeeping failed with;
        empty if all is well."""
        return self._pulse.trouble or self._problem or self._uncleaned

    def wake(self) -> None:
        """Have a look at once."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work beside whatever is done inside; what is under way at the end stays stored.

        What a killed process held is let go of before: the first request finds it free."""
        await self._release(self._clock.now())
        loops = [asyncio.create_task(self._work()), asyncio.create_task(self._keep_house())]
        try:
            yield
        finally:
            await end(*loops)
            await end(*self._running.values())

    async def run_open(self) -> None:
        """Do what can be done of all that is open, and return."""
        for command in await self._open():
            await self._jobs.run(command)

    async def _release(self, since: datetime) -> None:
        if self._alone:
            with suppress(StorageUnavailable):  # the next start does it
                async with self._storage.begin() as work:
                    await work.commands.release(before=since)

    async def _work(self) -> None:
        while True:
            self._woken.clear()
            self._problem = await self._tried("look for work", self._look)
            self._pulse.beat()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _POLL_SECONDS)

    async def _keep_house(self) -> None:
        while True:
            self._uncleaned = await self._tried("housekeeping", self.clean)
            await asyncio.sleep(_RETRY_SECONDS if self._uncleaned else _HOUSEKEEPING_SECONDS)

    async def _tried(self, what: str, act: Callable[[], Awaitable[None]]) -> str:
        """Do it; return what went wrong, which the next time may fix."""
        try:
            await act()
        except StorageUnavailable as error:
            return error.message
        except Exception as error:  # noqa: BLE001  # a worker that dies of one bug helps nobody
            _log.error("The %s failed", what, exc_info=True)
            return f"The {what} failed ({type(error).__name__}); the log has more."
        return ""

    async def _look(self) -> None:
        for command in await self._open():
            if command.id not in self._running:
                self._running[command.id] = asyncio.create_task(self._run(command))

    async def _open(self) -> list[Command]:
        async with self._storage.read() as work:
            await work.require_clock()
            found = [await work.commands.open(kind, limit=_OPEN_AT_ONCE) for kind in CommandKind]
        return [command for some in found for command in some]

    async def _run(self, command: Command) -> None:
        structlog.contextvars.bind_contextvars(
            job=f"{command.kind.value} {command.id}"
        )  # of this task alone
        try:
            await self._jobs.run(command)
        except (StorageUnavailable, *PASSING) as error:
            # It stays as it is stored, and goes on when the database or AWS is back.
            _log.warning("The %s %s waits: %s", command.kind.value, command.id, error.message)
        except Exception:  # noqa: BLE001  # it is still open, and the next look goes on with it
            _log.error("The %s %s was interrupted", command.kind.value, command.id, exc_info=True)
        finally:
            self._running.pop(command.id, None)

    async def clean(self) -> None:
        """Purge old tombstones, exports and commands and what ended syncs had kept, and go on with
        datasets that were being deleted."""
        async with self._storage.read() as work:
            await work.require_clock()
        now = self._clock.now()
        await self._purge(
            lambda work: work.items.purge(before_ms=to_ms(now - TOMBSTONE_LIFETIME), limit=DELETED)
        )
        await self._purge(lambda work: work.items.purge_staged(limit=DELETED))
        await self._purge(
            lambda work: work.exports.purge(
                before=now - KEPT, parts=_PARTS_AT_ONCE, commands=_COMMANDS_AT_ONCE
            )
        )
        await self._purge(lambda work: work.commands.purge(before=now - REMEMBERED, limit=DELETED))
        async with self._storage.read() as work:
            deleted = await work.datasets.deleted()
        for dataset in deleted:
            await clear(self._storage, dataset)
        await self._end_cut_writes()

    async def _purge(self, part: Callable[[CatalogWork], Awaitable[int]]) -> None:
        """Purge a part at a time until nothing is left."""
        purged = 1
        while purged:
            async with self._storage.begin() as work:
                purged = await part(work)
            await rest()

    async def _end_cut_writes(self) -> None:
        """Look after what writers left that were killed, and end their uploads."""
        now = self._clock.now()
        async with self._storage.read() as work:
            now_ms = to_ms(await work.moment(now) - PEACE)
            dead = await work.commands.dead_intents(now_ms=now_ms, limit=_LEFTOVERS_AT_ONCE)
        for intent in dead:
            try:
                await self._leftovers.one(await caller_of(self._storage, intent), intent)
            except StorageUnavailable:
                raise
            except ValetkeyError as error:
                _log.warning(
                    "What an interrupted write to %r left was not cleaned up: %s",
                    intent.path,
                    error.message,
                )
                if now - intent.at > _LEFTOVERS_KEPT:
                    async with self._storage.begin() as work:
                        await work.commands.drop_intent(intent.id)
