"""Requests that make something, in memory."""

from __future__ import annotations

from datetime import datetime

from valetkey.domain.idempotency import InProgress, KeptRequest
from valetkey.domain.sealing import SealedSecret


class MemoryKeptRequests:
    """Implements ports.KeptRequests."""

    def __init__(self) -> None:
        self.rows: dict[str, KeptRequest] = {}
        self.secrets: dict[str, SealedSecret] = {}

    async def add(self, kept: KeptRequest) -> None:
        if await self.get(kept.user_id, kept.key) is not None:
            raise InProgress(
                "The request with this Idempotency-Key is still being worked on.",
                hint="Wait a moment, and send it again.",
            )
        self.rows[kept.id] = kept

    async def get(self, user_id: str, key: str) -> KeptRequest | None:
        found = (row for row in self.rows.values() if (row.user_id, row.key) == (user_id, key))
        return next(found, None)

    async def finish(self, kept: KeptRequest, sealed_body: SealedSecret | None) -> None:
        if kept.id in self.rows:
            self.rows[kept.id] = kept
            if sealed_body is not None:
                self.secrets[kept.id] = sealed_body

    async def sealed_body(self, kept_id: str) -> SealedSecret | None:
        return self.secrets.get(kept_id)

    async def remove(self, kept_id: str) -> None:
        self.rows.pop(kept_id, None)
        self.secrets.pop(kept_id, None)

    async def purge(self, before: datetime) -> None:
        for row in [row for row in self.rows.values() if row.created_at < before]:
            await self.remove(row.id)
