"""A browser without a screen: the console over doubles, its cookies, and its forms' tokens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import pytest

from support.apps import app_of
from support.memory import OWNER, PASSWORD, Memory

ORIGIN: Final = "https://valetkey.example.com"
_TOKEN: Final = re.compile(r'<meta name="csrf-token" content="([^"]+)">')


@dataclass
class Visitor:
    """Somebody's browser. Forms are posted as a page of the console would post them."""

    memory: Memory
    http: httpx2.AsyncClient

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        return await self.http.get(f"/console{path}", **more)

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, *, part: bool = True
    ) -> httpx2.Response:
        headers = {"X-CSRF-Token": await self.token(), "Origin": ORIGIN}
        if part:
            headers["HX-Request"] = "true"
        return await self.http.post(f"/console{path}", data=dict(form or {}), headers=headers)

    async def token(self) -> str:
        found = _TOKEN.search((await self.get("/people")).text)
        assert found
        return found.group(1)

    async def sign_in(self, email: str = OWNER) -> httpx2.Response:
        page = await self.get("/signin")
        found = _TOKEN.search(page.text)
        assert found
        form = {"csrf": found.group(1), "email": email, "password": PASSWORD.reveal()}
        return await self.http.post("/console/signin", data=form, headers={"Origin": ORIGIN})


def visitor_of(memory: Memory, **more: Any) -> Visitor:
    """Somebody who has not signed in yet."""
    app = app_of(memory, console=True)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return Visitor(memory, httpx2.AsyncClient(transport=transport, base_url=ORIGIN, **more))


@pytest.fixture
async def visitor(memory: Memory) -> AsyncIterator[Visitor]:
    """Somebody who has not signed in yet."""
    somebody = visitor_of(memory)
    yield somebody
    await somebody.http.aclose()


@pytest.fixture
async def owner(visitor: Visitor) -> Visitor:
    """The owner of the organisation, signed in."""
    await visitor.sign_in()
    return visitor
