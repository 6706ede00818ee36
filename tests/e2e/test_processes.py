"""Many processes over one PostgreSQL: they serve, they work, and each may die at any moment."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from support.commands import Ran, clean_environment, run_process, start
from support.faulty_proxy import FaultyProxy
from support.fleet import LONG, answers, until, until_ready
from support.ports import held_port

PASSWORD = "correct horse battery staple"
OWNER = "ada@example.com"


class Site:
    """A machine with an installation on PostgreSQL."""

    def __init__(self, home: Path, database: str) -> None:
        self.home = home
        self.environment = clean_environment(
            home,
            VALETKEY_DATA_DIR=str(home / "data"),
            VALETKEY_DATABASE_URL=database,
            VALETKEY_SHUTDOWN_GRACE="30",
        )

    def run(self, *words: str, **variables: str) -> Ran:
        return run_process(words, self.environment | variables)

    def init(self) -> None:
        password = self.home / "password"
        password.write_text(PASSWORD)
        ran = self.run("init", "--email", OWNER, "--password-file", str(password))
        assert ran.code == 0, ran.said

    @contextlib.contextmanager
    def running(self, *words: str, **variables: str) -> Iterator[Running]:
        log = self.home / f"log-{words[0]}"
        with log.open("w") as errors:
            process = start([*words, "--json"], self.environment | variables, errors=errors)
        try:
            yield Running(process, log)
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children():
                    child.kill()
            process.kill()
            process.communicate(timeout=LONG)


class Running:
    """A process that has said that it is ready."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], log.read_text()
        self.facts: dict[str, str] = json.loads("".join(lines))

    @property
    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONG)


@pytest.fixture
def site(tmp_path: Path, postgresql_url: str) -> Site:
    made = Site(tmp_path, postgresql_url)
    made.init()
    return made


def test_workers_serve_one_address_and_one_that_is_killed_is_replaced(site: Site) -> None:
    with site.running("serve", "--port", "0", "--workers", "2") as server:
        url = server.facts["url"]
        before = server.workers
        assert len(before) == 2
        assert all(answers(f"{url}/healthz") for _ in range(20))
        before[0].kill()
        before[0].wait(LONG)
        assert all(answers(f"{url}/healthz") for _ in range(20)), "the other one serves"
        until(lambda: len(server.workers) == 2, "another one is started")
        assert server.stop() == 0
    assert not any(worker.is_running() for worker in before)


def test_a_worker_that_is_killed_again_and_again_is_replaced_each_time_while_the_other_serves(
    site: Site,
) -> None:
    with site.running("serve", "--port", "0", "--workers", "2") as server:
        steady, victim = server.workers
        born = []
        for _ in range(5):
            victim.kill()
            victim.wait(LONG)
            end = time.monotonic() + LONG
            while not (new := [each for each in server.workers if each.pid != steady.pid]):
                assert time.monotonic() < end, server.log.read_text()
                time.sleep(0.02)
            victim = new[0]
            born.append(server.log.read_text().count("another one is started"))
        assert born == [1, 2, 3, 4, 5]
        assert answers(f"{server.facts['url']}/healthz"), "the other one serves all the while"
        assert server.stop() == 0


def test_workers_end_when_the_process_that_started_them_is_killed(site: Site) -> None:
    with site.running("serve", "--port", "0", "--workers", "2") as server:
        workers = server.workers
        server.process.kill()
        _, alive = psutil.wait_procs(workers, LONG)
    assert alive == []


def test_systemd_is_told_once_that_all_workers_are_ready_and_that_they_stop(
    site: Site, tmp_path: Path
) -> None:
    place = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(place)
        manager.settimeout(LONG)
        with site.running("serve", "--port", "0", "--workers", "2", NOTIFY_SOCKET=place) as server:
            assert manager.recv(100) == b"READY=1"
            assert server.stop() == 0
            assert manager.recv(100) == b"STOPPING=1"
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)


def test_what_keeps_workers_from_starting_is_said_once(site: Site) -> None:
    (site.home / "data" / "valetkey.key").unlink()
    ran = site.run("serve", "--port", "0", "--workers", "3")
    assert ran.code == 2
    assert ran.said.count("is missing") == 1
    assert "Traceback" not in ran.said


def test_several_processes_on_a_sqlite_file_are_refused_in_words(site: Site) -> None:
    for words in (["serve", "--port", "0", "--workers", "2"], ["worker"]):
        ran = site.run(*words, VALETKEY_DATABASE_URL="")
        assert ran.code == 2
        assert "SQLite" in ran.said
        assert "PostgreSQL" in ran.said


def test_a_worker_works_without_serving_and_tells_its_health_where_it_is_asked_to(
    site: Site, tmp_path: Path
) -> None:
    place = tmp_path / "ready"
    words = ("worker", "--ready-file", str(place), "--health-port")
    with held_port() as port, site.running(*words, str(port)) as worker:
        assert "url" not in worker.facts
        assert place.exists()
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz").json() == {"status": "ok"}
        until_ready(f"http://127.0.0.1:{port}")
        assert worker.stop() == 0
    assert not place.exists()


def test_a_server_that_leaves_the_work_to_others_is_well(site: Site) -> None:
    with site.running("serve", "--port", "0", VALETKEY_DUTIES="serve") as server:
        until_ready(server.facts["url"])
        found = httpx2.get(f"{server.facts['url']}/readyz").json()
        assert "syncs" not in found["parts"]
        assert server.stop() == 0


def test_a_server_whose_database_stands_still_says_so_comes_back_and_ends_when_asked(
    site: Site,
) -> None:
    with (
        FaultyProxy(site.environment["VALETKEY_DATABASE_URL"]) as proxy,
        site.running("serve", "--port", "0", VALETKEY_DATABASE_URL=proxy.url) as server,
    ):
        url = server.facts["url"]
        until_ready(url)
        proxy.freeze()
        answer = httpx2.get(f"{url}/readyz", timeout=LONG)
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["parts"]["database"]
        body = {"username": OWNER, "password": PASSWORD, "type": "user_credentials"}
        assert httpx2.post(f"{url}/token", json=body, timeout=LONG).status_code == 503
        proxy.thaw()
        until_ready(url)
        assert httpx2.post(f"{url}/token", json=body, timeout=LONG).status_code == 200
        proxy.freeze()
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text()
