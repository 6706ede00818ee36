"""Several processes over one PostgreSQL, which a test kills and starts again, and who asks them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2
import pytest

from support.commands import start
from support.machine import Machine
from support.ports import held_port
from valetkey.embedded import EmbeddedAws

#: Nothing that works waits so long.
LONG = 90
_PROXY = """
global
    log stderr local0 notice
defaults
    mode http
    timeout connect 90s
    timeout client 90s
    timeout server 90s
    timeout check 90s
    retries 3
    option redispatch 1
    retry-on conn-failure
    http-reuse never
frontend door
    bind 127.0.0.1:{port}
    default_backend serving
backend serving
    balance roundrobin
    option httpchk GET /healthz
    default-server check inter 200ms fall 2 rise 1
{servers}
"""


class Process:
    """One process of ours, which comes back where it was."""

    def __init__(self, machine: Machine, *words: str, **variables: str) -> None:
        self._words, self._environment = words, machine.environment | variables
        self.log = machine.log.with_name(f"{words[0]}-{id(self)}.log")
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        with self.log.open("a") as log:
            self.process = start([*self._words, "--json"], self._environment, errors=log)
        assert self.process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            lines.append(self.process.stdout.readline())
            assert lines[-1], self.log.read_text()

    def kill(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=LONG)
            self.process = None


@dataclass
class Fleet:
    """Two that serve, and one that works."""

    machine: Machine
    serving: list[Process]
    working: Process
    urls: list[str]

    @property
    def all(self) -> list[Process]:
        return [*self.serving, self.working]

    def ready(self) -> list[tuple[int, float]]:
        """Ask each whether it is ready; return the status and how long the answer took."""
        found = []
        for url in self.urls:
            began = time.monotonic()
            status = httpx2.get(f"{url}/readyz", timeout=LONG).status_code
            found.append((status, time.monotonic() - began))
        return found


@contextlib.contextmanager
def running_fleet(home: Path, aws: EmbeddedAws, database: str, **settings: str) -> Iterator[Fleet]:
    """Initialise and start them; ``database`` is the way that they take to it."""
    machine = Machine(home, aws.endpoint, VALETKEY_DATABASE_URL=database, **settings)
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(held_port()) for _ in range(3)]
        serving = [
            Process(machine, "serve", "--port", str(port), VALETKEY_DUTIES="serve")
            for port in ports[:2]
        ]
        working = Process(machine, "worker", "--health-port", str(ports[2]))
        fleet = Fleet(machine, serving, working, [f"http://127.0.0.1:{port}" for port in ports])
        for process in fleet.all:
            stack.callback(process.kill)
            process.start()
        yield fleet


@contextlib.contextmanager
def haproxy(home: Path, urls: list[str]) -> Iterator[str]:
    """Run haproxy before servers; gives its URL. Skips where there is none."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no haproxy here: apt-get install haproxy")
    servers = "\n".join(
        f"    server s{number} {url.removeprefix('http://')}" for number, url in enumerate(urls)
    )
    with held_port() as port, (home / "haproxy.log").open("w") as log:
        (home / "haproxy.cfg").write_text(_PROXY.format(port=port, servers=servers))
        process = subprocess.Popen(  # noqa: S603  # our own words
            [program, "-db", "-f", str(home / "haproxy.cfg")], stdout=log, stderr=log
        )
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "haproxy answers")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait(LONG)


def answers(url: str) -> bool:
    """Tell whether somebody answers there, and well."""
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(url, timeout=LONG).status_code == 200
    return False


def until_ready(url: str) -> None:
    """Wait until a server is ready: on a busy machine its database may answer too late for one
    look."""
    until(lambda: answers(f"{url}/readyz"), "it is ready")


@dataclass
class Crowd:
    """Clients that ask for credentials until they are told to stop, and keep what they got."""

    urls: list[str]
    token: str
    location: str
    clients: int = 4
    #: Each of them asks for so many folders, over and over.
    folders: int = 1_000
    #: The moments at which failures were seen, by client, with what failed.
    failures: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    received: set[tuple[str, str, str]] = field(default_factory=set)
    slowest: float = 0.0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.failures = {number: [] for number in range(self.clients)}
        self._threads = [
            threading.Thread(target=self._ask, args=(number,)) for number in range(self.clients)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(LONG)

    def wait_for_more(self, count: int = 40) -> None:
        """Wait until so many more were received. Fails where that does not come about."""
        wanted, until = len(self.received) + count, time.monotonic() + LONG
        while len(self.received) < wanted:
            assert time.monotonic() < until, self.failures
            time.sleep(0.02)

    def most_failures(self, since: float, until: float) -> int:
        """Return how many failures between two moments the unluckiest client saw."""
        return max(
            sum(since <= at < until for at, _ in failed) for failed in self.failures.values()
        )

    def _ask(self, number: int) -> None:
        url = self.urls[number % len(self.urls)]
        headers = {"authorization": self.token}
        with httpx2.Client(base_url=url, headers=headers, timeout=LONG) as http:
            turn = 0
            while not self._stopping.is_set():
                turn += 1
                began = time.monotonic()
                problem = self._one(http, f"{number}/{turn // 20 % self.folders}/")
                self.slowest = max(self.slowest, time.monotonic() - began)
                if problem:
                    self.failures[number].append((time.monotonic(), problem))
                # Between two, the others of this small machine shall have their turn.
                self._stopping.wait(0.2 if problem else 0.01)

    def _one(self, http: httpx2.Client, prefix: str) -> str:
        body = {"location": self.location, "prefixes": [prefix], "access": ["read"]}
        try:
            answer = http.post("/v1/credentials", json=body)
        except httpx2.TransportError as error:
            return repr(error)
        if not answer.is_success:
            return f"{answer.status_code} {answer.text[:200]}"
        given = answer.json()
        request_id = answer.headers["x-request-id"]
        self.received.add((request_id, given["accessKeyId"], given["leaseId"]))
        return ""


def recorded(http: httpx2.Client) -> set[tuple[str, str, str]]:
    """Return request, key and lease of every credential on record; the chain holds."""
    verdict = http.post("/v1/audit/checks")
    assert verdict.json()["holds"], verdict.text
    found = set()
    for line in http.get("/v1/audit/export").text.splitlines():
        record = json.loads(line)
        if record["action"] == "credentials.vend" and record["outcome"] == "allowed":
            details = record["details"]
            found.add((record["requestId"], details["access_key_id"], details["lease_id"]))
    return found


def until(holds: Callable[[], bool], what: str, seconds: float = LONG) -> None:
    """Wait until something holds. Fails where that does not come about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)
