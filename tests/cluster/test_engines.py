"""Whichever engine does a sync, the index is what is listed; whatever dies, another goes on."""

from __future__ import annotations

import asyncio

import pytest

from support.ray_cluster import drivers
from support.sync_site import KEYS, SyncSite
from valetkey.catalog.domain.sync import Counts, State

ENGINES = pytest.mark.parametrize("engine", ["process", "ray"])


@ENGINES
async def test_the_index_is_what_is_listed_at_first_and_after_changes_by_sessions_that_only_list(
    site: SyncSite, engine: str
) -> None:
    site.bucket.fill(KEYS)
    first = await site.sync(engine)
    assert (first.command.state, first.command.error) == (State.SUCCESS, {})
    assert (first.counts, first.percent) == (Counts(added=len(KEYS)), 100)
    assert await site.index() == site.bucket.objects
    site.bucket.fill(KEYS[:70], size=2)
    site.bucket.drop(KEYS[100:130])
    site.bucket.fill(["new", "50/new"])
    again = await site.sync(engine)
    assert again.counts == Counts(added=2, changed=70, removed=30, unchanged=len(KEYS) - 100)
    assert await site.index() == site.bucket.objects
    assert drivers() == []
    if engine == "ray":
        assert await _accesses_on_ray(site) == {"list"}


async def _accesses_on_ray(site: SyncSite) -> set[str]:
    """Return what the sessions that nodes were given may do."""
    async with site.made.parts.storage.read() as work:
        trail = [record.event async for record in work.audit.read()]
    sessions = [one for one in trail if "on Ray" in str(one.details.get("purpose", ""))]
    return {access for one in sessions for access in one.details["access"]}


@ENGINES
async def test_a_sync_tells_how_far_it_is_and_stops_when_it_is_cancelled(
    site: SyncSite, engine: str
) -> None:
    site.bucket.fill(KEYS)
    site.bucket.stop_after(20)
    ordered = await site.order(engine)
    working = asyncio.create_task(site.work())
    await site.until_stopped(ordered)
    now = await site.until_counted(ordered)
    assert now.command.state is State.RUNNING
    assert now.percent < 100
    await site.made.services.catalog.syncs.cancel(site.made.caller, ordered.command.id)
    if engine == "process":
        site.bucket.go_on()  # it notices at its next page
    await working
    site.bucket.go_on()
    assert (await site.look(ordered)).command.state is State.CANCELED
    assert len(await site.index()) < len(KEYS)
    assert (await site.sync()).command.state is State.SUCCESS
    assert await site.index() == site.bucket.objects


@ENGINES
async def test_a_store_that_refuses_ends_the_sync_with_its_cause(
    site: SyncSite, engine: str
) -> None:
    site.bucket.fill(KEYS)
    site.bucket.stop_after(10)
    ordered = await site.order(engine)
    working = asyncio.create_task(site.work())
    await site.until_stopped(ordered)
    site.bucket.denied = True
    site.bucket.go_on()
    await working
    failed = await site.look(ordered)
    assert failed.command.state is State.FAILED
    assert failed.command.error["code"] == "aws_refused"
