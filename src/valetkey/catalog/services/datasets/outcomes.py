"""How work ends: stored once, with what it did in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command, CommandKind, Counts, State, total
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports import Clock
from valetkey.services.audit import AuditLog, Caller

_ACTIONS: Final = {
    CommandKind.SYNC: "dataset.synced",
    CommandKind.CLONE: "dataset.cloned",
    CommandKind.EXPORT: "dataset.exported",
}


class CommandOutcomes:
    """Stores how commands ended."""

    def __init__(self, storage: CatalogStorage, audit: AuditLog, clock: Clock) -> None:
        self._storage = storage
        self._audit = audit
        self._clock = clock

    async def succeed(self, command: Command, caller: Caller) -> None:
        """Store that a command did what it was for."""
        await self._end(command, State.SUCCESS, caller=caller)

    async def fail(self, command: Command, error: ValetkeyError) -> None:
        """Store that a command came to nothing, and why."""
        await self._end(command, State.FAILED, error=error)

    async def fail_as_noted(self, command: Command) -> None:
        """Store that a command failed, with the error that is noted on it already."""
        await self._end(command, State.FAILED, keeps_error=True)

    async def _end(
        self,
        command: Command,
        state: State,
        *,
        caller: Caller | None = None,
        error: ValetkeyError | None = None,
        keeps_error: bool = False,
    ) -> None:
        async with self._storage.begin() as work:
            if state is State.FAILED:  # it may be our clock that AWS refuses
                await work.require_clock()
            current = await work.commands.get(command.id)
            if current is None:
                return
            shards = await work.commands.shards(command.id)
            ended = replace(
                current,
                state=state,
                updated_at=self._clock.now(),
                error=current.error if keeps_error else error_document(error) if error else {},
            )
            if not await work.commands.finish(ended):
                return
            dataset = await work.datasets.get(command.dataset_id)
            project = await work.projects.get(dataset.project_id) if dataset else None
            if caller is None or project is None:
                return
            event = self._audit.event(
                caller,
                _ACTIONS[command.kind],
                f"dataset:{command.dataset_id}",
                org_id=project.org_id,
                command_id=command.id,
                **_facts(command.kind, total(shard.counts for shard in shards)),
            )
            await work.audit.append([event])


def _facts(kind: CommandKind, counts: Counts) -> Mapping[str, Any]:
    if kind is CommandKind.SYNC:
        return {"added": counts.added, "changed": counts.changed, "removed": counts.removed}
    return {"items": counts.seen}


def error_document(error: ValetkeyError) -> dict[str, Any]:
    """Return an error as a command keeps it."""
    return {
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
        "details": dict(error.details),
    }
