"""Syncs as Dataloop's commands."""

from __future__ import annotations

from typing import Any

from valetkey.catalog.dataloop.wire.base import Out, moment
from valetkey.catalog.domain.sync import SYNC
from valetkey.catalog.services.datasets.syncs import SyncView


class CountsOut(Out, frozen=True):
    """What a sync did, in items. ``escaped`` of them have a key that clients would take for a place
    elsewhere: their filenames are escaped."""

    added: int
    changed: int
    removed: int
    unchanged: int
    escaped: int


class CommandOut(Out, frozen=True):
    """A sync. ``status`` is created, in-progress, success, failed or canceled; ``progress`` is in
    percent; ``rate`` is objects a second; ``error`` says what failed, why, and the fix."""

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
            type=SYNC,
            status=command.state.value,
            progress=view.percent,
            spec={"datasetId": command.dataset_id, "parallel": command.parallel},
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
