"""Work that takes time, as Dataloop's commands."""

from __future__ import annotations

from typing import Any, Final

from valetkey.catalog.dataloop.wire.base import Out, moment
from valetkey.catalog.dataloop.wire.clones import clone_spec
from valetkey.catalog.dataloop.wire.exports import export_spec
from valetkey.catalog.domain.clone import CloneOptions
from valetkey.catalog.domain.export import ExportOptions
from valetkey.catalog.domain.sync import Command, CommandKind
from valetkey.catalog.services.datasets.orders import SyncView

_TYPES: Final = {
    CommandKind.SYNC: "SyncDataset",
    CommandKind.CLONE: "CloneDataset",
    CommandKind.EXPORT: "ExportDatasetAsJson",
}


class CountsOut(Out, frozen=True):
    """What a sync did, in items. ``escaped`` of them have a key that clients would take for a place
    elsewhere: their filenames are escaped."""

    added: int
    changed: int
    removed: int
    unchanged: int
    escaped: int


class CommandOut(Out, frozen=True):
    """Work on a dataset: a sync, a clone or an export. ``status`` is created, in-progress, success,
    failed or canceled; ``progress`` is in percent; ``rate`` is objects a second; ``error`` says
    what failed, why, and the fix."""

    id: str
    url: str
    type: str
    status: str
    progress: int
    spec: dict[str, Any]
    error: dict[str, Any] | None
    notice: str
    counts: CountsOut
    rate: float
    shards: int
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, view: SyncView, base: str) -> CommandOut:
        """Return a sync's shape; ``base`` is the API's own address."""
        command, counts = view.command, view.counts
        return cls(
            id=command.id,
            url=f"{base}/commands/{command.id}",
            type=_TYPES[command.kind],
            status=command.state.value,
            progress=view.percent,
            spec=_spec(command, counts.seen),
            error=dict(command.error) or None,
            notice=command.notice,
            counts=CountsOut(
                added=counts.added,
                changed=counts.changed,
                removed=counts.removed,
                unchanged=counts.unchanged,
                escaped=counts.escaped,
            ),
            rate=round(view.rate, 1),
            shards=view.shards,
            created_at=moment(command.created_at),
            updated_at=moment(command.updated_at),
        )


def _spec(command: Command, count: int) -> dict[str, Any]:
    if command.kind is CommandKind.EXPORT:
        options = ExportOptions.of(command.options)
        return export_spec(options, command.id, command.dataset_id, count, command.created_at)
    if command.kind is CommandKind.CLONE:
        return clone_spec(CloneOptions.of(command.options), command.dataset_id)
    return {"datasetId": command.dataset_id, "parallel": command.parallel}
