"""A dataset's syncs: start one, watch it, stop it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from litestar import Response, get, post

from valetkey.catalog.dependencies import Catalog
from valetkey.console.dependencies import Reader, Segment
from valetkey.domain.errors import Conflict, Locked


async def sync_context(catalog: Catalog, reader: Reader, dataset_id: str) -> dict[str, Any]:
    """Return what the template of a dataset's latest sync needs."""
    syncs = await catalog.syncs.of_dataset(reader.caller, dataset_id)
    latest = next(iter(syncs), None)
    running = latest is not None and not latest.command.state.over
    return {"sync": latest, "running": running, "dataset_id": dataset_id}


async def _shown(
    catalog: Catalog, reader: Reader, dataset_id: str, *, watched: bool = False
) -> Response[str]:
    shown = await catalog.datasets.get(reader.caller, dataset_id)
    project = next(each for each in reader.projects if each.id == shown.dataset.project_id)
    context = await sync_context(catalog, reader, dataset_id)
    response = reader.part("datasets/sync.html", may_here=reader.may_in(project), **context)
    if watched and not context["running"]:
        response.headers["HX-Trigger"] = "items-changed"
    return response


@get("/datasets/{dataset_id:str}/sync")
async def show_sync(catalog: Catalog, reader: Reader, dataset_id: Segment) -> Response[str]:
    """Show how far a sync is; asked again and again while one runs."""
    return await _shown(catalog, reader, dataset_id, watched=True)


@post("/datasets/{dataset_id:str}/sync", status_code=200)
async def start_sync(catalog: Catalog, reader: Reader, dataset_id: Segment) -> Response[str]:
    """Start a sync; one that is under way is shown instead."""
    with suppress(Locked):  # somebody else was quicker, and theirs is shown
        await catalog.syncs.start(reader.caller, dataset_id)
    return await _shown(catalog, reader, dataset_id)


@post("/datasets/{dataset_id:str}/sync/{command_id:str}/cancel", status_code=200)
async def cancel_sync(
    catalog: Catalog, reader: Reader, dataset_id: Segment, command_id: Segment
) -> Response[str]:
    """Stop a sync."""
    with suppress(Conflict):  # it was over first
        await catalog.syncs.cancel(reader.caller, command_id)
    return await _shown(catalog, reader, dataset_id)


ROUTES = (show_sync, start_sync, cancel_sync)
