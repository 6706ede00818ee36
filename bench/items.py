"""How long a page of 1,000 items takes in a small and in a large dataset, through the service.

The pages are walked by id, as clients do, from the beginning of folders all over the dataset: all
items, those of a folder by a glob on the file name, and those of a folder by ``dir``.
"""

from __future__ import annotations

import random
import time
from typing import Any

from bench.figures import Figure
from bench.listing_server import FOLDER
from valetkey.bootstrap import WiredServices
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.services.audit import Caller

SMALL = FOLDER
PAGE = 1000
#: Folders to begin at, and pages to walk from there: one less than a folder has.
STARTS, PAGES = 12, FOLDER // PAGE - 1
_FILES = [{"hidden": False}, {"type": "file"}]
_FIRST = "0" * 24


async def page_times(
    services: WiredServices, caller: Caller, dataset_id: str, total: int
) -> dict[str, float]:
    """Return the 95th percentile of a page's seconds, by what is asked for."""
    chosen = random.Random(1)  # noqa: S311  # which folders, the same each time
    folders = [chosen.randrange(max(1, total // FOLDER - 1)) for _ in range(STARTS)]
    taken: dict[str, list[float]] = {"": [], "_glob": [], "_dir": []}
    for folder in folders:
        own: dict[str, list[dict[str, Any]]] = {
            "": [],
            "_glob": [{"filename": f"/d{folder:05}/**"}],
            "_dir": [{"dir": f"/d{folder:05}"}],
        }
        start = await _before(services, caller, dataset_id, own["_dir"])
        for kind, conditions in own.items():
            taken[kind] += await _walk(services, caller, dataset_id, conditions, start)
    return {kind: sorted(times)[int(len(times) * 0.95)] for kind, times in taken.items()}


async def _before(
    services: WiredServices, caller: Caller, dataset_id: str, folder: list[dict[str, Any]]
) -> str:
    """Return an id that stands just before a folder's first item."""
    where = {"$and": [*_FILES, *folder, {"id": {"$gt": _FIRST}}]}
    page = await services.catalog.items.reading.page(caller, dataset_id, PageRequest(where, size=1))
    return f"{int(page.items[0].id, 16) - 1:024x}"


async def _walk(
    services: WiredServices,
    caller: Caller,
    dataset_id: str,
    conditions: list[dict[str, Any]],
    start: str,
) -> list[float]:
    times, last = [], start
    for _ in range(PAGES):
        where = {"$and": [*_FILES, *conditions, {"id": {"$gt": last}}]}
        begun = time.perf_counter()
        page = await services.catalog.items.reading.page(
            caller, dataset_id, PageRequest(where, size=PAGE)
        )
        times.append(time.perf_counter() - begun)
        assert len(page.items) == PAGE
        last = page.items[-1].id
    return times


def growth(small: dict[str, float], large: dict[str, float], total: int) -> list[Figure]:
    """Compare the times in a dataset of ``total`` items with those in one of :data:`SMALL`."""
    return [
        Figure(
            f"items_page_growth{kind}",
            round(large[kind] / small[kind], 2),
            "ratio",
            f"p95 of a page of {PAGE} of {SMALL} items: {small[kind] * 1000:.1f} ms; "
            f"of {total}: {large[kind] * 1000:.1f} ms",
        )
        for kind in small
    ]
