"""A million objects, and a node that is killed in the middle: ``make ray-million`` runs it."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import asyncpg
import pytest

from support.ray_cluster import SECOND, RayCluster
from support.sync_site import SyncSite
from valetkey.catalog.domain.sync import State

#: Asks for the long run.
ASKED = "VALETKEY_MILLION"
OBJECTS = 1_000_000
_SECONDS = 1500


@pytest.mark.skipif(ASKED not in os.environ, reason="takes minutes: make ray-million")
@pytest.mark.timeout(_SECONDS)
async def test_a_node_killed_in_the_middle_of_a_million_objects_leaves_an_index_true_to_the_listing(
    site: SyncSite, cluster: RayCluster, postgresql_url: str
) -> None:
    site.bucket.page = 1000
    site.bucket.fill(f"d{number // 10_000:03}/{number:07}.jpg" for number in range(OBJECTS))
    began = time.monotonic()
    ordered = await site.order("ray", parallel=4)
    working = asyncio.create_task(site.made.services.catalog.sync_worker.run_open())
    while (await site.look(ordered)).counts.seen < OBJECTS // 3:
        assert not working.done()
        await asyncio.sleep(0.5)  # between two looks
    await asyncio.to_thread(cluster.lose, SECOND)
    print(f"killed a node at {(await site.look(ordered)).counts.seen} objects")  # noqa: T201
    await working
    while not (await site.look(ordered)).command.state.over:
        await site.made.services.catalog.sync_worker.run_open()
        await asyncio.sleep(1)
    done = await site.look(ordered)
    seconds = time.monotonic() - began
    print(f"{OBJECTS} objects in {seconds:.0f} s, {OBJECTS / seconds:.0f} a second")  # noqa: T201
    assert (done.command.state, done.command.error) == (State.SUCCESS, {})
    assert done.counts.added == OBJECTS
    connection: Any = await asyncpg.connect(postgresql_url)
    rows = await connection.fetch("SELECT path, size FROM items WHERE deleted_ms IS NULL")
    await connection.close()
    assert len(rows) == OBJECTS
    assert {row["path"]: row["size"] for row in rows} == site.bucket.objects
