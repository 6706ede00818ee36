"""How long the slowest credentials take while others use the catalog as hard as they may.

A bulk patch after the other, bulk deletes and eight searches at once, on SQLite, where all of them
write to the file that the record of a credential goes to.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import load
from bench.figures import Figure
from bench.filled import filled_dataset
from bench.installation import Installation, installation
from valetkey.testing.big_index import PER_FOLDER

_SEARCHES = 8
_CONNECTIONS = 16
_SECONDS = 4.0
_ROUNDS = 3
_API = "/dataloop/api/v1"


def figure(total: int) -> Figure:
    """Measure with an index of ``total`` items."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'valetkey.db'}"
        with installation(url) as made:
            return _measured(made, filled_dataset(made, total), total)


def _measured(made: Installation, dataset_id: str, total: int) -> Figure:
    payload, port = made.vend(), made.serving.port
    load.ask(port, payload)
    alone = min(_p99(port, payload) for _ in range(_ROUNDS))
    spawn = multiprocessing.get_context("spawn")
    work = [_searches(made, dataset_id)] * _SEARCHES
    work += [_patches(made, dataset_id, total), _deletes(made, dataset_id, total)]
    clients = [spawn.Process(target=_keep_on, args=(port, some), daemon=True) for some in work]
    for client in clients:
        client.start()
    time.sleep(_SECONDS)
    beside = min(_p99(port, payload) for _ in range(_ROUNDS))
    for client in clients:
        client.kill()
    return Figure(
        "vend_beside_catalog_p99_ratio",
        round(beside / alone, 2),
        "ratio",
        f"{total} items on SQLite; alone: {alone:.2f} ms; beside bulk patches, bulk deletes and "
        f"{_SEARCHES} searches: {beside:.2f} ms",
    )


def _p99(port: int, payload: bytes) -> float:
    return load.hammer(port, payload, connections=_CONNECTIONS, seconds=_SECONDS).percentile(0.99)


def _query(made: Installation, dataset_id: str, where: object, **more: object) -> bytes:
    body = json.dumps({"filter": where, **more}).encode()
    return load.request("POST", f"{_API}/datasets/{dataset_id}/query", made.auth, body)


def _searches(made: Installation, dataset_id: str) -> list[bytes]:
    where = {"$and": [{"type": "file"}, {"filename": "*_0999*"}]}
    return [_query(made, dataset_id, where, pageSize=100)]


def _patches(made: Installation, dataset_id: str, total: int) -> list[bytes]:
    update = {"metadata": {"user": {"seen": True}}}
    return [
        _query(made, dataset_id, {"filename": f"/set/d{number:04d}**"}, update=update)
        for number in range(total // PER_FOLDER // 20)
    ]


def _deletes(made: Installation, dataset_id: str, total: int) -> list[bytes]:
    folders = total // PER_FOLDER
    return [
        _query(made, dataset_id, {"dir": f"/set/d{number:05d}"}, delete=True)
        for number in range(folders // 2, folders)
    ]


def _keep_on(port: int, requests: Sequence[bytes]) -> None:
    while True:
        for request in requests:
            load.ask(port, request)
