"""What is lost with a node, a driver or a whole engine: no more than what it had in hand."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from support.ray_cluster import SECOND, RayCluster, drivers
from support.sync_site import HANGS, KEYS, SyncSite, start_worker
from valetkey.catalog.domain.sync import Counts, State


@pytest.mark.parametrize(("first", "then"), [("ray", "process"), ("process", "ray")])
async def test_what_one_engine_began_and_was_killed_at_another_ends(
    site: SyncSite, first: str, then: str
) -> None:
    site.bucket.fill(KEYS)
    site.bucket.stop_after(30)
    ordered = await site.order(first)
    worker = start_worker(site)
    try:
        await site.until_stopped(ordered)
    finally:
        worker.kill()
        worker.wait(HANGS)
    _, alive = psutil.wait_procs(drivers(), HANGS)
    assert alive == []
    await site.let_leases_run_out()
    begun = (await site.look(ordered)).counts
    assert begun.seen < len(KEYS)
    site.bucket.go_on()
    before = site.bucket.listed
    await site.give_to(then)
    done = await site.done(ordered)
    assert (done.command.state, done.command.error) == (State.SUCCESS, {})
    assert done.counts == Counts(added=len(KEYS))
    assert await site.index() == site.bucket.objects
    # What was indexed is not listed again, but for what each shard had in hand.
    assert before < site.bucket.listed


async def test_a_node_that_is_killed_in_the_middle_costs_what_it_had_in_hand(
    site: SyncSite, cluster: RayCluster
) -> None:
    site.bucket.fill(KEYS)
    site.bucket.stop_after(30)
    ordered = await site.order("ray")
    working = asyncio.create_task(site.work())
    await site.until_stopped(ordered)
    assert len(cluster.processes(SECOND)) > 1
    await asyncio.to_thread(cluster.lose, SECOND)
    site.bucket.go_on()
    await working
    done = await site.done(ordered)
    await asyncio.to_thread(cluster.add, SECOND)
    assert (done.command.state, done.command.error) == (State.SUCCESS, {})
    assert done.counts == Counts(added=len(KEYS))
    assert await site.index() == site.bucket.objects


async def test_a_driver_that_is_killed_is_followed_by_another(site: SyncSite) -> None:
    site.bucket.fill(KEYS)
    site.bucket.stop_after(20)
    ordered = await site.order("ray")
    working = asyncio.create_task(site.work())
    await site.until_stopped(ordered)
    [driver] = drivers()
    driver.kill()
    site.bucket.go_on()
    await working
    done = await site.done(ordered)
    assert (done.command.state, done.counts) == (State.SUCCESS, Counts(added=len(KEYS)))
    assert await site.index() == site.bucket.objects
