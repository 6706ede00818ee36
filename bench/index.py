"""How long the index of a million items takes for what people ask, on SQLite and on PostgreSQL.

Each figure is the slower of the two databases; a query's time is the median of several.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory
from typing import Any

from bench.dataset import OpenedDataset, opened_dataset
from bench.figures import Figure
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.domain.ports import Pool
from valetkey.testing.big_index import PER_FOLDER, fill
from valetkey.testing.query_kinds import KINDS

#: Rows that are written in one transaction while the index is filled.
_PART = 100_000
_TIMES = 5
#: The folders of the tree that is measured.
_FOLDERS = 10_000


def figures(total: int, postgresql: str) -> list[Figure]:
    """Measure with ``total`` items; ``postgresql`` is the URL of an empty database."""
    with TemporaryDirectory() as folder:
        measured = [
            asyncio.run(_measured(f"sqlite:///{folder}/valetkey.db", total)),
            asyncio.run(_measured(postgresql, total)),
        ]
    names = ("sqlite", "postgresql")
    found = []
    for figure in ("tree_ms_10k_folders", "item_by_id_ms", "slowest_filter_ms"):
        told = "; ".join(f"{name}: {m[figure][1]}" for name, m in zip(names, measured, strict=True))
        slowest = max(m[figure][0] for m in measured)
        found.append(Figure(figure, round(slowest, 1), "ms", f"{total} items; {told}"))
    return found


async def _measured(url: str, total: int) -> dict[str, tuple[float, str]]:
    async with opened_dataset(url) as opened:
        storage: Any = opened.parts.storage.through(Pool.HEAVY)
        for first in range(0, total, _PART):
            async with storage.begin() as work:
                count = min(_PART, total - first)
                await fill(work._connection, opened.dataset, count, first=first)  # noqa: SLF001
        async with storage.begin() as work:
            await work.items.analyze()  # as a sync does at its end
        kinds = {name: await _kind(opened, name) for name in KINDS}
        slowest = max(kinds, key=lambda name: kinds[name])
        tree = await _median(lambda: _tree(opened))
        by_id = await _median(lambda: _by_id(opened, total // 2))
    folders = min(_FOLDERS, total // PER_FOLDER)
    return {
        "tree_ms_10k_folders": (tree, f"{tree:.0f} ms for {folders} folders"),
        "item_by_id_ms": (by_id, f"{by_id:.1f} ms"),
        "slowest_filter_ms": (kinds[slowest], f"{kinds[slowest]:.0f} ms for {slowest!r}"),
    }


async def _kind(opened: OpenedDataset, name: str) -> float:
    where, sort = KINDS[name]
    wanted = PageRequest(where, sort)
    reading = opened.services.catalog.items.reading
    return await _median(lambda: reading.page(opened.caller, opened.dataset.id, wanted))


async def _tree(opened: OpenedDataset) -> None:
    reading = opened.services.catalog.items.reading
    async for _ in reading.folders(opened.caller, opened.dataset.id):
        pass


async def _by_id(opened: OpenedDataset, number: int) -> None:
    await opened.services.catalog.items.reading.get(opened.caller, f"{number:024x}")


async def _median(run: Callable[[], Awaitable[Any]]) -> float:
    times = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        await run()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)
