"""Work that takes time, its shards, and write intents in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from valetkey.catalog.domain.sync import Command, CommandKind, Shard, State, WriteIntent, is_over
from valetkey.domain.errors import Locked


class MemoryCommands:
    """Implements ports.CommandRepository."""

    def __init__(self) -> None:
        self._rows: dict[str, Command] = {}
        self._shards: dict[str, Shard] = {}
        self._intents: dict[str, WriteIntent] = {}

    async def add(self, command: Command) -> None:
        if command.kind is CommandKind.SYNC and await self.count_open(
            CommandKind.SYNC, command.dataset_id
        ):
            raise Locked(
                "The dataset can't be synced, as it is already being synced.",
                hint="Wait for that sync, or cancel it.",
            )
        self._rows[command.id] = command

    async def get(self, command_id: str) -> Command | None:
        return self._rows.get(command_id)

    async def of_dataset(
        self, dataset_id: str, kind: CommandKind, *, limit: int
    ) -> Sequence[Command]:
        found = [
            row for row in self._rows.values() if row.dataset_id == dataset_id and row.kind is kind
        ]
        return sorted(found, key=lambda row: row.id, reverse=True)[:limit]

    async def open(self, kind: CommandKind, *, limit: int) -> Sequence[Command]:
        rows = [row for _, row in sorted(self._rows.items()) if row.kind is kind]
        return [row for row in rows if not row.state.over][:limit]

    async def count_open(self, kind: CommandKind, dataset_id: str) -> int:
        found = await self.open(kind, limit=len(self._rows))
        return sum(row.dataset_id == dataset_id for row in found)

    async def synced_at(self, dataset_id: str) -> datetime | None:
        found = await self.of_dataset(dataset_id, CommandKind.SYNC, limit=len(self._rows))
        return next((row.created_at for row in found if row.state is State.SUCCESS), None)

    async def cancel_all(self, dataset_id: str, *, at: datetime) -> None:
        for row in list(self._rows.values()):
            if row.dataset_id == dataset_id and not row.state.over:
                self._rows[row.id] = replace(row, state=State.CANCELED, updated_at=at)

    async def purge(self, *, before: datetime, limit: int) -> int:
        old = [
            row for _, row in sorted(self._rows.items()) if await self._is_forgotten(row, before)
        ]
        shards = [each.id for row in old for each in await self.shards(row.id)][:limit]
        for shard_id in shards:
            del self._shards[shard_id]
        empty = [row.id for row in old if not await self.shards(row.id)][: limit - len(shards)]
        for command_id in empty:
            self.forget(command_id)
        return len(shards) + len(empty)

    async def _is_forgotten(self, command: Command, before: datetime) -> bool:
        if not command.state.over or command.kind is CommandKind.EXPORT:
            return False
        done = [
            row.id
            for row in await self.of_dataset(
                command.dataset_id, CommandKind.SYNC, limit=len(self._rows)
            )
            if row.state is State.SUCCESS
        ]
        return command.updated_at < before and command.id not in done[:1]

    def forget(self, command_id: str) -> None:
        """Delete a command with its shards."""
        del self._rows[command_id]
        self._shards = {
            key: row for key, row in self._shards.items() if row.command_id != command_id
        }

    def all(self) -> Sequence[Command]:
        """Return all commands."""
        return list(self._rows.values())

    async def begin(self, command: Command, shards: Sequence[Shard]) -> bool:
        if self._rows[command.id].state is not State.CREATED:
            return False
        self._rows[command.id] = command
        self._shards |= {shard.id: shard for shard in shards}
        return True

    async def replace_shards(self, command: Command, shard: Shard) -> None:
        await self.finish(command)
        self._shards = {
            key: row for key, row in self._shards.items() if row.command_id != command.id
        }
        self._shards[shard.id] = shard

    async def finish(self, command: Command) -> bool:
        if self._rows[command.id].state.over:
            return False
        self._rows[command.id] = command
        return True

    async def note(self, command: Command) -> bool:
        return await self.finish(command)

    async def shards(self, command_id: str) -> Sequence[Shard]:
        found = [row for row in self._shards.values() if row.command_id == command_id]
        return sorted(found, key=lambda row: row.after)

    async def claim(self, shard_id: str, owner: str, *, now_ms: int, until_ms: int) -> Shard | None:
        shard = self._shards.get(shard_id)
        if shard is None or not self._goes_on(shard):
            return None
        if shard.owner not in {"", owner} and not is_over(shard.lease_ms, now_ms):
            return None
        taken = replace(shard, owner=owner, lease_ms=until_ms, state=State.RUNNING)
        self._shards[shard_id] = taken
        return taken

    async def renew(self, shard_ids: Collection[str], owner: str, *, until_ms: int) -> None:
        for key in shard_ids:
            shard = self._shards.get(key)
            if shard is not None and shard.owner == owner and self._goes_on(shard):
                self._shards[key] = replace(shard, lease_ms=max(shard.lease_ms, until_ms))

    async def release(self, *, before: datetime) -> None:
        for key, intent in self._intents.items():
            if intent.at < before:
                self._intents[key] = replace(intent, abandoned=True)
        for key, shard in self._shards.items():
            if self._goes_on(shard):
                self._shards[key] = replace(shard, owner="", lease_ms=0)

    def is_over(self, shard_id: str) -> bool:
        """Tell whether the sync of a shard is over."""
        shard = self._shards.get(shard_id)
        return shard is not None and self._rows[shard.command_id].state.over

    async def advance(self, shard: Shard) -> bool:
        stored = self._shards.get(shard.id)
        if stored is None or stored.owner != shard.owner or not self._goes_on(stored):
            return False
        if stored.upto != shard.upto:
            return False
        self._shards[shard.id] = shard
        return True

    async def cut(self, shard: Shard, rest: Shard) -> bool:
        stored = self._shards.get(shard.id)
        if stored is None or stored.upto != shard.upto or stored.staged:
            return False
        if not self._goes_on(stored) or stored.checkpoint >= rest.after:
            return False
        self._shards[shard.id] = replace(stored, upto=rest.after)
        self._shards[rest.id] = rest
        return True

    def _goes_on(self, shard: Shard) -> bool:
        return not shard.state.over and self._rows[shard.command_id].state is State.RUNNING

    async def claim_intents(self, intents: Sequence[WriteIntent], *, now_ms: int) -> frozenset[str]:
        claimed = set()
        for intent in intents:
            held = next(
                (
                    row
                    for row in self._intents.values()
                    if row.object_id == intent.object_id and not row.abandoned
                ),
                None,
            )
            if held is not None and not is_over(held.lease_ms, now_ms):
                continue
            if held is not None:
                self._intents[held.id] = replace(held, abandoned=True)
            self._intents[intent.id] = intent
            claimed.add(intent.id)
        return frozenset(claimed)

    async def renew_intent(self, intent: WriteIntent) -> bool:
        row = self._intents.get(intent.id)
        if row is None or row.abandoned:
            return False
        self._intents[intent.id] = replace(
            row, lease_ms=intent.lease_ms, upload_id=intent.upload_id
        )
        return True

    async def renew_intents(self, ids: Sequence[str], *, lease_ms: int) -> frozenset[str]:
        mine = frozenset(
            each for each in ids if each in self._intents and not self._intents[each].abandoned
        )
        for each in mine:
            self._intents[each] = replace(self._intents[each], lease_ms=lease_ms)
        return mine

    async def abandon_intents(self, ids: Sequence[str]) -> None:
        for each in ids:
            if each in self._intents:
                self._intents[each] = replace(self._intents[each], abandoned=True)

    async def dead_intents(self, *, now_ms: int, limit: int) -> Sequence[WriteIntent]:
        rows = [row for _, row in sorted(self._intents.items())]
        return [row for row in rows if row.is_dead(now_ms)][:limit]

    async def intents(self, dataset_id: str) -> Sequence[WriteIntent]:
        return [row for _, row in sorted(self._intents.items()) if row.dataset_id == dataset_id]

    async def drop_intents(self, ids: Sequence[str]) -> None:
        for each in ids:
            self._intents.pop(each, None)

    async def drop_intent(self, intent_id: str) -> bool:
        row = self._intents.pop(intent_id, None)
        return row is not None and not row.abandoned
