"""A server's life as real processes: first start, serving, stopping, and all that can be wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.commands import Ran, clean_environment, run_process, start
from support.fleet import until_ready

PASSWORD = "correct horse battery staple"
OWNER = "ada@example.com"


class Machine:
    """One server's machine: its data folder, and its settings in the environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.password_file = home / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.environment = clean_environment(home, VALETKEY_DATA_DIR=str(self.data))

    def run(self, *words: str, **variables: str) -> Ran:
        return run_process(words, self.environment | variables)

    def init(self, **variables: str) -> Ran:
        words = ["init", "--email", OWNER, "--password-file", str(self.password_file), "--json"]
        return self.run(*words, **variables)

    @contextlib.contextmanager
    def serving(self, *words: str, **variables: str) -> Iterator[Serving]:
        """A server that answers; it is killed at the end if it still runs."""
        process = start(["serve", "--port", "0", "--json", *words], self.environment | variables)
        try:
            yield Serving(process)
        finally:
            process.kill()
            process.communicate(timeout=90)


class Serving:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate(timeout=90)[1]
        self.facts: dict[str, str] = json.loads("".join(lines))
        self.url = self.facts["url"]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end; return its exit code and its log."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=90)
        return self.process.returncode, log

    def token(self) -> str:
        body = {"username": OWNER, "password": PASSWORD, "type": "user_credentials"}
        answer = httpx2.post(f"{self.url}/token", json=body)
        token: str = answer.json()["id_token"]
        return token


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine where `init` was run."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    ran = made.init()
    assert ran.code == 0, ran.said
    assert ran.json["owner"] == OWNER
    return made


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    """A machine where nothing was run yet."""
    return Machine(tmp_path)


def test_it_prints_its_address_and_what_it_uses(machine: Machine) -> None:
    with machine.serving() as server:
        assert set(server.facts) == {"url", "console", "version", "database", "key", "aws"}
        assert server.facts["database"] == f"SQLite, {machine.data}/valetkey.db"
        assert server.facts["key"] == f"file:{machine.data}/valetkey.key"
        assert httpx2.get(f"{server.url}/healthz").json() == {"status": "ok"}
        until_ready(server.url)
        assert httpx2.get(server.facts["console"], follow_redirects=True).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_asked_to(machine: Machine, number: signal.Signals) -> None:
    with machine.serving() as server:
        code, log = server.stop(number)
    assert code == 0
    assert "Traceback" not in log


def test_its_log_is_json_lines_with_the_request_ids_that_errors_repeat(machine: Machine) -> None:
    with machine.serving() as server:
        answer = httpx2.get(f"{server.url}/api/v1/users/me")
        code, log = server.stop()
    assert code == 0
    lines = [json.loads(line) for line in log.splitlines()]
    (line,) = [line for line in lines if line.get("path") == "/api/v1/users/me"]
    assert (line["status"], line["request_id"]) == (401, answer.json()["requestId"])


def test_its_log_is_for_people_when_it_shall_be(machine: Machine) -> None:
    with machine.serving(VALETKEY_LOG_FORMAT="human") as server:
        httpx2.get(f"{server.url}/api/v1/users/me")
        _, log = server.stop()
    assert "path=/api/v1/users/me" in log


class _Slow(BaseHTTPRequestHandler):
    """An AWS that answers only once it is let."""

    asked: threading.Event
    let: threading.Event

    def do_POST(self) -> None:
        self.asked.set()
        self.let.wait(90)
        self.send_response(403)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
        """Say nothing."""


@pytest.fixture
def slow_aws() -> Iterator[tuple[str, threading.Event, threading.Event]]:
    asked, let = threading.Event(), threading.Event()
    handler = type("Handler", (_Slow,), {"asked": asked, "let": let})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked, let
        let.set()
        server.shutdown()
        thread.join()


def test_a_request_under_way_is_finished_before_it_ends(
    machine: Machine, slow_aws: tuple[str, threading.Event, threading.Event]
) -> None:
    endpoint, asked, let = slow_aws
    answers: list[httpx2.Response] = []
    with machine.serving(VALETKEY_STS_ENDPOINT=endpoint, VALETKEY_SHUTDOWN_GRACE="60") as server:
        headers = {"Authorization": f"Bearer {server.token()}"}
        me = httpx2.get(f"{server.url}/api/v1/users/me", headers=headers).json()
        body = {
            "type": "aws-sts",
            "name": "slow",
            "options": {
                "key": "AKIAIOSFODNN7EXAMPLE",
                "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "roleArns": "arn:aws:iam::000000000000:role/none",
            },
        }
        url = f"{server.url}/api/v1/orgs/{me['orgs'][0]['id']}/integrations"

        def ask() -> None:
            answers.append(httpx2.post(url, headers=headers, json=body, timeout=90))

        thread = threading.Thread(target=ask)
        thread.start()
        assert asked.wait(90)
        server.process.send_signal(signal.SIGTERM)
        let.set()
        thread.join(90)
        _, log = server.process.communicate(timeout=90)
        assert server.process.returncode == 0
    assert [answer.status_code for answer in answers] == [201]
    assert "Traceback" not in log


def test_it_serves_more_clients_than_a_process_may_have_files_at_first(machine: Machine) -> None:
    few = ["sh", "-c", 'ulimit -Sn 100 && exec "$@"', "sh", sys.executable, "-m", "valetkey.cli"]
    process = subprocess.Popen(  # noqa: S603  # our own command
        [*few, "serve", "--port", "0", "--json"],
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.communicate)
        stack.callback(process.kill)
        address = httpx2.URL(Serving(process).url)
        clients = [
            stack.enter_context(socket.create_connection((address.host, address.port), timeout=90))
            for _ in range(200)
        ]
        for client in clients:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert {client.recv(15) for client in clients} == {b"HTTP/1.1 200 OK"}


def test_a_pipe_sees_the_address_of_people_at_once(machine: Machine) -> None:
    process = start(["serve", "--port", "0"], machine.environment)
    try:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
    finally:
        process.kill()
        process.communicate(timeout=90)


def test_its_ready_file_is_there_while_it_answers(machine: Machine) -> None:
    place = machine.home / "ready.json"
    place.write_text("of a server that was killed")
    with machine.serving("--ready-file", str(place)) as server:
        assert json.loads(place.read_text()) == server.facts
        server.stop()
    assert not place.exists()


@pytest.mark.parametrize("name", ["nowhere/ready.json", "a-folder"])
def test_a_ready_file_that_cannot_be_written_is_named(machine: Machine, name: str) -> None:
    place = machine.home / name
    (machine.home / "a-folder").mkdir(exist_ok=True)
    ran = machine.run("serve", "--port", "0", "--ready-file", str(place))
    assert ran.code == 2
    assert f"{place} can't be written" in ran.said
    assert "Traceback" not in ran.said
    assert not list(machine.home.glob(".*"))


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_that_it_is_ready_and_that_it_stops(
    machine: Machine, tmp_path: Path, abstract: bool
) -> None:
    place = f"@valetkey-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(place.replace("@", "\0"))
        manager.settimeout(90)
        with machine.serving(NOTIFY_SOCKET=place) as server:
            assert manager.recv(100) == b"READY=1"
            server.stop()
            assert manager.recv(100) == b"STOPPING=1"


def test_what_kubernetes_says_of_a_service_called_valetkey_does_not_stop_it(
    machine: Machine,
) -> None:
    told = {
        "VALETKEY_SERVICE_HOST": "10.0.0.7",
        "VALETKEY_SERVICE_PORT": "80",
        "VALETKEY_SERVICE_PORT_HTTP": "80",
        "VALETKEY_PORT": "tcp://10.0.0.7:80",
        "VALETKEY_PORT_80_TCP": "tcp://10.0.0.7:80",
        "VALETKEY_PORT_80_TCP_PROTO": "tcp",
        "VALETKEY_PORT_80_TCP_PORT": "80",
        "VALETKEY_PORT_80_TCP_ADDR": "10.0.0.7",
    }
    with machine.serving(**told) as server:
        assert httpx2.get(f"{server.url}/healthz").status_code == 200


def test_a_database_of_a_newer_version_is_refused_with_what_helps(initialised: Machine) -> None:
    with contextlib.closing(sqlite3.connect(initialised.data / "valetkey.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    for words in (["serve", "--port", "0"], ["serve", "--port", "0", "--migrate"], ["migrate"]):
        ran = initialised.run(*words)
        assert ran.code == 2
        assert "is newer than this version of Valetkey" in ran.said
        assert "valetkey migrate" not in ran.said
        assert "Traceback" not in ran.said


def test_a_stop_ends_it_in_time_whatever_runs(machine: Machine, tmp_path: Path) -> None:
    # A thread that never returns keeps Python from ending.
    folder = tmp_path / "hook"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    )
    path = f"{folder}:{machine.environment['PYTHONPATH']}"
    with machine.serving(PYTHONPATH=path, VALETKEY_SHUTDOWN_GRACE="0") as server:
        code, log = server.stop()
    assert code == 1
    assert "Timeout" in log


def test_a_taken_port_is_named(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = machine.run("serve", "--port", port)
    assert ran.code == 2
    assert f"can't listen on 127.0.0.1 port {port}" in ran.said
    assert "Traceback" not in ran.said


def test_a_second_server_does_not_steal_the_first_ones_port(machine: Machine) -> None:
    with machine.serving() as server:
        ran = machine.run("serve", "--port", server.url.rpartition(":")[2])
    assert ran.code == 2
    assert "can't listen" in ran.said


def test_a_second_server_on_a_sqlite_file_is_refused_and_the_first_is_named(
    machine: Machine, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(machine.data / "valetkey.db")
    with machine.serving() as server:
        for url in ("", f"sqlite:///{link}"):
            ran = machine.run("serve", "--port", "0", VALETKEY_DATABASE_URL=url)
            assert ran.code == 2
            assert f"by process {server.process.pid} at {server.url}" in ran.said
            assert "Traceback" not in ran.said
        assert machine.run("migrate").code == 0
        assert machine.run("seal", "rotate").code == 0
        server.process.kill()
        server.process.wait(90)
    with machine.serving() as server:
        until_ready(server.url)


def test_the_database_is_its_owners_alone_in_whatever_folder(fresh: Machine) -> None:
    fresh.data.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        assert fresh.init().code == 0
        with fresh.serving():
            modes = {
                file.name: stat.S_IMODE(file.stat().st_mode)
                for file in fresh.data.iterdir()
                if file.name.startswith("valetkey.db")
            }
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes


def test_an_unknown_setting_is_refused_with_what_was_meant(machine: Machine) -> None:
    ran = machine.run("serve", VALETKEY_DATABSE_URL="sqlite:///x")
    assert ran.code == 2
    assert "VALETKEY_DATABSE_URL is not a setting" in ran.said
    assert "database_url" in ran.said


def test_before_the_first_start_it_says_so_and_makes_nothing(fresh: Machine) -> None:
    ran = fresh.run("serve", "--port", "0")
    assert ran.code != 0
    assert "valetkey init" in ran.said
    assert "Traceback" not in ran.said
    assert not fresh.data.exists()


def test_a_database_of_no_version_is_migrated_only_when_told(fresh: Machine) -> None:
    fresh.data.mkdir()
    (fresh.data / "valetkey.db").touch()
    ran = fresh.run("serve", "--port", "0")
    assert ran.code == 2
    assert "no tables yet" in ran.said
    migrated = fresh.run("migrate", "--json")
    assert migrated.code == 0
    assert migrated.json["before"] is None
    again = fresh.run("migrate", "--json")
    assert again.json["before"] == again.json["now"] == migrated.json["now"]
    assert "valetkey init" in fresh.run("serve", "--port", "0", "--migrate").said


def test_a_second_init_changes_nothing(machine: Machine) -> None:
    key = (machine.data / "valetkey.key").read_bytes()
    ran = machine.init()
    assert ran.code == 6
    assert ran.json["error"]["code"] == "conflict"
    assert (machine.data / "valetkey.key").read_bytes() == key


@pytest.fixture
def initialised(fresh: Machine) -> Machine:
    """A machine of this test's own, where `init` was run."""
    assert fresh.init().code == 0
    return fresh


def test_a_missing_key_file_is_named_and_none_is_made(initialised: Machine) -> None:
    key = initialised.data / "valetkey.key"
    key.unlink()
    ran = initialised.run("serve", "--port", "0")
    assert ran.code == 2
    assert f"The key file {key} is missing" in ran.said
    assert initialised.init().code == 6
    assert not key.exists()


def test_a_key_of_another_installation_is_recognised(initialised: Machine) -> None:
    key = initialised.data / "valetkey.key"
    key.unlink()
    elsewhere = initialised.home / "elsewhere"
    assert initialised.init(VALETKEY_DATA_DIR=str(elsewhere)).code == 0
    key.write_bytes((elsewhere / "valetkey.key").read_bytes())
    key.chmod(0o600)
    ran = initialised.run("serve", "--port", "0")
    assert ran.code == 2
    assert "a key-encryption key that this server does not have" in ran.said
    assert "Traceback" not in ran.said


def test_a_key_file_that_others_may_read_is_refused(initialised: Machine) -> None:
    (initialised.data / "valetkey.key").chmod(0o644)
    ran = initialised.run("serve", "--port", "0")
    assert ran.code == 2
    assert "chmod 600" in ran.said


def test_a_database_that_is_none_is_named(initialised: Machine) -> None:
    (initialised.data / "valetkey.db").write_bytes(b"not a database" * 1000)
    for name in ("valetkey.db-wal", "valetkey.db-shm"):
        (initialised.data / name).unlink(missing_ok=True)
    ran = initialised.run("serve", "--port", "0")
    assert ran.code != 0
    assert "database" in ran.said
    assert "Traceback" not in ran.said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_a_database_that_may_not_be_written_is_named(initialised: Machine) -> None:
    (initialised.data / "valetkey.db").chmod(0o400)
    ran = initialised.run("serve", "--port", "0", "--migrate")
    assert ran.code != 0
    assert "can only be read" in ran.said
    assert "Traceback" not in ran.said


def test_a_data_folder_that_cannot_be_made_is_named(fresh: Machine) -> None:
    (fresh.home / "file").touch()
    ran = fresh.init(VALETKEY_DATA_DIR=str(fresh.home / "file" / "data"))
    assert ran.code == 2
    assert "can't be made" in ran.said


def test_a_short_password_is_refused_before_anything_is_made(fresh: Machine) -> None:
    fresh.password_file.write_text("short\n")
    ran = fresh.init()
    assert ran.code == 2
    assert not fresh.data.exists()


def test_settings_come_from_a_file_and_the_environment_wins(machine: Machine) -> None:
    file = machine.home / "settings.toml"
    file.write_text('log_level = "warning"\nport = 1234\n')
    ran = machine.run("settings", "--config", str(file), "--json", VALETKEY_PORT="4321")
    assert (ran.json["log_level"], ran.json["port"]) == ("warning", 4321)
    assert "log_level" in machine.run("settings").out


def test_a_password_in_the_database_url_is_not_shown(machine: Machine) -> None:
    url = "postgresql://user:hidden-word@127.0.0.1:1/name"
    ran = machine.run("serve", "--port", "0", VALETKEY_DATABASE_URL=url)
    assert ran.code == 8
    assert "hidden-word" not in ran.said
    assert "hidden-word" not in machine.run("settings", VALETKEY_DATABASE_URL=url).said
