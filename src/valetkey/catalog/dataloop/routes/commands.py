"""Syncs: start, watch, cancel."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import QueryParameter

from valetkey.api.address import api_address
from valetkey.api.dependencies import Caller
from valetkey.catalog.dataloop.wire.base import ListPage
from valetkey.catalog.dataloop.wire.commands import CommandOut
from valetkey.catalog.dependencies import Catalog
from valetkey.catalog.services.datasets.syncs import MAX_PARALLEL

_Parallel = Annotated[
    int, QueryParameter(ge=1, le=MAX_PARALLEL, description="How many parts run side by side.")
]


@post("/datasets/{dataset_id:str}/sync", status_code=200, tags=["datasets"])
async def sync_dataset(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    parallel: _Parallel = 1,
) -> CommandOut:
    """Make the index true to the bucket. The answer is a command to watch; while one of the
    dataset runs, another is refused (423)."""
    view = await catalog.syncs.start(caller, dataset_id, parallel=parallel)
    return CommandOut.of(view, api_address(request))


@get("/datasets/{dataset_id:str}/syncs", tags=["datasets"])
async def list_syncs(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], dataset_id: str
) -> ListPage[CommandOut]:
    """List a dataset's latest syncs, newest first."""
    views = await catalog.syncs.of_dataset(caller, dataset_id)
    return ListPage(items=[CommandOut.of(view, api_address(request)) for view in views])


@get("/commands/{command_id:str}", tags=["datasets"])
async def show_command(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], command_id: str
) -> CommandOut:
    """Show a sync, and how far it is."""
    return CommandOut.of(await catalog.syncs.get(caller, command_id), api_address(request))


@post("/commands/{command_id:str}/abort", status_code=200, tags=["datasets"])
async def cancel_command(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], command_id: str
) -> CommandOut:
    """Stop a sync; what it has written stays, and the next one does the rest."""
    return CommandOut.of(await catalog.syncs.cancel(caller, command_id), api_address(request))


ROUTES = (sync_dataset, list_syncs, show_command, cancel_command)
