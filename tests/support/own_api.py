"""The own API over doubles, in this process, as somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec

from support.apps import app_of
from support.memory import OWNER, PASSWORD, Memory
from valetkey.api.v1.described_errors import codes_of
from valetkey.wire import OPERATIONS


async def require_declared(response: httpx2.Response) -> None:
    """Hold an error's code to those that its operation declares."""
    parts = response.request.url.path.split("/")
    at = [each for each in OPERATIONS if _leads(each.path.split("/"), parts)]
    meant = [each for each in at if each.method == response.request.method]
    if not response.is_error or not meant:
        return
    told = msgspec.json.decode(await response.aread())
    code = told.get("error", told)["code"]
    best = max(meant, key=lambda each: sum("{" not in part for part in each.path.split("/")))
    assert code in codes_of(best), f"{best.id} does not declare {code}"


def _leads(path: list[str], parts: list[str]) -> bool:
    pairs = zip(path, parts, strict=False)
    return len(path) == len(parts) and all(a == b or (a[:1] == "{" and b) for a, b in pairs)


@asynccontextmanager
async def open_own_api(
    memory: Memory, email: str | None = OWNER
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API, signed in as somebody; None: nobody."""
    app = app_of(memory)
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 4000))
    async with httpx2.AsyncClient(
        transport=transport,
        base_url="http://valetkey/v1",
        event_hooks={"response": [require_declared]},
    ) as http:
        if email is not None:
            login = await memory.services.accounts.login(email, PASSWORD)
            http.headers["Authorization"] = f"Bearer {login.token.reveal()}"
        yield http
