"""The kill test of rotation: a real process is killed (SIGKILL) once AWS has carried out one of its
calls and before the answer arrives. Another process then ends the rotation, with one live key."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.aws import client
from support.counting_proxy import CountingProxy
from support.entities import make_integration
from support.own_aws import settings_for
from support.rotating import make_user
from valetkey.administration import first_start
from valetkey.aws.access_keys import BotoAccessKeys
from valetkey.aws.sts import AwsSts
from valetkey.bootstrap import make_sealer
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.config import Settings
from valetkey.domain.ids import IdFactory
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.rotation import DEFAULT_GRACE
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws
from valetkey.services.audit import AuditLog
from valetkey.services.integrations import open_key, secret_context
from valetkey.services.rotation import Rotations
from valetkey.system import SystemClock, SystemEntropy
from valetkey.testing import ManualClock

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "rotate_once.py"
INTEGRATION = "d" * 24
#: GetCallerIdentity, ListAccessKeys twice, CreateAccessKey, then three
#: times GetCallerIdentity and AssumeRole. A call's number, and what has happened when it is
#: made.
CALLS = {3: "intent stored", 4: "key made", 5: "secret stored", 10: "last proof"}


@dataclass
class Installation:
    """A database with one integration, whose user has one key."""

    settings: Settings
    storage: SqlCatalogStorage
    iam: Any
    user: str
    org_id: str

    def killed_at(self, number: int, aws: EmbeddedAws) -> int:
        """Rotate in a process of its own, and kill it at a call. Returns its exit code."""
        running: list[subprocess.Popen[bytes]] = []
        started = threading.Event()

        def strike(at: int) -> bool:
            if at == number:
                started.wait()
                running[0].send_signal(signal.SIGKILL)
            return at < number

        with CountingProxy(aws.endpoint) as proxy:
            proxy.start_counting(strike)
            folder, org = str(self.settings.data_folder), self.org_id
            command = [sys.executable, str(SCRIPT), folder, proxy.endpoint, org, INTEGRATION]
            environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "NO_PROXY": "127.0.0.1"}
            running.append(
                subprocess.Popen(  # noqa: S603  # our own command
                    command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
            )
            started.set()
            running[0].communicate()
        return running[0].returncode

    async def go_on(self, aws: EmbeddedAws) -> None:
        """Be the next process, days later."""
        adapters = settings_for(aws.endpoint)
        sts, keys = AwsSts(adapters, SystemClock(), SystemEntropy()), BotoAccessKeys(adapters)
        clock, entropy = ManualClock(datetime.now(UTC) + timedelta(hours=1)), SystemEntropy()
        new_id = IdFactory(clock, entropy)
        rotations = Rotations(
            self.storage,
            make_sealer(self.settings, entropy),
            sts,
            keys,
            AuditLog(self.storage, clock, new_id),
            clock,
            entropy,
            new_id,
        )
        for _ in range(3):
            await rotations.resume()
            clock.advance(DEFAULT_GRACE.total_seconds())
        await sts.close()
        keys.close()


@pytest.fixture
async def installation(embedded_aws: EmbeddedAws, tmp_path: Path) -> AsyncIterator[Installation]:
    iam = client(embedded_aws, "iam")
    user, role_arn, key = make_user(iam)
    settings = Settings(data_dir=tmp_path)
    password = Secret("correct horse battery staple")
    made = await first_start(
        settings, organization="Acme", email="ada@example.com", password=password
    )
    storage, now = SqlCatalogStorage.at(settings.database), datetime.now(UTC)
    integration = make_integration(
        at=now,
        id=INTEGRATION,
        org_id=made.organization.id,
        name="aws",
        access_key_id=key.id,
        role_arn=RoleArn.parse(role_arn),
    )
    sealed = await make_sealer(settings, SystemEntropy()).seal(
        key.secret, secret_context(integration)
    )
    async with storage.begin() as work:
        await work.integrations.add(integration, sealed)
    yield Installation(settings, storage, iam, user, made.organization.id)
    await storage.close()


@pytest.mark.parametrize("number", CALLS, ids=CALLS.values())
async def test_killed_at_a_call_the_rotation_is_ended_by_the_next_process_with_one_live_key(
    embedded_aws: EmbeddedAws, installation: Installation, number: int
) -> None:
    assert installation.killed_at(number, embedded_aws) == -signal.SIGKILL
    await installation.go_on(embedded_aws)
    sealer = make_sealer(installation.settings, SystemEntropy())
    _, held = await open_key(installation.storage, sealer, INTEGRATION)
    (left,) = installation.iam.list_access_keys(UserName=installation.user)["AccessKeyMetadata"]
    assert (left["AccessKeyId"], left["Status"]) == (held.id, "Active")
    async with installation.storage.read() as work:
        rotation = await work.rotations.latest(INTEGRATION)
    assert rotation is not None
    assert rotation.is_over
