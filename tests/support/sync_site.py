"""A dataset over a listed bucket, whose syncs any engine may do, in this process or another.

``python -m support.sync_site`` is that other one: it does what is open and ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.dataset import REGION, OpenedDataset, opened_dataset, parts_over
from sqlalchemy import text

from support.listed_bucket import ListedBucket
from valetkey.aws.settings import AwsSettings
from valetkey.bootstrap import wire
from valetkey.catalog.domain.dql.ast import All
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.catalog.engines.ray import RaySettings
from valetkey.catalog.services.datasets import SyncView
from valetkey.catalog.services.datasets.jobs import PASSING
from valetkey.catalog.services.datasets.worker import SyncWorker
from valetkey.db.schema import schema_state
from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.secret import Secret

#: Nothing that works waits so long, however busy the machine is: what joins a Ray cluster may take
#: three minutes, and fails by itself then.
HANGS = 240
#: So soon a worker looks again.
_AGAIN_SECONDS: Final = 0.5
_MOST = 1_000_000
#: What a bucket is filled with, where nothing else is said.
KEYS: Final = [f"{number % 40:02}/{number:05}.jpg" for number in range(3000)]


@dataclass
class SyncSite:
    """One dataset, its bucket, and who works on it."""

    made: OpenedDataset
    bucket: ListedBucket
    ray: RaySettings

    async def order(self, engine: str = "process", *, parallel: int = 4) -> SyncView:
        syncs, dataset = self.made.services.catalog.syncs, self.made.dataset
        return await syncs.start(self.made.caller, dataset.id, parallel=parallel, engine=engine)

    async def work(self) -> None:
        """Do what is open and can be had now."""
        async with asyncio.timeout(HANGS):
            await _run_open(self.made.services.catalog.sync_worker)

    async def done(self, ordered: SyncView) -> SyncView:
        """Work until a sync is over, whoever had leases on it before."""
        async with asyncio.timeout(HANGS):
            while not (now := await self.look(ordered)).command.state.over:
                await _run_open(self.made.services.catalog.sync_worker)
                await asyncio.sleep(0.2)
        return now

    async def sync(self, engine: str = "process", *, parallel: int = 4) -> SyncView:
        return await self.done(await self.order(engine, parallel=parallel))

    async def look(self, ordered: SyncView) -> SyncView:
        return await self.made.services.catalog.syncs.get(self.made.caller, ordered.command.id)

    async def until_counted(self, ordered: SyncView) -> SyncView:
        """Wait until something of a sync is indexed."""
        async with asyncio.timeout(HANGS):
            now = await self.look(ordered)
            while not now.counts.seen:
                await asyncio.sleep(0.1)
                now = await self.look(ordered)
        return now

    async def give_to(self, engine: str) -> None:
        """Let another engine go on with what is open."""
        address = self.ray.addresses[0] if engine == "ray" else ""
        change = "UPDATE commands SET engine = :engine, engine_address = :address"
        storage = self.made.parts.storage
        async with storage.begin() as work:
            await work._connection.execute(  # type: ignore[attr-defined]  # past the port
                text(change), {"engine": engine, "address": address}
            )

    async def let_leases_run_out(self) -> None:
        """As they do by themselves, of processes that are dead."""
        async with self.made.parts.storage.begin() as work:
            await work._connection.execute(  # type: ignore[attr-defined]  # past the port
                text("UPDATE shards SET lease_ms = 0")
            )

    async def index(self) -> dict[str, int]:
        async with self.made.parts.storage.read() as work:
            page = await work.items.page(self.made.dataset, ItemQuery(All(()), limit=_MOST))
        return {item.path: item.size for item in page}

    async def until_stopped(self, ordered: SyncView) -> None:
        """Wait until a sync's listing stands where it was told to."""
        async with asyncio.timeout(HANGS):
            while not self.bucket.stopped:
                now = (await self.look(ordered)).command
                assert not now.state.over, (now.state, now.error)
                await asyncio.sleep(0.1)


def ray_settings(
    address: str, token_file: Path | None, database: str, endpoint: str, schema: str
) -> RaySettings:
    return RaySettings(
        addresses=(address,),
        token_file=str(token_file or ""),
        insecure=False,
        database=Secret(database),
        aws=AwsSettings(
            s3_endpoint=endpoint,
            region=REGION,
            # What hangs when its node is killed is asked for again soon.
            read_timeout=60,
            allowed_hosts=("127.0.0.1",),
        ),
        version="0.1.0",
        schema=schema,
        environment=os.environ,
    )


@asynccontextmanager
async def sync_site(
    database: str, bucket: ListedBucket, address: str, token_file: Path | None
) -> AsyncIterator[SyncSite]:
    needed = (await schema_state(database)).needed
    ray = ray_settings(address, token_file, database, bucket.endpoint, needed)
    async with opened_dataset(database, bucket.endpoint, ray=ray) as made:
        yield SyncSite(made, bucket, ray)


def start_worker(site: SyncSite) -> subprocess.Popen[bytes]:
    """Start another process that does what is open."""
    given = {
        "address": site.ray.addresses[0],
        "token_file": site.ray.token_file,
        "database": site.ray.database.reveal(),
        "endpoint": site.bucket.endpoint,
        "schema": site.ray.schema,
    }
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path.cwd())])}
    return subprocess.Popen(  # noqa: S603  # ourselves
        [sys.executable, "-m", "support.sync_site", json.dumps(given)], env=environment
    )


async def _work(given: dict[str, str]) -> None:
    ray = ray_settings(
        given["address"],
        Path(given["token_file"]),
        given["database"],
        given["endpoint"],
        given["schema"],
    )
    parts = parts_over(given["database"], given["endpoint"], ray=ray)
    await _run_open(wire(parts).catalog.sync_worker)


async def _run_open(worker: SyncWorker) -> None:
    """Do what is open, as often as a worker's looks would. Under load a process may first hear of
    its own set-up while a sync asks for credentials, and a statement may take too long."""
    while True:
        try:
            return await worker.run_open()
        except (StorageUnavailable, *PASSING):
            await asyncio.sleep(_AGAIN_SECONDS)


def with_addresses(site: SyncSite, *addresses: str) -> RaySettings:
    """The site's settings with other clusters."""
    return replace(site.ray, addresses=addresses)


if __name__ == "__main__":
    asyncio.run(_work(json.loads(sys.argv[1])))
