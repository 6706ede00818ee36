"""Whether the server is fit to serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.ports import Clock, Storage

#: A worker that has not come round for so long is taken for stuck, in seconds: ten rounds of the
#: slower of the two.
PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready or not, and for each part why (empty: it is well)."""

    ready: bool
    parts: dict[str, str]


class StsSeen:
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

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.monotonic()

    def beat(self) -> None:
        """Note that the worker came round."""
        self._last = self._clock.monotonic()

    @property
    def trouble(self) -> str:
        """Why the worker seems to be stuck; empty if it doesn't."""
        silence = self._clock.monotonic() - self._last
        if silence <= PATIENCE:
            return ""
        return (
            f"It has not come round for {int(silence // 60)} minutes. "
            "Look into the server's log, and restart the server."
        )


class Watched(Protocol):
    """Something that works in the background."""

    @property
    def trouble(self) -> str:
        """What is wrong with it; empty if nothing is known to be. Anybody may read it."""
        ...


class Health:
    """Looks at what the server stands on, and at the workers of this process by their names."""

    def __init__(self, storage: Storage, sts: StsSeen, workers: Mapping[str, Watched]) -> None:
        self._storage = storage
        self._sts = sts
        self._workers = workers

    async def readiness(self) -> Readiness:
        """Tell whether requests can be answered: the database must answer. STS and the
        workers need not, but what is known of them is told."""
        parts = {"database": "", "sts": self._sts.trouble}
        parts |= {name: worker.trouble for name, worker in self._workers.items()}
        try:
            await self._storage.ping()
        except StorageUnavailable as error:
            parts["database"] = error.message
        return Readiness(ready=not parts["database"], parts=parts)
