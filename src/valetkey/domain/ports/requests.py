"""Requests that make something, kept with their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from valetkey.domain.idempotency import KeptRequest
from valetkey.domain.sealing import SealedSecret


class KeptRequests(Protocol):
    """Requests that make something, with their answers, under their clients' keys."""

    async def add(self, kept: KeptRequest) -> None:
        """Raises InProgress when somebody was quicker."""
        ...

    async def get(self, user_id: str, key: str) -> KeptRequest | None:
        """Return what is kept under a key of somebody's; None if nothing is."""
        ...

    async def finish(self, kept: KeptRequest, sealed_body: SealedSecret | None) -> None:
        """Store how a request ended; its answer, sealed, if it had one."""
        ...

    async def sealed_body(self, kept_id: str) -> SealedSecret | None:
        """Return the answer as it is stored; None if there is none."""
        ...

    async def remove(self, kept_id: str) -> None:
        """Forget a request that made nothing: its key is free again."""
        ...

    async def purge(self, before: datetime) -> None:
        """Forget those from before a moment."""
        ...
