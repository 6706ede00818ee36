"""SQLite's log (``-wal``) is deleted, beside a running server and after a kill -9: the newest
records are in it alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from support.aws import GoodSetup
from support.commands import run_process
from support.fleet import Crowd, recorded, until
from support.machine import OWNER, PASSWORD, Machine, made, prepare
from valetkey.embedded import EmbeddedAws

#: Nothing that works takes so long.
HANGS = 60


@contextmanager
def serving(machine: Machine) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve, and be killed in the end."""
    process, url = machine.serve()
    try:
        yield process, url
    finally:
        process.kill()
        process.communicate(timeout=HANGS)


def logged_in(http: httpx2.Client) -> httpx2.Client:
    login = {"username": OWNER, "password": PASSWORD, "type": "user_credentials"}
    http.headers["authorization"] = f"Bearer {made(http.post('/token', json=login))['id_token']}"
    return http


@pytest.fixture
def machine(embedded_aws: EmbeddedAws, tmp_path: Path) -> Machine:
    return Machine(tmp_path, embedded_aws.endpoint)


@pytest.mark.parametrize("lost", [["-wal"], ["-wal", "-shm"]], ids=["log", "log and index"])
def test_a_server_whose_log_is_deleted_hands_out_nothing_more_and_has_saved_what_it_had(
    machine: Machine, good_setup: GoodSetup, lost: list[str]
) -> None:
    with serving(machine) as (_, url), httpx2.Client(base_url=url, timeout=HANGS) as http:
        location = prepare(http, good_setup)["id"]
        with Crowd([url], http.headers["authorization"], location) as crowd:
            crowd.wait_for_more()
            for name in lost:
                (machine.data / f"valetkey.db{name}").unlink()
            until(lambda: http.get("/readyz").status_code == 503, "it is told")
            until(lambda: all(crowd.failures.values()), "everybody is refused")
            received = set(crowd.received)
        assert crowd.received == received
        assert all(
            "-wal) was deleted" in each[1] for some in crowd.failures.values() for each in some
        )
    with serving(machine) as (_, url), httpx2.Client(base_url=url, timeout=HANGS) as http:
        assert received <= recorded(logged_in(http))


def test_a_log_that_is_moved_away_and_put_back_is_gone_on_with(
    machine: Machine, good_setup: GoodSetup
) -> None:
    log = machine.data / "valetkey.db-wal"
    with serving(machine) as (_, url), httpx2.Client(base_url=url, timeout=HANGS) as http:
        location = prepare(http, good_setup)["id"]
        with Crowd([url], http.headers["authorization"], location) as crowd:
            crowd.wait_for_more()
            moved = log.rename(log.with_name("away"))
            until(lambda: http.get("/readyz").status_code == 503, "it is told")
            moved.rename(log)
            until(lambda: http.get("/readyz").status_code == 200, "it is well again")
            crowd.wait_for_more()
        assert crowd.received <= recorded(http)


def test_a_server_that_was_killed_does_not_start_without_its_log(
    machine: Machine, good_setup: GoodSetup
) -> None:
    with serving(machine) as (_, url), httpx2.Client(base_url=url, timeout=HANGS) as http:
        location = prepare(http, good_setup)["id"]
        with Crowd([url], http.headers["authorization"], location) as crowd:
            crowd.wait_for_more()
    log = machine.data / "valetkey.db-wal"
    moved = log.rename(log.with_name("away"))
    ran = run_process(["serve", "--port", "0"], machine.environment)
    assert ran.code != 0
    assert "valetkey.db-wal) is missing" in ran.said
    assert "valetkey.db-shm" in ran.said
    moved.rename(log)
    with serving(machine) as (_, url), httpx2.Client(base_url=url, timeout=HANGS) as http:
        assert crowd.received <= recorded(logged_in(http))
