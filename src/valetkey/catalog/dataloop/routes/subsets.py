"""Dividing a dataset into subsets, which are tags in its items' metadata."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import JSONBody

from valetkey.api.address import api_address
from valetkey.api.dependencies import Caller, Services
from valetkey.catalog.dataloop.wire.base import moment
from valetkey.catalog.dataloop.wire.subsets import BulkMetadataIn, DoneOut, SplitIn
from valetkey.catalog.dependencies import Catalog


@post("/datasets/{dataset_id:str}/items/bulk-update-metadata", status_code=200, tags=["items"])
async def update_metadata(
    services: Services,
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[BulkMetadataIn],
) -> DoneOut:
    """Change the metadata of the items that a filter fits."""
    changing = catalog.items.changing
    count = await changing.patch_matching(caller, dataset_id, data.query.selection, data.patch)
    return _done(services, request, dataset_id, count)


@post("/datasets/{dataset_id:str}/split", status_code=200, tags=["items"])
async def split_items(
    services: Services,
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[SplitIn],
) -> DoneOut:
    """Give each of the items that a filter fits to a subset, in shares."""
    changing = catalog.items.changing
    count = await changing.patch_matching(
        caller, dataset_id, data.items_query.selection, data.patches()
    )
    return _done(services, request, dataset_id, count)


def _done(
    services: Services, request: Request[Any, Any, Any], dataset_id: str, count: int
) -> DoneOut:
    now = moment(services.clock.now())
    return DoneOut(
        id=dataset_id,
        url=f"{api_address(request)}/datasets/{dataset_id}",
        spec={"datasetId": dataset_id, "itemsCount": count},
        created_at=now,
        updated_at=now,
    )


ROUTES = (update_metadata, split_items)
