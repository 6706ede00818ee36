"""Several processes over one PostgreSQL: how soon one hears of the other, what two serve, and what
a sync in a worker costs those who are served."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

import httpx2

from bench import load
from bench.figures import Figure
from bench.filled import make_dataset
from bench.installation import Installation, installation
from bench.listing_server import listing_server
from bench.seasoned import season
from bench.servers import real

_REVOCATIONS = 100
_CONNECTIONS, _SECONDS, _ROUNDS = 32, 3.0, 3
_PARALLEL = 4
_WAIT = 120


def figures(url: str, objects: int) -> list[Figure]:
    """Measure on the database at a URL, which is empty."""
    season(url)
    with listing_server(objects) as endpoint, installation(url, s3_endpoint=endpoint) as made:
        with real(made.environment) as other:
            found = [_reach(made, other.port), _two(made, other.port)]
        return [*found, _beside_sync(made, objects)]


def _reach(made: Installation, port: int) -> Figure:
    """Block a location in one process, and see for how long the other one still vends."""
    watcher = _Watcher(port, made.vend())
    late = []
    path = f"/v1/blocks/location/{made.location}"
    with (
        watcher.watching(),
        httpx2.Client(
            base_url=made.url, headers={"authorization": made.owner}, timeout=_WAIT
        ) as client,
    ):
        for _ in range(_REVOCATIONS):
            watcher.wait_for(vended=True)
            client.put(path, json={"reason": "bench"}).raise_for_status()
            answered = time.perf_counter()
            watcher.wait_for(vended=False)
            late.append(max(0.0, watcher.vended_at - answered) * 1000)
            client.delete(path, headers={"if-match": "*"}).raise_for_status()
    ordered = sorted(late)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return Figure(
        "revocation_reach_ms",
        round(p99, 2),
        "ms",
        f"p99 of {_REVOCATIONS} blocks: from one process's answer to the other's last credential; "
        f"at most {ordered[-1]:.2f} ms",
    )


@dataclass
class _Watcher:
    """Asks one process again and again."""

    port: int
    payload: bytes
    vended_at: float = 0.0
    vends: bool = True
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._ask, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(_WAIT)

    def wait_for(self, *, vended: bool) -> None:
        until = time.perf_counter() + _WAIT
        while self.vends is not vended:
            assert time.perf_counter() < until
            time.sleep(0.001)

    def _ask(self) -> None:
        with closing(load.Kept(self.port)) as kept:
            while not self._stopping.is_set():
                self.vends = kept.ask(self.payload).startswith(b"HTTP/1.1 200")
                if self.vends:
                    self.vended_at = time.perf_counter()


def _two(made: Installation, port: int) -> Figure:
    """Ask two at once, each from a generator of its own, beside one alone."""
    one = max(_rate([made.serving.port], made.vend()) for _ in range(_ROUNDS))
    two = max(_rate([made.serving.port, port], made.vend()) for _ in range(_ROUNDS))
    return Figure(
        "vend_two_workers_ratio",
        round(two / one, 2),
        "ratio",
        f"one serving process: {one:.0f}/s; two: {two:.0f}/s, on {os.cpu_count()} cores that also "
        "run the database and the generators",
    )


def _rate(ports: list[int], payload: bytes) -> float:
    with ThreadPoolExecutor(len(ports)) as pool:
        runs = pool.map(lambda port: _hammer(port, payload), ports)
        return sum(run.rate for run in runs)


def _hammer(port: int, payload: bytes) -> load.Result:
    return load.hammer(port, payload, connections=_CONNECTIONS, seconds=_SECONDS)


def _beside_sync(made: Installation, objects: int) -> Figure:
    """Vend while a worker process syncs, beside alone."""
    payload, port = made.vend(), made.serving.port
    alone = min(_hammer(port, payload).percentile(0.99) for _ in range(_ROUNDS))
    with ExitStack() as stack:
        client = stack.enter_context(
            httpx2.Client(base_url=made.url, headers={"authorization": made.owner}, timeout=_WAIT)
        )
        dataset = make_dataset(made, of_whole_bucket=True)
        stack.enter_context(_worker(made))
        order = {"parallel": _PARALLEL}
        sync = client.post(f"/v1/datasets/{dataset}/syncs", json=order).raise_for_status().json()
        until = time.monotonic() + _WAIT
        while not _running(client, sync["id"]):
            assert time.monotonic() < until, client.get(f"/v1/operations/{sync['id']}").text
            time.sleep(0.05)
        beside = min(_hammer(port, payload).percentile(0.99) for _ in range(_ROUNDS))
        still = _running(client, sync["id"])
    return Figure(
        "vend_beside_sync_p99_ratio",
        round(beside / alone, 2),
        "ratio",
        f"alone: {alone:.2f} ms; while a worker process syncs {objects} objects: {beside:.2f} ms"
        + ("" if still else "; THE SYNC ENDED SOONER: give more --objects"),
    )


def _running(client: httpx2.Client, operation: str) -> bool:
    found = client.get(f"/v1/operations/{operation}").raise_for_status().json()
    assert found["state"] in {"pending", "running", "succeeded"}, found
    return bool(found["state"] == "running" and found["counts"]["added"])


@contextmanager
def _worker(made: Installation) -> Iterator[None]:
    process = subprocess.Popen(  # our own command
        [sys.executable, "-m", "valetkey.cli", "worker"],
        env={
            **os.environ,
            **made.environment,
            "VALETKEY_DUTIES": "work",
            "VALETKEY_LOG_LEVEL": "warning",
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(_WAIT)
