"""Tests on a real Ray cluster. ``tests/e2e/test_ray.py`` runs them where nobody else is."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from support.listed_bucket import ListedBucket
from support.namespace import INSIDE
from support.ray_cluster import RayCluster, running_cluster
from support.sync_site import SyncSite, sync_site

if INSIDE not in os.environ:
    collect_ignore_glob = ["*"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    with running_cluster(tmp_path_factory.mktemp("ray")) as made:
        yield made


@pytest.fixture
async def site(postgresql_url: str, cluster: RayCluster) -> AsyncIterator[SyncSite]:
    with ListedBucket() as bucket:
        async with sync_site(postgresql_url, bucket, cluster.address, cluster.token_file) as made:
            yield made
