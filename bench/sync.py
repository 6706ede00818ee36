"""Objects a second that a sync indexes, beside boto3's bare loop over the same pages.

``python -m bench.sync URL TOTAL ENDPOINT`` is the process that is measured: it syncs into an empty
index, into a full one, and into one in which every tenth object is another since; then it reads
pages of it, and prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

import boto3
from botocore.config import Config
from sqlalchemy import text

from bench import items
from bench.dataset import REGION, OpenedDataset, opened_dataset
from bench.figures import Figure
from bench.listing_server import listing_server
from bench.processes import memory_mb
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.sync import Counts, State
from valetkey.system import quieten_collector


class Measured(TypedDict):
    """What the measured process tells: objects a second, its peak memory until then, and the
    seconds that a page takes."""

    first: float
    again: float
    changed: float
    peak_mb: float
    pages: dict[str, float]


def figures(total: int, postgresql: str) -> list[Figure]:
    """Measure with ``total`` objects; ``postgresql`` is the URL of an empty database."""
    with listing_server(total) as endpoint, TemporaryDirectory() as folder:
        yardstick = boto3_rate(endpoint)
        sqlite = _measured(f"sqlite:///{folder}/valetkey.db", total, endpoint)
        postgres = _measured(postgresql, total, endpoint)
    beside = f"boto3 list_objects_v2 loop: {yardstick:.0f} objects/s, of {total} objects"
    changed = f"{beside}, every tenth changed"
    return [
        _ratio("sync_ratio_sqlite", sqlite["first"], yardstick, beside),
        _ratio("sync_ratio_postgres", postgres["first"], yardstick, beside),
        _ratio("resync_ratio_sqlite", sqlite["again"], yardstick, beside),
        _ratio("resync_changed_ratio_sqlite", sqlite["changed"], yardstick, changed),
        _ratio("resync_changed_ratio_postgres", postgres["changed"], yardstick, changed),
    ]


def sizes(total: int) -> list[Figure]:
    """Return what must not grow with the number of objects: memory, and the time of a page."""
    small, middle, large = (_alone(count) for count in (items.SMALL, total, 5 * total))
    return [
        Figure("sync_rss_mb_1m", round(middle["peak_mb"], 1), "MB", f"{total} objects"),
        Figure("sync_rss_mb_5m", round(large["peak_mb"], 1), "MB", f"{5 * total} objects"),
        *items.growth(small["pages"], large["pages"], 5 * total),
    ]


def _alone(total: int) -> Measured:
    with listing_server(total) as endpoint, TemporaryDirectory() as folder:
        return _measured(f"sqlite:///{folder}/valetkey.db", total, endpoint)


def _ratio(name: str, ours: float, theirs: float, beside: str) -> Figure:
    return Figure(name, round(ours / theirs, 2), "ratio", f"{beside}; ours {ours:.0f}/s")


def boto3_rate(endpoint: str) -> float:
    """Return objects a second of the plainest loop, over every page that the sync lists."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(s3={"addressing_style": "path"}),
    )
    token: dict[str, Any] = {}
    count, start = 0, time.perf_counter()
    while True:
        answer: dict[str, Any] = client.list_objects_v2(Bucket="bench", **token)  # type: ignore[assignment]
        count += len(answer["Contents"])
        if "NextContinuationToken" not in answer:
            break
        token = {"ContinuationToken": answer["NextContinuationToken"]}
    return count / (time.perf_counter() - start)


def _measured(url: str, total: int, endpoint: str) -> Measured:
    done = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-m", "bench.sync", url, str(total), endpoint],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    found: Measured = json.loads(done.stdout)
    return found


async def _sync_thrice(url: str, total: int, endpoint: str) -> Measured:
    async with opened_dataset(url, endpoint) as made:
        quieten_collector()  # as servers and workers do
        first = await _sync(made, Counts(added=total))
        again = await _sync(made, Counts(unchanged=total))
        others = await asyncio.to_thread(_others_made, url)
        changed = await _sync(made, Counts(changed=others, unchanged=total - others))
        peak_mb = memory_mb("VmHWM")  # of the syncs, before pages are read
        pages = await items.page_times(made.services, made.caller, made.dataset.id, total)
    return {
        "first": total / first,
        "again": total / again,
        "changed": total / changed,
        "peak_mb": peak_mb,
        "pages": pages,
    }


def _others_made(url: str) -> int:
    """Make them in a process of their own: what one large statement takes is not a sync's."""
    made = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-m", "bench.sync", url], check=True, stdout=subprocess.PIPE, text=True
    )
    return int(made.stdout)


async def _make_others(url: str) -> int:
    """Let the index know another object in the place of every tenth, all over it; return how many
    these are."""
    others = text("UPDATE items SET etag = 'another' WHERE path LIKE '%7.jpg'")
    storage = SqlCatalogStorage.at(url)
    async with storage.begin() as work:
        count = (await work._connection.execute(others)).rowcount  # noqa: SLF001  # rows by SQL
    await storage.close()
    return count


async def _sync(made: OpenedDataset, expected: Counts) -> float:
    services, start = made.services, time.perf_counter()
    ordered = await services.catalog.syncs.start(made.caller, made.dataset.id)
    await services.catalog.sync_worker.run_open()
    seconds = time.perf_counter() - start
    done = await services.catalog.syncs.get(made.caller, ordered.command.id)
    assert done.command.state is State.SUCCESS, done.command.error
    assert done.counts == expected
    return seconds


if __name__ == "__main__":
    import uvloop

    if len(sys.argv) == 2:
        print(uvloop.run(_make_others(sys.argv[1])))
    else:
        print(json.dumps(uvloop.run(_sync_thrice(sys.argv[1], int(sys.argv[2]), sys.argv[3]))))
