"""What a sync on Ray does about a cluster that loses what it is given; the driver is played."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.listed_bucket import ListedBucket
from support.sync_site import HANGS, SyncSite, sync_site
from valetkey.catalog.domain.sync import State
from valetkey.domain.secret import Secret

#: Joins a cluster, and then answers each order, or does not.
_DRIVER = """
import json, sys
sys.stdin.readline()
{first}
print(json.dumps({{"type": "ClusterReady", "nodes": 1}}), flush=True)
for line in sys.stdin:
    order = json.loads(line)["id"]
    {act}
"""
_TELL = 'print(json.dumps({{"type": "OrderOutcome", "id": order, **{outcome}}}), flush=True)'


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SyncSite]:
    token = tmp_path / "token"
    token.write_text("a" * 64)
    with ListedBucket() as bucket:
        url = f"sqlite:///{tmp_path / 'valetkey.db'}"
        async with sync_site(url, bucket, "127.0.0.1:9", token) as made:
            bucket.fill(["a", "b"])
            yield made


def play(site: SyncSite, act: str, first: str = "") -> None:
    """Have a driver that does this with each order, and that before it has joined."""
    engine: Any = site.made.services.catalog.syncs._engines["ray"]
    engine._settings = replace(engine._settings, database=Secret("postgresql://nobody@nowhere/x"))
    engine._command = (sys.executable, "-c", _DRIVER.format(act=act, first=first))


async def failed(site: SyncSite) -> str:
    ended = await site.sync("ray", parallel=1)
    assert ended.command.state is State.FAILED
    return f"{ended.command.error['code']}: {ended.command.error['message']}"


async def test_a_part_that_is_lost_three_times_ends_the_sync_with_the_cause(site: SyncSite) -> None:
    play(site, _TELL.format(outcome='{"kind": "lost", "message": "A worker died."}'))
    said = await failed(site)
    assert said == "engine_failed: A part of the bucket was lost 3 times. A worker died."


async def test_a_driver_that_dies_three_times_ends_the_sync(site: SyncSite) -> None:
    play(site, "sys.exit(1)")
    assert "to the Ray cluster at 127.0.0.1:9 was lost again and again" in await failed(site)


async def test_what_fails_on_a_node_is_what_the_sync_fails_with(site: SyncSite) -> None:
    outcome = '{"kind": "failed", "code": "aws_refused", "message": "AWS denied it."}'
    play(site, _TELL.format(outcome=outcome))
    assert await failed(site) == "aws_refused: AWS denied it."


async def test_after_what_was_lost_another_engine_indexes_all(site: SyncSite) -> None:
    play(site, "sys.exit(1)")
    await failed(site)
    assert (await site.sync()).command.state is State.SUCCESS
    assert await site.index() == site.bucket.objects


async def test_a_sync_that_is_cancelled_does_not_wait_for_the_cluster(
    site: SyncSite, tmp_path: Path
) -> None:
    joining = tmp_path / "joining"
    play(site, "", f"open({str(joining)!r}, 'w'); sys.stdin.read()")
    ordered = await site.order("ray")
    working = asyncio.create_task(site.work())
    async with asyncio.timeout(HANGS):
        while not joining.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await site.made.services.catalog.syncs.cancel(site.made.caller, ordered.command.id)
    async with asyncio.timeout(60):  # a cluster is given three times as long
        await working
    assert (await site.look(ordered)).command.state is State.CANCELED
