"""Whether the server is fit to serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from valetkey.counting import counted
from valetkey.domain import clocks
from valetkey.domain.errors import StorageBusy, StorageUnavailable
from valetkey.domain.ports import Clock, Storage

#: A worker that has not come round for so long is taken for stuck, in seconds: ten rounds of the
#: slower of the two.
PATIENCE: Final = 300.0
#: A look at the database that takes longer, in seconds, says that it does not answer.
LOOK_SECONDS: Final = 1.5
#: The database is not only asked, but written to, this often in seconds; each time while that
#: fails.
BETWEEN_PROBES: Final = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready or not, and for each part why (empty: it is well)."""

    ready: bool
    parts: dict[str, str]


class StsState:
    """How STS was when it was last called; nobody calls it only to find out."""

    def __init__(self) -> None:
        self._trouble = ""

    def answered(self) -> None:
        """Note that STS gave an answer, be it a refusal."""
        self._trouble = ""

    def failed(self, at: datetime, message: str) -> None:
        """Note that STS gave no answer, or asked to come back later."""
        self._trouble = (
            f"{message} (seen {at:%Y-%m-%d %H:%M:%S} UTC). "
            "Credentials that are still good are handed out all the same."
        )

    @property
    def trouble(self) -> str:
        """What is wrong; empty if nothing is known to be."""
        return self._trouble


class Pulse:
    """When a background worker came round last. The time before the first round counts from when
    the process began, so that one that never starts is found out as well."""

    def __init__(self, clock: Clock, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._last = clock.monotonic()

    def beat(self) -> None:
        """Note that the worker came round."""
        self._last = self._clock.monotonic()

    @property
    def trouble(self) -> str:
        """Why the worker seems to be stuck; empty if it doesn't."""
        silence = self._clock.monotonic() - self._last
        if silence <= self._patience:
            return ""
        return (
            f"It has not come round for {counted(int(silence // 60), 'minute')}. "
            "Look into the server's log, and restart the server."
        )


class Watched(Protocol):
    """Something that works in the background."""

    @property
    def trouble(self) -> str:
        """What is wrong with it; empty if nothing is known to be. Anybody may read it."""
        ...


class Recorder(Watched, Protocol):
    """What writes the records without which nothing is handed out."""

    def note_stored(self) -> None:
        """Note that something else could be stored just now."""
        ...


class Health:
    """Looks at what the server stands on, and at the workers of this process by their names."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        audit: Recorder,
        sts: StsState,
        workers: Mapping[str, Watched],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._audit = audit
        self._sts = sts
        self._workers = workers
        self._look: asyncio.Task[str] | None = None
        self._probed_at: float | None = None
        self._clock_trouble = ""

    async def readiness(self) -> Readiness:
        """Tell within two seconds whether requests can be answered: the database must answer, and
        store records. STS and the workers need not, but what is known of them is told."""
        parts = {
            "database": await self._database(),
            "audit": self._audit.trouble,
            "sts": self._sts.trouble,
        }
        parts |= {name: worker.trouble for name, worker in self._workers.items()}
        return Readiness(ready=not parts["database"] and not parts["audit"], parts=parts)

    async def _database(self) -> str:
        """Look at the database, once for all who ask meanwhile. A look that hangs is let hang: who
        asks is told that it does."""
        if self._look is None:
            self._look = asyncio.create_task(self._looked())
            self._look.add_done_callback(self._forget)
        look = self._look
        await asyncio.wait({look}, timeout=LOOK_SECONDS)
        return look.result() if look.done() else "The database does not answer."

    def _forget(self, look: asyncio.Task[str]) -> None:
        if self._look is look:
            self._look = None

    async def _looked(self) -> str:
        try:
            await self._storage.ping()
            now = self._clock.monotonic()
            if self._probed_at is None or now - self._probed_at >= BETWEEN_PROBES:
                self._probed_at = None
                self._clock_trouble = self._compared(await self._storage.probe())
                self._probed_at = now
                self._audit.note_stored()
        except StorageBusy:
            return ""  # somebody is at work on it
        except StorageUnavailable as error:
            return error.message
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told
            _log.error("the readiness check of the database failed", exc_info=True)
            return f"The look at it failed ({type(error).__name__}); the server's log has more."
        return self._clock_trouble

    def _compared(self, moment: datetime | None) -> str:
        told = clocks.difference(self._clock.now(), moment) if moment else ""
        return f"{told} {clocks.FIX}" if told else ""
