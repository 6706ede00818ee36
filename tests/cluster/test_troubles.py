"""What is wrong with a cluster is said in one sentence, with what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.ray_cluster import HEAD, SECOND, THIRD, RayCluster
from support.sync_site import SyncSite
from valetkey.catalog.domain.sync import Counts, State
from valetkey.catalog.services.datasets.engines import EngineFailed
from valetkey.domain.secret import Secret

#: What a node's Python runs when it starts. It has the fault that the file beside it names, which
#: is read late: Ray starts workers before there is work for them.
_BROKEN = """
import importlib.metadata, pathlib, sys
file, right = pathlib.Path(__file__).parent / "fault", importlib.metadata.version
def version(name):
    return "0.0.1" if file.read_text() == "version" else right(name)
importlib.metadata.version = version
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "sqlalchemy" and file.read_text() == "package":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Without())
"""

#: What the server's Python runs, to have another version of Ray than the cluster.
_OTHER_RAY = """
import sys, types
sys.modules["ray._version"] = types.SimpleNamespace(version="2.1.0", commit="0" * 40)
"""


@pytest.fixture(scope="module")
def fault(
    cluster: RayCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], object]]:
    """A third node, whose workers have the fault that is given."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "sitecustomize.py").write_text(_BROKEN)
    (folder / "fault").write_text("")
    cluster.add(THIRD, PYTHONPATH=os.pathsep.join([str(folder), *sys.path]))
    yield (folder / "fault").write_text
    cluster.lose(THIRD)


def with_ray(site: SyncSite, **changes: Any) -> None:
    """Change what the site's server knows of Ray."""
    engine: Any = site.made.services.catalog.syncs._engines["ray"]
    engine._settings = replace(engine._settings, **changes)


async def failed(site: SyncSite) -> str:
    """Sync; return what it failed with, message and hint."""
    site.bucket.fill(["a", "b"])
    ended = await site.sync("ray", parallel=1)
    assert ended.command.state is State.FAILED
    assert ended.command.error["code"] == EngineFailed.code
    assert await site.index() == {}
    return f"{ended.command.error['message']} {ended.command.error['hint']}"


async def test_a_wrong_address_is_named(site: SyncSite) -> None:
    with_ray(site, addresses=("127.0.0.9:9",))
    said = await failed(site)
    assert "no Ray cluster at 127.0.0.9:9" in said
    assert "ray_addresses" in said


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("b" * 64, "does not take the server's token"),
        ("", "token: it is empty"),
        (None, "token: No such file or directory"),
    ],
    ids=["wrong", "empty", "missing"],
)
async def test_a_wrong_token_is_told_from_a_wrong_address(
    site: SyncSite, tmp_path: Path, token: str | None, expected: str
) -> None:
    file = tmp_path / "token"
    if token is not None:
        file.write_text(token)
    with_ray(site, token_file=str(file))
    said = await failed(site)
    assert expected in said.replace(f"can't be read from {file}", "token")
    assert "ray_token_file" in said


async def test_a_cluster_of_another_version_of_ray_is_named(site: SyncSite, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_OTHER_RAY)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    with_ray(site, environment=os.environ | {"PYTHONPATH": path})
    said = await failed(site)
    assert "is of another version" in said
    assert "Ray: 2.1.0" in said
    assert "Use the same versions of Ray and Python" in said


async def test_a_database_that_nodes_do_not_reach_is_named(site: SyncSite) -> None:
    with_ray(site, database=Secret("postgresql://nobody:hidden@127.0.0.1:9/none"))
    said = await failed(site)
    assert "can't use the database" in said
    assert "ray_database_url" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("version", "has Valetkey 0.0.1"), ("package", "127.0.0.4 of the Ray cluster lacks the pack")],
)
async def test_a_node_that_is_made_differently_is_named(
    site: SyncSite, fault: Callable[[str], object], kind: str, expected: str
) -> None:
    fault(kind)
    said = await failed(site)
    fault("")
    assert expected in said
    assert "pip install 'valetkey[server,ray]" in said


async def test_a_worker_that_dies_is_replaced(site: SyncSite, cluster: RayCluster) -> None:
    site.bucket.fill(f"{number:04}" for number in range(400))
    site.bucket.stop_after(2)
    ordered = await site.order("ray", parallel=1)
    working = asyncio.create_task(site.work())
    await site.until_stopped(ordered)
    _kill_workers(cluster)
    site.bucket.go_on()
    await working
    ended = await site.look(ordered)
    assert (ended.command.state, ended.counts) == (State.SUCCESS, Counts(added=400))
    assert await site.index() == site.bucket.objects


def _kill_workers(cluster: RayCluster) -> None:
    """Do to the workers what a kernel does whose memory is full."""
    for host in (HEAD, SECOND, THIRD):
        for process in cluster.processes(host):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[:1] == ["ray::shard"]:
                    process.kill()


@pytest.fixture
def another(tmp_path: Path) -> Iterator[RayCluster]:
    """A cluster that asks for no token, of a head that is not started yet."""
    made = RayCluster(tmp_path, head="127.0.0.6", port=6410)
    yield made
    made.remove()


async def test_a_cluster_that_asks_for_no_token_is_refused_unless_it_is_allowed_by_name(
    site: SyncSite, another: RayCluster, tmp_path: Path
) -> None:
    await asyncio.to_thread(another.start)
    token = tmp_path / "token"
    token.write_text("a" * 64)
    with_ray(site, addresses=(another.address,), token_file=str(token))
    assert "asks nobody for a token" in await failed(site)
    with_ray(site, token_file="", insecure=True)
    assert (await site.sync("ray")).command.state is State.SUCCESS
    assert await site.index() == site.bucket.objects


async def test_a_node_whose_memory_is_full_ends_the_sync_in_words(
    site: SyncSite, another: RayCluster
) -> None:
    # Ray's own watch over memory, which takes all that is used for too much.
    full = {"RAY_memory_usage_threshold": "0.0", "RAY_memory_monitor_refresh_ms": "100"}
    await asyncio.to_thread(another.start, **full)
    with_ray(site, addresses=(another.address,), token_file="", insecure=True)
    site.bucket.stop_after(0)  # whatever gets so far waits until it is ended
    said = await failed(site)
    assert "as its memory was full" in said
    assert "Give the nodes more memory" in said
