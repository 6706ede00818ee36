"""What a process does that serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.memory import Memory
from support.real_api import settings_for
from valetkey import serving
from valetkey.bootstrap import WiredServices
from valetkey.cli.server import host_services
from valetkey.config import Settings


async def test_a_process_that_serves_is_made_a_servers_once_its_services_are_there(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[str] = []

    @asynccontextmanager
    async def open_services(_: Settings) -> AsyncIterator[WiredServices]:
        told.append("opened")
        yield memory.services

    async def serve(*_: object, **__: object) -> None:
        told.append("served")

    monkeypatch.setattr("valetkey.cli.server.open_services", open_services)
    monkeypatch.setattr(serving, "tune_process", lambda: told.append("tuned"))
    monkeypatch.setattr(serving, "serve", serve)
    settings = settings_for(tmp_path, "http://127.0.0.1:9")
    await host_services(settings, ready=lambda _: None, stop=asyncio.Event())
    assert told == ["opened", "tuned", "served"]
