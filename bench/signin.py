"""An honest sign-in beside a flood of wrong ones: from many sources, half of which hang up."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

import httpx2

from bench import load
from bench.figures import Figure
from bench.installation import EMAIL, PASSWORD, Installation

SOURCES = 20
CLIENTS = 200
HONEST = 5
#: Seconds after which every other client of the flood hangs up.
HANG_UP = 0.05
#: Seconds between two requests of a client of the flood.
PAUSE = 0.2


def beside_flood(made: Installation) -> Figure:
    """Measure the slowest of some honest sign-ins, each from a source that was never seen."""
    alone, slowest, refused = asyncio.run(_measure(made.serving.port))
    return Figure(
        "signin_beside_flood_ms",
        round(slowest * 1000),
        "ms",
        f"the same sign-in alone: {alone * 1000:.0f} ms; {CLIENTS} clients from {SOURCES} sources "
        f"flooding, {refused} of their requests answered",
    )


async def _measure(port: int) -> tuple[float, float, int]:
    url = f"http://127.0.0.1:{port}"
    alone = await _honest(url, 0)
    answered = [0]
    flood = [asyncio.create_task(_flood(port, number, answered)) for number in range(CLIENTS)]
    try:
        await asyncio.sleep(2)
        slowest = 0.0
        for number in range(1, HONEST + 1):
            slowest = max(slowest, await _honest(url, number))
            await asyncio.sleep(0.5)
    finally:
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
    return alone, slowest, answered[0]


async def _honest(url: str, number: int) -> float:
    """Return how long it takes somebody to get in, waiting where the server asks them to."""
    async with _client(f"127.0.9.{number + 1}") as http:
        started = time.perf_counter()
        while True:
            answer = await http.post(f"{url}/token?default", json=_body(EMAIL, PASSWORD))
            if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                answer.raise_for_status()
                return time.perf_counter() - started
            await asyncio.sleep(float(answer.headers["retry-after"]))


async def _flood(port: int, number: int, answered: list[int]) -> None:
    source = f"127.0.1.{number % SOURCES + 1}"
    tries = 0
    while True:
        tries += 1
        body = json.dumps(_body(f"u{number}.{tries}@example.com", "wrong wrong wrong")).encode()
        request = load.request("POST", "/token?default", {}, body)
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, local_addr=(source, 0)
            )
            try:
                writer.write(request)
                await asyncio.wait_for(reader.readline(), HANG_UP if number % 2 else 30)
                answered[0] += 1
            finally:
                writer.close()
        await asyncio.sleep(PAUSE)


def _client(source: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(local_address=source), timeout=30)


def _body(email: str, password: str) -> dict[str, str]:
    return {"type": "user_credentials", "username": email, "password": password}
