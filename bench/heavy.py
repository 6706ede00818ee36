"""Vending beside the worst that others may ask for: item queries of as many globs as are taken over
100,000 items, and presigns of as many keys as one request may have."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx2

from bench import load
from bench.figures import Figure
from bench.filled import filled_dataset
from bench.installation import EMAIL, PASSWORD, Installation

ITEMS = 100_000
#: So many people ask, twice each at once: more is refused (429).
CALLERS, EACH = 6, 2
#: More patterns than that, or more with both ``*`` and ``**``, are refused.
GLOBS, MIXED = 100, 16
PRESIGNING = 4
SECONDS, ROUNDS = 2.0, 5


def figures(made: Installation) -> list[Figure]:
    """Measure vending's slowest hundredth and the slowest ``/readyz`` beside all of it."""
    dataset = filled_dataset(made, ITEMS)
    tokens = _annotators(made)
    keys = made.presign([f"train/images/{number:08d}.jpg" for number in range(ITEMS)])
    vend = made.vend()
    queries = [_query(dataset, token, number) for number, token in enumerate(tokens)]
    answer = load.ask(made.serving.port, queries[0])
    assert not answer.startswith(b"HTTP/1.1 400"), answer
    alone = _p99(made, vend)
    with ExitStack() as stack:
        for query in queries:
            stack.enter_context(_asking(made, query, EACH))
        stack.enter_context(_asking(made, keys, PRESIGNING))
        health = stack.enter_context(_health(made.serving.port))
        time.sleep(SECONDS)
        beside = _p99(made, vend)
    told = f"{CALLERS * EACH} queries of {GLOBS} globs over {ITEMS} items, {PRESIGNING} presigns"
    return [
        Figure(
            "vend_beside_heavy_p99_ratio",
            round(beside / alone, 2),
            "ratio",
            f"alone: {alone:.2f} ms; beside {told} of {ITEMS} keys: {beside:.2f} ms",
        ),
        Figure(
            "readyz_beside_heavy_ms",
            round(max(health) * 1000),
            "ms",
            f"the slowest of {len(health)}, meanwhile",
        ),
    ]


def _p99(made: Installation, payload: bytes) -> float:
    def once() -> float:
        port = made.serving.port
        return load.hammer(port, payload, connections=64, seconds=SECONDS).percentile(0.99)

    return min(once() for _ in range(ROUNDS))


def _annotators(made: Installation) -> list[str]:
    """Add people who may look at items and no more; return their tokens."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{made.serving.port}", timeout=60) as http:
        http.headers["authorization"] = f"Bearer {_login(http, EMAIL)}"
        org = http.get("/v1/orgs").raise_for_status().json()["items"][0]["id"]
        project = http.get("/v1/projects").raise_for_status().json()["items"][0]["id"]
        tokens = []
        for number in range(CALLERS):
            email = f"joan{number}@example.com"
            body = {"email": email, "role": "member", "password": PASSWORD}
            user = http.post(f"/v1/orgs/{org}/members", json=body).raise_for_status().json()["id"]
            path = f"/v1/projects/{project}/members/{user}"
            http.put(path, json={"role": "annotator"}).raise_for_status()
            tokens.append(_login(http, email))
    return tokens


def _login(http: httpx2.Client, email: str) -> str:
    answer = http.post("/v1/logins", json={"email": email, "password": PASSWORD})
    token: str = answer.raise_for_status().json()["token"]
    return token


def _query(dataset: str, token: str, number: int) -> bytes:
    """Return the worst query that is taken: as many patterns as a filter may have, that nothing
    matches, and that look at every item each."""
    mixed = [f"/**/*a*a*a*b*{number}*{glob}*nothing*" for glob in range(MIXED)]
    plain = [f"*i*m*g*_*{number}*{glob}*a*a*b*nothing*" for glob in range(GLOBS - MIXED)]
    globs = [{"filename": pattern} for pattern in mixed + plain]
    body = {"resource": "items", "filter": {"$or": globs}, "page": 0, "pageSize": 100}
    path = f"/dataloop/api/v1/datasets/{dataset}/query"
    headers = {"authorization": f"Bearer {token}"}
    return load.request("POST", path, headers, json.dumps(body).encode())


@contextmanager
def _asking(made: Installation, payload: bytes, clients: int) -> Iterator[None]:
    """Have clients ask again and again, in a process of their own."""
    words = [sys.executable, "-m", "bench.load", str(made.serving.port), str(clients)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE)  # noqa: S603  # ourselves
    assert process.stdin is not None
    process.stdin.write(payload)
    process.stdin.close()
    try:
        yield
    finally:
        process.kill()
        process.wait(30)


@contextmanager
def _health(port: int) -> Iterator[list[float]]:
    """Ask for the health again and again; gives how long each answer took."""
    taken: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(0.2):
            started = time.perf_counter()
            load.ask(port, load.request("GET", "/readyz", {"connection": "close"}))
            taken.append(time.perf_counter() - started)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        is_over.set()
        thread.join(60)
