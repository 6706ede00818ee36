"""The own API over doubles, in this process, as somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from support.memory import OWNER, PASSWORD, Memory
from valetkey.api import create_app


@asynccontextmanager
async def open_own_api(
    memory: Memory, email: str | None = OWNER
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, signed in as somebody; None: nobody."""
    app: Any = create_app(memory.services, memory.services.catalog)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://valetkey/v1") as http:
        if email is not None:
            login = await memory.services.accounts.login(email, PASSWORD)
            http.headers["Authorization"] = f"Bearer {login.token.reveal()}"
        yield http
