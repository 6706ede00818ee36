"""Many writers over HTTP, beside syncs: afterwards the index and the bucket agree exactly."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import httpx2

from support.aws import client
from support.server import DEVELOPER, Installation

NAMES = [f"{letter}.txt" for letter in "abcdef"]
WRITERS, ROUNDS = 4, 8
DONE = {200, 201}


def _api(server: Installation) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {server.token(DEVELOPER)}"}
    return httpx2.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=120)


def _write(server: Installation, datasets: list[str], seed: int) -> list[int]:
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    statuses: list[int] = []
    with _api(server) as api:
        # Whoever comes second is told so at once and comes again: how often, the machine decides.
        while sum(status in DONE for status in statuses) < ROUNDS:
            dataset, name = chance.choice(datasets), chance.choice(NAMES)
            if chance.random() < 0.7:
                body = b"x" * chance.randrange(1, 2000)
                answer = api.post(
                    f"/datasets/{dataset}/items",
                    params={"mode": "overwrite"},
                    data={"type": "file", "path": f"/rivals/{name}"},
                    files={"file": ("f", body)},
                )
            else:
                answer = api.post(
                    f"/datasets/{dataset}/query",
                    json={"filter": {"filename": f"/rivals/{name}"}, "delete": True},
                )
            statuses.append(answer.status_code)
    return statuses


def _sync(api: httpx2.Client, dataset: str) -> str:
    started = api.post(f"/datasets/{dataset}/sync")
    if started.status_code == 423:
        return "running"
    assert started.status_code == 200, started.text
    while True:
        command = api.get(f"/commands/{started.json()['id']}").json()
        if command["status"] in {"success", "failed", "canceled"}:
            assert command["status"] == "success", command
            return str(command["status"])


def _indexed(api: httpx2.Client, dataset: str) -> list[tuple[str, int]]:
    answer = api.post(f"/datasets/{dataset}/query", json={"filter": {"filename": "/rivals/**"}})
    items = answer.json()["items"]
    assert len({item["id"] for item in items}) == len(items)
    return sorted((item["name"], item["metadata"]["system"]["size"]) for item in items)


def test_writers_in_two_datasets_beside_syncs_leave_nothing_lost_or_doubled(
    valetkey_server: Installation,
) -> None:
    server = valetkey_server
    with _api(server) as api:
        api.patch(f"/drivers/{server.location.id}", json={"allowExternalDelete": True})
        datasets = [
            api.post(
                "/datasets",
                json={
                    "name": f"rivals {number}",
                    "projects": [server.project_id],
                    "driver": server.location.id,
                },
            ).json()["id"]
            for number in range(2)
        ]
        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(_write, server, datasets, seed) for seed in range(WRITERS)]
            syncs = 0
            while not all(writer.done() for writer in writers):
                _sync(api, datasets[syncs % 2])
                syncs += 1
            statuses = [status for writer in writers for status in writer.result()]
        assert syncs
        # Whoever comes second to an object is told so, by a deletion of many in its list.
        assert set(statuses) <= {200, 201, 409, 423, 424}, statuses
        listed = client(server.aws, "s3").list_objects_v2(
            Bucket=server.setup.bucket, Prefix="train/rivals/"
        )
        bucket = sorted(
            (found["Key"].removeprefix("train/rivals/"), found["Size"])
            for found in listed.get("Contents", ())
        )
        for dataset in datasets:
            _sync(api, dataset)
            assert _indexed(api, dataset) == bucket
