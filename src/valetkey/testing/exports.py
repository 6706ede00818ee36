"""The parts of exported files in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from valetkey.catalog.domain.export import ExportPart
from valetkey.catalog.domain.sync import CommandKind, State
from valetkey.testing.commands import MemoryCommands


class MemoryExports:
    """Implements ports.ExportRepository."""

    def __init__(self, commands: MemoryCommands) -> None:
        self._commands = commands
        self._parts: dict[tuple[str, int], ExportPart] = {}
        self._bodies: dict[tuple[str, int], bytes] = {}

    async def keep(self, part: ExportPart, packed: bytes) -> None:
        self._parts[part.command_id, part.number] = part
        self._bodies[part.command_id, part.number] = packed

    async def parts(self, command_id: str) -> Sequence[ExportPart]:
        return [part for key, part in sorted(self._parts.items()) if key[0] == command_id]

    async def packed(self, part: ExportPart) -> bytes | None:
        return self._bodies.get((part.command_id, part.number))

    async def kept_bytes(self, dataset_id: str) -> int:
        own = {row.id for row in self._commands.all() if row.dataset_id == dataset_id}
        return sum(part.packed for part in self._parts.values() if part.command_id in own)

    async def clear(self, dataset_id: str, *, parts: int) -> int:
        own = {row.id for row in self._commands.all() if row.dataset_id == dataset_id}
        return self._forget([key for key in sorted(self._parts) if key[0] in own][:parts])

    def _forget(self, keys: Sequence[tuple[str, int]]) -> int:
        for key in keys:
            del self._parts[key], self._bodies[key]
        return len(keys)

    async def purge(self, *, before: datetime, parts: int, commands: int) -> int:
        over = {row.id: row for row in self._commands.all() if row.state.over}
        old = {key for key, row in over.items() if row.updated_at < before}
        failed = {key for key, row in over.items() if row.state is not State.SUCCESS}
        gone = self._forget([key for key in sorted(self._parts) if key[0] in old | failed][:parts])
        left = {key[0] for key in self._parts}
        empty = [each for each in sorted(old - left) if over[each].kind is CommandKind.EXPORT][
            :commands
        ]
        for command_id in empty:
            self._commands.forget(command_id)
        return gone + len(empty)
