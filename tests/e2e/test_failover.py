"""A database that fails over, stands still, stops, is held or crowded: everything answers within
its limits, comes back without a restart, and nothing is lost. ``make failover`` lasts as long as it
does in life."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx2
import psutil
import pytest

from support.aws import client, make_setup
from support.faulty_proxy import FaultyProxy
from support.fleet import LONG, Crowd, Fleet, recorded, running_fleet, until
from support.full_disk import filled, mounted_disk
from support.machine import made, prepare
from valetkey.embedded import EmbeddedAws
from valetkey.testing.postgresql import running_postgresql

#: As long as in life, or as short as a test may be.
FULL: Final = os.environ.get("VALETKEY_FAILOVER") == "full"
OBJECTS: Final = 1200
#: What whoever asks for health, and whoever asks for credentials, waits at most. Only the long run
#: holds them to that: the short one shares its machine.
READY_SECONDS: Final = 2.0
REQUEST_SECONDS: Final = 30.0


class Postgres:
    """The server process behind a database."""

    def __init__(self, url: str, disk: Path | None) -> None:
        self.url, self._disk = url, disk
        self._main = self._found()
        self._words, self._folder = self._main.cmdline(), self._main.cwd()
        self._user, self._group = self._main.uids().real, self._main.gids().real

    def _found(self) -> psutil.Process:
        file: str = self.ask("SELECT pg_read_file('postmaster.pid')")
        return psutil.Process(int(file.split("\n", 1)[0]))

    def _found_again(self) -> psutil.Process:
        end = time.monotonic() + LONG
        while True:
            try:
                return self._found()
            except (OSError, asyncpg.PostgresError):  # it is starting
                assert time.monotonic() < end
                time.sleep(0.1)

    def ask(self, statement: str) -> Any:
        async def run() -> Any:
            connection: Any = await asyncpg.connect(self.url, timeout=LONG)
            try:
                *first, last = statement.split("; ")
                for each in first:
                    await connection.execute(each)
                return await connection.fetchval(last)
            finally:
                await connection.close()

        return _run(run)

    def end(self) -> None:
        """End it, whoever started it."""
        self._main.send_signal(signal.SIGINT)  # a fast shutdown
        psutil.wait_procs([self._main], LONG)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        processes = [self._main, *self._main.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        self.end()
        try:
            yield
        finally:
            # As it was started, and nobody's child: it outlives this test.
            subprocess.run(  # noqa: S603
                ["setsid", "--fork", *self._words],  # noqa: S607  # Debian's own
                cwd=self._folder,
                user=self._user,
                group=self._group,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
                timeout=LONG,
            )
            self._main = self._found_again()

    @contextlib.contextmanager
    def holding(self, statements: list[str], connections: int = 1) -> Iterator[None]:
        """Have connections in which statements were run, until the block ends."""

        held, let_go = threading.Event(), threading.Event()

        async def hold() -> None:
            taken: list[Any] = []
            with contextlib.suppress(asyncpg.PostgresError):
                while len(taken) < connections:
                    taken.append(await asyncpg.connect(self.url, timeout=LONG))
            for statement in statements:
                await taken[0].execute(statement, timeout=LONG)
            held.set()
            await asyncio.to_thread(let_go.wait, LONG)
            for connection in taken:
                await connection.close()

        thread = threading.Thread(target=_run, args=(hold,))
        thread.start()
        assert held.wait(LONG)
        try:
            yield
        finally:
            let_go.set()
            thread.join(LONG)

    @contextlib.contextmanager
    def crashed(self) -> Iterator[None]:
        """As when one of its processes dies, or the disk of its log is full: it ends all sessions
        and recovers by itself."""
        busy = self.ask(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() ORDER BY query_start DESC LIMIT 1"
        )
        psutil.Process(busy).kill()
        yield

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        self.ask("ALTER SYSTEM SET default_transaction_read_only = on")
        self.ask("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self.ask("ALTER SYSTEM RESET default_transaction_read_only")
            self.ask("SELECT pg_reload_conf()")

    def make_database(self, name: str) -> None:
        """Make a database and use it from now on: on the disk of its own, if it has one."""
        if self._disk is None:
            self.ask(f"CREATE DATABASE {name}")
        else:
            folder = self._disk / "data"
            folder.mkdir(mode=0o700)
            os.chown(folder, self._user, self._group)
            for above in (self._disk, self._disk.parent):  # PostgreSQL is another user's
                above.chmod(0o711)
            self.ask(f"CREATE TABLESPACE small LOCATION '{folder}'")
            self.ask(f"CREATE DATABASE {name} TABLESPACE small")
        self.url = self.url.replace("/postgres?", f"/{name}?")

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        if self._disk is None:
            pytest.skip("no disk may be mounted here")
        with filled(self._disk):
            yield

    @contextlib.contextmanager
    def demoted(self) -> Iterator[None]:
        """As behind an address that led to a replica for a while: connections that were made then
        can only read, for as long as they live."""
        name = self.ask("SELECT current_database()")
        self.ask(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        self.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            self.ask(
                "SET default_transaction_read_only = off; "
                f"ALTER DATABASE {name} RESET default_transaction_read_only"
            )


def _run(work: Callable[[], Any]) -> Any:

    return asyncio.run(work())


@dataclass
class Site:
    """A fleet whose way to the database is a door that can be faulty."""

    fleet: Fleet
    proxy: FaultyProxy
    postgres: Postgres
    http: httpx2.Client
    location: dict[str, Any]
    syncs: str

    @contextlib.contextmanager
    def swallowed(self) -> Iterator[None]:
        self.proxy.swallow_old()
        yield

    def fault(self, kind: str) -> AbstractContextManager[None]:
        locked = ["BEGIN", "LOCK TABLE audit_records, locations, commands"]
        ways: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "old connections swallow": self.swallowed,
            "frozen": self.postgres.frozen,
            "stopped": self.postgres.stopped,
            "crashed": self.postgres.crashed,
            "read-only": self.postgres.read_only,
            "full": self.postgres.full,
            "demoted": self.postgres.demoted,
            "a table locked": lambda: self.postgres.holding(locked),
            "connections used up": lambda: self.postgres.holding([], 1000),
        }
        return ways[kind]()


@pytest.fixture(scope="module")
def site(_running_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    _running_aws.reset()
    setup = make_setup(_running_aws, "failing-over")
    bucket = client(_running_aws, "s3")
    for number in range(OBJECTS):
        bucket.put_object(Bucket=setup.bucket, Key=f"{number:05}", Body=b"x")
    home = tmp_path_factory.mktemp("fleet")
    # One of its own, since it is stopped and started again by others than its keeper.
    disks = tmp_path_factory.mktemp("disks")
    with (
        mounted_disk(disks / "small", megabytes=256) as disk,
        running_postgresql(tmp_path_factory.mktemp("pg")) as server,
    ):
        postgres = Postgres(server, disk)
        try:
            postgres.make_database("failing_over")
            with (
                FaultyProxy(postgres.url) as proxy,
                running_fleet(home, _running_aws, proxy.url) as fleet,
                httpx2.Client(base_url=fleet.urls[0], timeout=LONG) as http,
            ):
                location = prepare(http, setup)
                new = {
                    "name": "all",
                    "projectId": location["projectId"],
                    "locationId": location["id"],
                }
                dataset = made(http.post("/v1/datasets", json=new))["id"]
                yield Site(fleet, proxy, postgres, http, location, f"/v1/datasets/{dataset}/syncs")
        finally:
            postgres.end()


FAULTS = {
    "old connections swallow": (3, 20),
    "frozen": (6, 25),
    "stopped": (4, 20),
    "crashed": (3, 20),
    "read-only": (4, 20),
    "full": (6, 20),
    "demoted": (4, 20),
    "a table locked": (7, 60),
    "connections used up": (4, 20),
}
#: Where nothing can be stored, everybody is told so.
UNWRITABLE = {
    "read-only": "can only be read",
    "demoted": "can only be read",
    "full": "disk is full",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_database_that_fails_is_outlived_by_every_process_and_nothing_is_lost(
    site: Site, kind: str
) -> None:
    fleet, token = site.fleet, site.http.headers["authorization"]
    pids = [one.process.pid for one in fleet.all if one.process is not None]
    short, full = FAULTS[kind]
    with Crowd(fleet.urls[:2], token, site.location["id"]) as crowd:
        crowd.wait_for_more()
        sync = made(site.http.post(site.syncs, json={"parallel": 2}))["id"]
        with site.fault(kind):
            until_over = time.monotonic() + (full if FULL else short)
            answers = []
            while time.monotonic() < until_over:
                answers += fleet.ready()
                time.sleep(0.5)
            if kind in UNWRITABLE:
                until(lambda: all(code == 503 for code, _ in fleet.ready()), "none is ready")
                until(lambda: _all_heard(crowd, UNWRITABLE[kind]), "each client is told why")
        until(lambda: all(code == 200 for code, _ in fleet.ready()), "all are ready again")
        crowd.wait_for_more(100)
        until(lambda: _ended(site, sync), "the sync goes on")
    assert crowd.received <= recorded(site.http)
    assert pids == [one.process.pid for one in fleet.all if one.process and not one.process.poll()]
    slowest = max(seconds for _, seconds in answers)
    print(f"{kind}: /readyz at most {slowest:.2f} s, a request {crowd.slowest:.1f} s")  # noqa: T201
    if FULL:
        assert slowest <= READY_SECONDS
        assert crowd.slowest <= REQUEST_SECONDS
    for process in fleet.all:
        assert "Traceback" not in process.log.read_text()


def _all_heard(crowd: Crowd, cause: str) -> bool:
    """Tell whether each client's last failure says why."""
    return all(failed and cause in failed[-1][1] for failed in crowd.failures.values())


def _ended(site: Site, sync: str) -> bool:
    answer = site.http.get(f"/v1/operations/{sync}")
    if not answer.is_success:
        return False
    found = answer.json()
    assert found["state"] in {"pending", "running", "succeeded"}, found.get("error")
    return bool(found["state"] == "succeeded")
