"""Objects a second that a sync indexes, beside boto3's bare loop over the same pages.

``python -m bench.sync URL TOTAL ENDPOINT`` is the process that is measured: it syncs twice, into
an empty index and into a full one, and prints JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config

from bench.figures import Figure
from bench.listing_server import listing_server
from valetkey.aws.objects import S3ObjectData
from valetkey.aws.settings import AwsSettings
from valetkey.bootstrap import Parts, wire
from valetkey.crypto.tokens import JwtTokens
from valetkey.db.schema import migrate
from valetkey.db.storage import SqlStorage
from valetkey.domain.ids import IdFactory
from valetkey.domain.secret import Secret
from valetkey.domain.sync import Counts, State
from valetkey.services.accounts import initialize
from valetkey.services.audit import Caller
from valetkey.services.datasets import NewDataset
from valetkey.services.drivers import NewDriver
from valetkey.services.registry import Services
from valetkey.system import SystemClock, SystemEntropy
from valetkey.testing import (
    FakeAccessKeys,
    FakeObjectStores,
    FakeRolePolicies,
    FakeSts,
    UnsafePasswords,
    UnsafeSealer,
)

REGION = "eu-central-1"
PASSWORD = Secret("correct horse battery staple")
OWNER = "ada@example.com"


def figures(total: int, postgresql: str) -> list[Figure]:
    """Measure with ``total`` objects; ``postgresql`` is the URL of an empty database."""
    with listing_server(total) as endpoint, TemporaryDirectory() as folder:
        yardstick = boto3_rate(endpoint)
        sqlite = _measured(f"sqlite:///{folder}/valetkey.db", total, endpoint)
        postgres = _measured(postgresql, total, endpoint)
    beside = f"boto3 list_objects_v2 loop: {yardstick:.0f} objects/s, of {total} objects"
    return [
        _ratio("sync_ratio_sqlite", sqlite["first"], yardstick, beside),
        _ratio("sync_ratio_postgres", postgres["first"], yardstick, beside),
        _ratio("resync_ratio_sqlite", sqlite["again"], yardstick, beside),
    ]


def memory(total: int, label: str) -> Figure:
    """Return the peak memory of a process that syncs ``total`` objects into SQLite."""
    with listing_server(total) as endpoint, TemporaryDirectory() as folder:
        found = _measured(f"sqlite:///{folder}/valetkey.db", total, endpoint)
    return Figure(f"sync_rss_mb_{label}", round(found["peak_mb"], 1), "MB", f"{total} objects")


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


def _measured(url: str, total: int, endpoint: str) -> dict[str, float]:
    done = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-m", "bench.sync", url, str(total), endpoint],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


async def _sync_twice(url: str, total: int, endpoint: str) -> dict[str, float]:
    await migrate(url)
    clock, entropy, storage = SystemClock(), SystemEntropy(), SqlStorage.at(url)
    objects = S3ObjectData(AwsSettings(s3_endpoint=endpoint, region=REGION), clock)
    parts = Parts(
        clock=clock,
        entropy=entropy,
        new_id=IdFactory(clock, entropy),
        storage=storage,
        sealer=UnsafeSealer(),
        passwords=UnsafePasswords(),
        tokens=JwtTokens(Secret("ab" * 32), "bench"),
        sts=FakeSts(clock),
        stores=FakeObjectStores({"bench": {}}),
        objects=objects,
        access_keys=FakeAccessKeys(clock),
        role_policies=FakeRolePolicies(),
        alone=True,
    )
    services = wire(parts)
    caller, dataset_id = await _furnish(parts, services)
    first = await _sync(services, caller, dataset_id, Counts(added=total))
    again = await _sync(services, caller, dataset_id, Counts(unchanged=total))
    await objects.close()
    await storage.close()
    return {"first": total / first, "again": total / again, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Return this process's own peak. ``ru_maxrss`` would be the parent's, if that was larger."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


async def _furnish(parts: Parts, services: Services) -> tuple[Caller, str]:
    first = await initialize(
        parts.storage,
        parts.sealer,
        parts.passwords,
        parts.clock,
        parts.entropy,
        parts.new_id,
        organization="Bench",
        email=OWNER,
        password=PASSWORD,
    )
    login = await services.accounts.login(OWNER, PASSWORD)
    caller = Caller(await services.accounts.authenticate(login.token.reveal()))
    integration = await services.integrations.create(
        caller,
        first.organization.id,
        name="aws",
        key="AKIAIOSFODNN7EXAMPLE",
        secret=Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        role_arn="arn:aws:iam::123456789012:role/bench",
    )
    project = first.project.id
    driver = await services.drivers.create(
        caller, project, NewDriver(name="d", integration_id=integration.id, bucket="bench")
    )
    view = await services.datasets.create(caller, project, NewDataset("bench", driver.id))
    return caller, view.dataset.id


async def _sync(services: Services, caller: Caller, dataset_id: str, expected: Counts) -> float:
    start = time.perf_counter()
    ordered = await services.syncs.start(caller, dataset_id)
    await services.sync_worker.run_open()
    seconds = time.perf_counter() - start
    done = await services.syncs.get(caller, ordered.command.id)
    assert done.command.state is State.SUCCESS, done.command.error
    assert done.counts == expected
    return seconds


if __name__ == "__main__":
    import uvloop

    print(json.dumps(uvloop.run(_sync_twice(sys.argv[1], int(sys.argv[2]), sys.argv[3]))))
