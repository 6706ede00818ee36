"""Work that takes time, its shards, and what writers are about to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql
from sqlalchemy.dialects.sqlite import insert as sqlite

from valetkey.catalog.db import tables as t
from valetkey.catalog.domain.sync import Command, CommandKind, Shard, State, WriteIntent
from valetkey.db.errors import conflict
from valetkey.db.repositories.rows import Repository, from_row, to_row
from valetkey.domain.errors import Locked
from valetkey.domain.holding import LONGEST_MS
from valetkey.domain.ids import first_id

_OPEN: Final = [state.value for state in State if not state.over]
#: An intent that keeps others out. In the words of the index over those, or SQLite looks through
#: all there are.
_HELD: Final = text("NOT abandoned")


class SqlCommands(Repository):
    """Implements ports.CommandRepository."""

    async def add(self, command: Command) -> None:
        with conflict(
            "The dataset can't be synced, as it is already being synced.",
            "Wait for that sync, or cancel it.",
            kind=Locked,
        ):
            await self._insert(t.commands, _row(command))

    async def get(self, command_id: str) -> Command | None:
        row = await self._one(select(t.commands).where(t.commands.c.id == command_id))
        return _command(row) if row else None

    async def of_dataset(
        self, dataset_id: str, kind: CommandKind, *, limit: int
    ) -> Sequence[Command]:
        match = (t.commands.c.dataset_id == dataset_id, t.commands.c.kind == kind.value)
        query = select(t.commands).where(*match).order_by(t.commands.c.id.desc())
        return [_command(row) for row in await self._all(query.limit(limit))]

    async def open(self, kind: CommandKind, *, limit: int) -> Sequence[Command]:
        query = select(t.commands).where(_is_open(kind)).order_by(t.commands.c.id)
        return [_command(row) for row in await self._all(query.limit(limit))]

    async def count_open(self, kind: CommandKind, dataset_id: str) -> int:
        match = _is_open(kind) & (t.commands.c.dataset_id == dataset_id)
        query = select(func.count()).select_from(t.commands).where(match)
        return int((await self._connection.execute(query)).scalar_one())

    async def synced_at(self, dataset_id: str) -> datetime | None:
        own = t.commands.c.dataset_id == dataset_id
        done = own & (t.commands.c.kind == CommandKind.SYNC.value)
        done &= t.commands.c.state == State.SUCCESS.value
        query = select(t.commands.c.created_at).where(done).order_by(t.commands.c.id.desc())
        row = await self._one(query.limit(1))
        return row.created_at if row else None

    async def cancel_all(self, dataset_id: str, *, at: datetime) -> None:
        match = (t.commands.c.dataset_id == dataset_id) & t.commands.c.state.in_(_OPEN)
        canceled = {"state": State.CANCELED.value, "updated_at": at}
        await self._change(update(t.commands).where(match).values(**canceled))

    async def purge(self, *, before: datetime, limit: int) -> int:
        commands, shards = t.commands.c, t.shards.c
        some = select(commands.id).where(*_forgotten(before)).order_by(commands.id).limit(limit)
        old = list((await self._connection.execute(some)).scalars())
        parts = select(shards.id).where(shards.command_id.in_(old)).limit(limit)
        gone = list((await self._connection.execute(parts)).scalars())
        await self._connection.execute(delete(t.shards).where(shards.id.in_(gone)))
        # With as many shards as were asked for there may be more of them.
        empty = old[: limit - len(gone)]
        await self._connection.execute(delete(t.commands).where(commands.id.in_(empty)))
        return len(gone) + len(empty)

    async def begin(self, command: Command, shards: Sequence[Shard]) -> bool:
        waiting = t.commands.c.state == State.CREATED.value
        if not await self._store(command, waiting):
            return False
        await self._insert_all(t.shards, map(to_row, shards))
        return True

    async def finish(self, command: Command) -> bool:
        return await self._store(command, t.commands.c.state.in_(_OPEN))

    async def note(self, command: Command) -> bool:
        return await self._store(command, t.commands.c.state.in_(_OPEN))

    async def _store(self, command: Command, condition: Any) -> bool:
        match = t.commands.c.id == command.id
        return await self._change(
            update(t.commands).where(match, condition).values(**_row(command))
        )

    async def replace_shards(self, command: Command, shard: Shard) -> None:
        await self._store(command, t.commands.c.state.in_(_OPEN))
        await self._change(delete(t.shards).where(t.shards.c.command_id == command.id))
        await self._insert(t.shards, to_row(shard))

    async def shards(self, command_id: str) -> Sequence[Shard]:
        query = select(t.shards).where(t.shards.c.command_id == command_id)
        return [_shard(row) for row in await self._all(query.order_by(t.shards.c.after))]

    async def claim(self, shard_id: str, owner: str, *, now_ms: int, until_ms: int) -> Shard | None:
        free = or_(_over(t.shards.c.lease_ms, now_ms), t.shards.c.owner.in_(["", owner]))
        taken = {"owner": owner, "lease_ms": until_ms, "state": State.RUNNING.value}
        statement = update(t.shards).where(t.shards.c.id == shard_id, free, _goes_on())
        row = await self._one(statement.values(**taken).returning(*t.shards.c))
        return _shard(row) if row else None

    async def renew(self, shard_ids: Collection[str], owner: str, *, until_ms: int) -> None:
        own = (t.shards.c.id.in_(shard_ids), t.shards.c.owner == owner, _goes_on())
        free = select(t.shards.c.id).where(*own, t.shards.c.lease_ms < until_ms)
        named = t.shards.c.id.in_(free.with_for_update(of=t.shards, skip_locked=True))
        await self._change(update(t.shards).where(named).values(lease_ms=until_ms))

    async def release(self, *, before: datetime) -> None:
        running = select(t.commands.c.id).where(t.commands.c.state == State.RUNNING.value)
        own = (t.shards.c.command_id.in_(running), t.shards.c.state.in_(_OPEN))
        await self._change(update(t.shards).where(*own).values(owner="", lease_ms=0))
        left = (t.write_intents.c.at < before) & ~t.write_intents.c.abandoned
        await self._change(update(t.write_intents).where(left).values(abandoned=True))

    async def advance(self, shard: Shard) -> bool:
        own = (t.shards.c.id == shard.id) & (t.shards.c.owner == shard.owner)
        same = own & t.shards.c.upto.is_not_distinct_from(shard.upto)
        return await self._change(update(t.shards).where(same, _goes_on()).values(**to_row(shard)))

    async def cut(self, shard: Shard, rest: Shard) -> bool:
        same = (t.shards.c.id == shard.id) & t.shards.c.upto.is_not_distinct_from(shard.upto)
        before = (t.shards.c.checkpoint < rest.after) & ~t.shards.c.staged
        ended = update(t.shards).where(same, before, _goes_on()).values(upto=rest.after)
        if not await self._change(ended):
            return False
        await self._insert(t.shards, to_row(rest))
        return True

    async def claim_intents(self, intents: Sequence[WriteIntent], *, now_ms: int) -> frozenset[str]:
        if not intents:
            return frozenset()
        table = t.write_intents
        # In one order everywhere: two that wait for each other would never end.
        rows = sorted(map(to_row, intents), key=lambda row: str(row["object_id"]))
        named = table.c.object_id.in_([row["object_id"] for row in rows])
        over = update(table).where(named, _HELD, _over(table.c.lease_ms, now_ms))
        await self._connection.execute(over.values(abandoned=True))
        insert = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        statement: Any = insert(table).values(rows)
        statement = statement.on_conflict_do_nothing(
            index_elements=["object_id"], index_where=_HELD
        )
        claimed = await self._connection.execute(statement.returning(table.c.id))
        return frozenset(claimed.scalars())

    async def renew_intent(self, intent: WriteIntent) -> bool:
        table = t.write_intents
        statement = update(table).where(table.c.id == intent.id, ~table.c.abandoned)
        values = {"lease_ms": intent.lease_ms, "upload_id": intent.upload_id}
        return await self._change(statement.values(**values))

    async def renew_intents(self, ids: Sequence[str], *, lease_ms: int) -> frozenset[str]:
        table = t.write_intents
        own = update(table).where(table.c.id.in_(ids), ~table.c.abandoned)
        renewed = await self._connection.execute(
            own.values(lease_ms=lease_ms).returning(table.c.id)
        )
        return frozenset(renewed.scalars())

    async def abandon_intents(self, ids: Sequence[str]) -> None:
        own = update(t.write_intents).where(t.write_intents.c.id.in_(ids))
        await self._connection.execute(own.values(abandoned=True))

    async def intents(self, dataset_id: str) -> Sequence[WriteIntent]:
        query = select(t.write_intents).where(t.write_intents.c.dataset_id == dataset_id)
        rows = await self._all(query.order_by(t.write_intents.c.id))
        return [from_row(WriteIntent, row) for row in rows]

    async def dead_intents(self, *, now_ms: int, limit: int) -> Sequence[WriteIntent]:
        table = t.write_intents
        query = select(table).where(or_(table.c.abandoned, _over(table.c.lease_ms, now_ms)))
        rows = await self._all(query.order_by(table.c.id).limit(limit))
        return [from_row(WriteIntent, row) for row in rows]

    async def drop_intents(self, ids: Sequence[str]) -> None:
        table = t.write_intents
        await self._connection.execute(delete(table).where(table.c.id.in_(ids)))

    async def drop_intent(self, intent_id: str) -> bool:
        statement = delete(t.write_intents).where(t.write_intents.c.id == intent_id)
        row = await self._one(statement.returning(t.write_intents.c.abandoned))
        return row is not None and not row.abandoned


def _is_open(kind: CommandKind) -> Any:
    return (t.commands.c.kind == kind.value) & t.commands.c.state.in_(_OPEN)


def _forgotten(before: datetime) -> Sequence[ColumnElement[bool]]:
    """What is over, and need not be told any more. Ids say when, so that the young are not read;
    the states in words that no index is of, which would be read whole."""
    c, newer = t.commands.c, t.commands.alias().c
    succeeded = (c.kind == CommandKind.SYNC.value) & (c.state == State.SUCCESS.value)
    again = (
        exists()
        .where(newer.dataset_id == c.dataset_id, newer.id > c.id, newer.kind == c.kind)
        .where(newer.state == c.state)
    )
    return (
        c.id < first_id(before),
        c.state.not_in(_OPEN),
        c.updated_at < before,
        c.kind != CommandKind.EXPORT.value,
        ~succeeded | again,
    )


def _over(lease_ms: ColumnElement[int], now_ms: int) -> ColumnElement[bool]:
    """As ``domain.sync.is_over``."""
    return or_(lease_ms <= now_ms, lease_ms > now_ms + LONGEST_MS)


def _goes_on() -> Any:
    """A shard that is not over, of a command that runs."""
    runs = exists().where(
        t.commands.c.id == t.shards.c.command_id, t.commands.c.state == State.RUNNING.value
    )
    return t.shards.c.state.in_(_OPEN) & runs


def _row(command: Command) -> dict[str, Any]:
    return to_row(command) | {"error": dict(command.error), "options": dict(command.options)}


def _command(row: Row[Any]) -> Command:
    return from_row(Command, row, state=State(row.state), kind=CommandKind(row.kind))


def _shard(row: Row[Any]) -> Shard:
    return from_row(Shard, row, state=State(row.state))
