"""What a client that hangs up leaves behind, and what a proxy that is not named leads to."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import structlog

from support.apps import app_of
from support.memory import OWNER, Memory, open_memory
from valetkey.api import ApiOptions
from valetkey.domain.secret import Secret
from valetkey.testing import UnsafePasswords


class Endless(UnsafePasswords):
    """Hashes that go on until the test lets them end."""

    def __init__(self) -> None:
        self.looked = 0
        self.gate = asyncio.Event()

    async def matches(self, password: Secret, password_hash: str | None) -> bool:
        self.looked += 1
        await self.gate.wait()
        return await super().matches(password, password_hash)


def _scope(source: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/token",
        "raw_path": b"/token",
        "root_path": "",
        "scheme": "http",
        "query_string": b"default",
        "headers": [(b"content-type", b"application/json"), (b"host", b"valetkey")],
        "client": (source, 1),
        "server": ("valetkey", 80),
    }


async def test_a_client_that_hangs_up_at_the_sign_in_leaves_the_queue() -> None:
    passwords = Endless()
    memory = await open_memory(passwords=passwords)
    app = app_of(memory)
    body = {"type": "user_credentials", "username": OWNER, "password": "wrong wrong wrong"}
    hung_up = asyncio.Event()

    async def sign_in(source: str) -> None:
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": json.dumps(body).encode()}
            await hung_up.wait()
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            pass

        await app(_scope(source), receive, send)

    flood = [asyncio.create_task(sign_in(f"198.51.100.{number}")) for number in range(10)]
    queue = memory.services.accounts._passwords._queue
    while len(queue._waiting) < 8:  # noqa: ASYNC110  # nobody is told of a queue that grows
        await asyncio.sleep(0)
    hung_up.set()
    await asyncio.gather(*flood)
    assert queue._waiting == []
    passwords.gate.set()
    assert passwords.looked == 2


async def test_a_proxy_that_is_not_named_is_told_of_once(memory: Memory) -> None:
    for proxies, told in (((), 1), (("127.0.0.1",), 0)):
        options = ApiOptions(trusted_proxies=proxies)
        app = app_of(memory, options)
        transport = httpx2.ASGITransport(app)
        with structlog.testing.capture_logs() as logs:
            async with httpx2.AsyncClient(transport=transport, base_url="http://valetkey") as http:
                await http.get("/healthz")
                for _ in range(3):
                    await http.get("/healthz", headers={"X-Forwarded-For": "192.0.2.1"})
        warnings = [entry for entry in logs if "trusted_proxies" in entry["event"]]
        assert len(warnings) == told
