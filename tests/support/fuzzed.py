"""The whole application over doubles, served on loopback from a thread: something to shoot at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from support.memory import OWNER, PASSWORD, open_memory
from valetkey.api import create_app
from valetkey.catalog.services.datasets import NewDataset
from valetkey.serving import reserve, serve


@dataclass(frozen=True)
class Served:
    """Where it is, and ids of what there is, by their names in paths."""

    url: str
    known: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        """A login of the owner: a new one each time, since some requests end all earlier ones."""
        body = {"type": "user_credentials", "username": OWNER, "password": PASSWORD.reveal()}
        token = httpx2.post(f"{self.url}/token?default", json=body).json()["id_token"]
        return {"Authorization": f"Bearer {token}"}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@contextmanager
def serving_doubles() -> Iterator[Served]:
    """Serve until the block ends; the thread has ended then."""
    up = threading.Event()
    box: dict[str, Any] = {}

    async def run() -> None:
        box["stop"], box["loop"] = asyncio.Event(), asyncio.get_running_loop()
        memory = await open_memory()
        location = await memory.location()
        dataset = await memory.services.catalog.datasets.create(
            await memory.caller(), memory.project.id, NewDataset("data", location.id)
        )
        known = {
            "dataset_id": dataset.dataset.id,
            "org_id": memory.org_id,
            "project_id": memory.project.id,
            "location_id": location.id,
            "integration_id": location.integration_id,
        }
        known |= {_camel(name): value for name, value in known.items()}
        app = create_app(memory.services, memory.services.catalog)

        def ready(port: int) -> None:
            box["served"] = Served(f"http://127.0.0.1:{port}", known)
            up.set()

        held = reserve("127.0.0.1", 0)
        await serve(app, held, ready=ready, stop=box["stop"], shortcut=app)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(run()))
        running.add_done_callback(lambda _: up.set())
        up.wait()
        try:
            if "served" not in box:
                running.result()  # raises what went wrong
            yield box["served"]
        finally:
            if not running.done():
                box["loop"].call_soon_threadsafe(box["stop"].set)
