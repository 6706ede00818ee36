"""Reading, and hashing a password, end when the client that asked has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.api import create_app
from valetkey.identity.accounts import Accounts
from valetkey.services.people import People

pytest_plugins = ["support.memory"]


async def _asked(
    memory: Memory, patch: pytest.MonkeyPatch, request: tuple[str, str, Any], login: str
) -> bool:
    """Send a request, and hang up once its work waits; tell whether the work was ended."""
    method, path, body = request
    app: Any = create_app(memory.services, memory.services.catalog)
    messages = [{"type": "http.request", "body": msgspec.json.encode(body) if body else b""}]
    waits, ended = asyncio.Event(), asyncio.Event()

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await waits.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        return None

    async def for_ever(*_: Any, **__: Any) -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    patch.setattr(People, "projects", for_ever)
    patch.setattr(Accounts, "login", for_ever)
    headers = [
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {login}".encode()),
    ]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "query_string": b"",
        "client": ("192.0.2.7", 4000),
    }
    await asyncio.wait_for(app(scope, receive, send), 5)
    return ended.is_set()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/projects"), ("HEAD", "/v1/projects"), ("POST", "/v1/logins")]
)
async def test_whoever_hangs_up_ends_the_work(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    login = await memory.services.accounts.login(OWNER, PASSWORD)
    body = {"email": OWNER, "password": PASSWORD.reveal()} if method == "POST" else None
    request = (method, path, body)
    assert await _asked(memory, monkeypatch, request, login.token.reveal())
