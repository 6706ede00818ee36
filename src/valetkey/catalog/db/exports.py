"""The parts of exported files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, delete, exists, func, or_, select, tuple_

from valetkey.catalog.db import tables as t
from valetkey.catalog.domain.export import ExportPart
from valetkey.catalog.domain.sync import State
from valetkey.db.repositories.rows import Repository, from_row, to_row

_C = t.export_parts.c
_FACTS = [column for column in t.export_parts.columns if column.name != "body"]
_OVER: Final = [state.value for state in State if state.over]
_WITHOUT_FILE: Final = [State.FAILED.value, State.CANCELED.value]


class SqlExports(Repository):
    """Implements ports.ExportRepository."""

    async def keep(self, part: ExportPart, packed: bytes) -> None:
        await self._insert(t.export_parts, to_row(part) | {"body": packed})

    async def parts(self, command_id: str) -> Sequence[ExportPart]:
        query = select(*_FACTS).where(_C.command_id == command_id).order_by(_C.number)
        return [from_row(ExportPart, row) for row in await self._all(query)]

    async def packed(self, part: ExportPart) -> bytes | None:
        own = (_C.command_id == part.command_id, _C.number == part.number)
        row = await self._one(select(_C.body).where(*own))
        return bytes(row.body) if row else None

    async def kept_bytes(self, dataset_id: str) -> int:
        query = select(func.coalesce(func.sum(_C.packed), 0))
        query = query.join(t.commands, t.commands.c.id == _C.command_id)
        found = await self._connection.execute(query.where(t.commands.c.dataset_id == dataset_id))
        return int(found.scalar_one())

    async def clear(self, dataset_id: str, *, parts: int) -> int:
        return await self._forget(t.commands.c.dataset_id == dataset_id, parts)

    async def _forget(self, match: Any, parts: int) -> int:
        keys: Any = select(_C.command_id, _C.number).join(
            t.commands, t.commands.c.id == _C.command_id
        )
        own = tuple_(_C.command_id, _C.number).in_(keys.where(match).limit(parts))
        return (await self._connection.execute(delete(t.export_parts).where(own))).rowcount

    async def purge(self, *, before: datetime, parts: int, commands: int) -> int:
        states, ended = t.commands.c.state, t.commands.c.updated_at < before
        own, is_gone = t.IS_EXPORT, or_(states.in_(_WITHOUT_FILE), states.in_(_OVER) & ended)
        gone = await self._forget(and_(own, is_gone), parts)
        empty = ~exists().where(_C.command_id == t.commands.c.id)
        ids: Any = select(t.commands.c.id).where(own, states.in_(_OVER), ended, empty)
        of_old = t.commands.c.id.in_(ids.limit(commands))
        return gone + (await self._connection.execute(delete(t.commands).where(of_old))).rowcount
