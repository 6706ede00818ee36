"""Whether the server is fit to serve."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.ports import Storage


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready or not, and for each part why (empty: it is well)."""

    ready: bool
    parts: dict[str, str]


class Health:
    """Looks at what the server stands on."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def readiness(self) -> Readiness:
        """Tell whether requests can be answered: the database answers."""
        try:
            await self._storage.ping()
        except StorageUnavailable as error:
            return Readiness(ready=False, parts={"database": error.message})
        return Readiness(ready=True, parts={"database": ""})
