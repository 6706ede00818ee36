"""A dataset of an installation, and as many items in it as one wants."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx2

from bench.installation import Installation
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.testing.big_index import fill

#: Rows that are written in one transaction.
_PART: Final = 100_000


def make_dataset(made: Installation, *, of_whole_bucket: bool = False) -> str:
    """Make a dataset over the installation's location, or over all of its bucket; return its id."""
    headers = {"authorization": made.owner}
    with httpx2.Client(base_url=made.url, headers=headers, timeout=60) as client:
        known = client.get(f"/v1/locations/{made.location}").raise_for_status().json()
        location: str = made.location
        if of_whole_bucket:
            new = {name: known[name] for name in ("projectId", "integrationId", "bucket", "region")}
            answer = client.post("/v1/locations", json=new | {"name": "whole"})
            location = answer.raise_for_status().json()["id"]
        body = {"name": "big", "projectId": known["projectId"], "locationId": location}
        dataset: str = client.post("/v1/datasets", json=body).raise_for_status().json()["id"]
        return dataset


def filled_dataset(made: Installation, total: int) -> str:
    """Make a dataset of so many items, as the database itself writes them, with its statistics;
    return its id."""
    dataset = make_dataset(made)
    asyncio.run(_fill(made.database, dataset, total))
    return dataset


async def _fill(url: str, dataset_id: str, total: int) -> None:
    storage = SqlCatalogStorage.at(url)
    for first in range(0, total, _PART):
        async with storage.begin() as work:
            dataset = await work.datasets.get(dataset_id)
            assert dataset is not None
            await fill(work._connection, dataset, min(_PART, total - first), first=first)  # noqa: SLF001
            await work.items.analyze()
    await storage.close()
