"""Vending over HTTP: warm beside a bare answer, cold beside a bare AssumeRole, and a herd."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime

from bench import load
from bench.figures import Figure
from bench.installation import Installation
from bench.servers import bare
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.session_policy import render

CONNECTIONS = 64
SECONDS = 1.5
ROUNDS = 5
COLD = 100
HERD = 10_000
PRESIGNING = 4
PRESIGNED = 100_000


def warm(made: Installation, suffix: str = "") -> list[Figure]:
    """Measure a warm credential as JSON, and how long the slowest answers take."""
    ours, theirs = _beside_bare(made.serving.port, made.vend())
    p99 = min(each.percentile(0.99) for each in ours)
    beside = min(each.percentile(0.99) for each in theirs)
    return [
        _ratio(f"vend_warm_ratio{suffix}", ours, theirs),
        Figure(
            f"vend_warm_p99_ms{suffix}", round(p99, 2), "ms", f"bare ASGI answer: {beside:.2f} ms"
        ),
    ]


def strict(made: Installation, suffix: str = "") -> list[Figure]:
    """Measure a warm credential beside a bare ASGI application that is given whole requests, and
    beside the same bytes written by the shortcut that credentials take."""
    return [
        _ratio(
            f"vend_warm_{kind}_ratio{suffix}",
            *_beside_bare(made.serving.port, made.vend(), kind),
        )
        for kind in ("strict", "shortcut")
    ]


def beside_presigns(made: Installation) -> Figure:
    """Measure the slowest hundredth of warm answers while four clients presign as many keys as one
    request may, beside the same alone."""
    payload = made.vend()
    keys = made.presign([f"train/images/{number:08d}.jpg" for number in range(PRESIGNED)])
    alone = min(_hammer(made.serving.port, payload).percentile(0.99) for _ in range(ROUNDS))
    spawn = multiprocessing.get_context("spawn")
    clients = [
        spawn.Process(target=_keep_asking, args=(made.serving.port, keys), daemon=True)
        for _ in range(PRESIGNING)
    ]
    for client in clients:
        client.start()
    time.sleep(SECONDS)
    beside = min(_hammer(made.serving.port, payload).percentile(0.99) for _ in range(ROUNDS))
    for client in clients:
        client.kill()
    return Figure(
        "vend_beside_presigns_p99_ratio",
        round(beside / alone, 2),
        "ratio",
        f"alone: {alone:.2f} ms; beside {PRESIGNING} presigns of {PRESIGNED} keys: {beside:.2f} ms",
    )


def _keep_asking(port: int, payload: bytes) -> None:
    while True:
        load.ask(port, payload)


def container(made: Installation) -> Figure:
    """Measure a warm credential as AWS's SDKs fetch it, by GET from a container endpoint."""
    return _ratio("container_warm_ratio", *_beside_bare(made.serving.port, made.container()))


def _beside_bare(
    port: int, payload: bytes, kind: str = "bare"
) -> tuple[list[load.Result], list[load.Result]]:
    """Ask for a warm credential in rounds that alternate with the yardstick's."""
    body = load.ask(port, payload).partition(b"\r\n\r\n")[2]
    ours, theirs = [], []
    with bare(body, kind) as yardstick:
        for _ in range(ROUNDS):
            ours.append(_hammer(port, payload))
            theirs.append(_hammer(yardstick.port, payload))
    return ours, theirs


def _ratio(name: str, ours: list[load.Result], theirs: list[load.Result]) -> Figure:
    best, best_bare = max(each.rate for each in ours), max(each.rate for each in theirs)
    return Figure(
        name,
        round(best / best_bare, 3),
        "ratio",
        f"bare ASGI answer of the same bytes: {best_bare:.0f} requests/s; ours {best:.0f}",
    )


def _hammer(port: int, payload: bytes) -> load.Result:
    return load.hammer(port, payload, connections=CONNECTIONS, seconds=SECONDS)


def cold(made: Installation) -> Figure:
    """Measure a cold vend over HTTP, each of another folder, beside bare AssumeRole calls."""
    client = made.aws.client("sts")
    ours, theirs = [], []
    with closing(load.Kept(made.serving.port)) as kept:
        for number in range(COLD):
            folder = f"cold-{number:04d}"
            start = time.perf_counter()
            answer = kept.ask(made.vend(folder))
            assert answer.startswith(b"HTTP/1.1 200")
            middle = time.perf_counter()
            client.assume_role(
                RoleArn=made.aws.role_arn,
                RoleSessionName="bench",
                DurationSeconds=3600,
                Policy=_policy(made.aws.bucket, f"train/{folder}/"),
            )
            ours.append(middle - start)
            theirs.append(time.perf_counter() - middle)
    mine, beside = statistics.median(ours), statistics.median(theirs)
    return Figure(
        "vend_cold_ratio",
        round(mine / beside, 3),
        "ratio",
        f"botocore assume_role with the same policy: {beside * 1000:.2f} ms; "
        f"ours {mine * 1000:.2f} ms",
    )


def _policy(bucket: str, folder: str) -> str:
    return render(Scope(bucket, (folder,), frozenset({AccessLevel.LIST, AccessLevel.READ})))


def herd(made: Installation) -> Figure:
    """Let everybody ask for the same new credential at once, each on a connection of its own."""
    before = made.aws.aws.count("AssumeRole")
    answers = load.burst(made.serving.port, [made.vend("herd")] * HERD)
    bodies = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    now = datetime.now(UTC)
    good = [body for body in bodies if datetime.fromisoformat(body["expiresAt"]) > now]
    calls = made.aws.aws.count("AssumeRole") - before
    return Figure(
        "herd_sts_calls",
        calls,
        "calls",
        f"{HERD} first requests at once; {len(good)} answered with a credential that is good",
    )
