"""Requests that make something, with their answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from valetkey.db.repositories.rows import Repository, from_row, sealed_row, to_row
from valetkey.db.tables.idempotency import kept_requests as t
from valetkey.domain.idempotency import InProgress, KeptRequest
from valetkey.domain.sealing import SealedSecret


class SqlKeptRequests(Repository):
    """Implements ports.KeptRequests."""

    async def add(self, kept: KeptRequest) -> None:
        is_postgres = self._connection.dialect.name == "postgresql"
        insert = postgresql.insert if is_postgres else sqlite.insert
        if not await self._change(insert(t).values(**to_row(kept)).on_conflict_do_nothing()):
            raise InProgress(
                "The request with this Idempotency-Key is still being worked on.",
                hint="Wait a moment, and send it again.",
            )

    async def get(self, user_id: str, key: str) -> KeptRequest | None:
        row = await self._one(select(t).where(t.c.user_id == user_id, t.c.key == key))
        return from_row(KeptRequest, row) if row else None

    async def finish(self, kept: KeptRequest, sealed_body: SealedSecret | None) -> None:
        row = to_row(kept) | (sealed_row(sealed_body) if sealed_body else {})
        await self._change(update(t).where(t.c.id == kept.id).values(**row))

    async def sealed_body(self, kept_id: str) -> SealedSecret | None:
        row = await self._one(select(t).where(t.c.id == kept_id))
        return from_row(SealedSecret, row) if row and row.kek_id else None

    async def remove(self, kept_id: str) -> None:
        await self._change(delete(t).where(t.c.id == kept_id))

    async def purge(self, before: datetime) -> None:
        await self._change(delete(t).where(t.c.created_at < before))
