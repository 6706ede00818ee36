"""Whether the server is fit to serve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.ports import Storage


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


class Health:
    """Looks at what the server stands on."""

    def __init__(self, storage: Storage, sts: StsSeen) -> None:
        self._storage = storage
        self._sts = sts

    async def readiness(self) -> Readiness:
        """Tell whether requests can be answered: the database must answer. STS need not, but what
        is known of it is told."""
        parts = {"database": "", "sts": self._sts.trouble}
        try:
            await self._storage.ping()
        except StorageUnavailable as error:
            parts["database"] = error.message
        return Readiness(ready=not parts["database"], parts=parts)
