"""Clones of datasets and of items."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import JSONBody

from valetkey.api.address import api_address
from valetkey.api.dependencies import Caller
from valetkey.catalog.dataloop.routes.datasets import name_taken_is_400
from valetkey.catalog.dataloop.wire.clones import CloneIn, ItemCloneIn
from valetkey.catalog.dataloop.wire.commands import CommandOut
from valetkey.catalog.dependencies import Catalog


@post("/datasets/{dataset_id:str}/clone", status_code=200, tags=["datasets"])
async def clone_dataset(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[CloneIn],
) -> CommandOut:
    """Clone a dataset. The answer is a command to watch; its ``returnedModelId`` is the
    dataset that the items go to."""
    with name_taken_is_400():
        view = await catalog.clones.start(caller, dataset_id, data.wanted)
    return CommandOut.of(view, api_address(request))


@post("/items/{item_id:str}/clone", status_code=200, tags=["items"])
async def clone_item(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    item_id: str,
    data: JSONBody[ItemCloneIn],
) -> CommandOut:
    """Clone an item. The answer is a command to watch; its ``returnedModelId`` is a list of the new
    item's id."""
    view = await catalog.clones.start_item(caller, item_id, data.wanted)
    return CommandOut.of(view, api_address(request))


ROUTES = (clone_dataset, clone_item)
