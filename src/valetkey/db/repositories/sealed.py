"""Every table that holds a sealed secret, seen as one list of envelopes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Table, func, select, update

from valetkey.db.repositories.rows import Repository, from_row, sealed_row
from valetkey.db.tables.accounts import installations
from valetkey.db.tables.idempotency import kept_requests
from valetkey.db.tables.keys import rotations
from valetkey.db.tables.storage import integrations
from valetkey.domain.ports.keys import SealedRow
from valetkey.domain.sealing import SealContext, SealedSecret


@dataclass(frozen=True)
class _SealedColumn:
    table: Table
    context: Callable[[Row[Any]], SealContext]


#: The contexts must be those that the services seal with; a test holds them together.
_SEALED_COLUMNS: Final = (
    _SealedColumn(installations, lambda row: SealContext(row.id, row.id, "token_key")),
    _SealedColumn(integrations, lambda row: SealContext(row.org_id, row.id, "secret")),
    _SealedColumn(rotations, lambda row: SealContext(row.org_id, row.integration_id, "secret")),
    _SealedColumn(kept_requests, lambda row: SealContext(row.user_id, row.id, "answer")),
)


class SqlSealedRows(Repository):
    """Implements ports.SealedRows."""

    async def usage(self) -> Mapping[str, int]:
        used: Counter[str] = Counter()
        for place in _SEALED_COLUMNS:
            kek = place.table.c.kek_id
            query = select(kek, func.count().label("secrets")).where(kek.is_not(None)).group_by(kek)
            used.update({row.kek_id: row.secrets for row in await self._all(query)})
        return dict(used)

    async def wrapped_by(self, kek_ids: Sequence[str], *, limit: int) -> Sequence[SealedRow]:
        found: list[SealedRow] = []
        for place in _SEALED_COLUMNS:
            query = select(place.table).where(place.table.c.kek_id.in_(kek_ids))
            rows = await self._all(query.order_by(place.table.c.id).limit(limit - len(found)))
            found += [
                SealedRow(place.table.name, row.id, place.context(row), from_row(SealedSecret, row))
                for row in rows
            ]
            if len(found) >= limit:
                break
        return found

    async def rewrap(self, row: SealedRow, sealed: SealedSecret) -> bool:
        table = next(place.table for place in _SEALED_COLUMNS if place.table.name == row.table)
        same = (table.c.id == row.id) & (table.c.wrapped_key == row.sealed.wrapped_key)
        return await self._change(update(table).where(same).values(**sealed_row(sealed)))
