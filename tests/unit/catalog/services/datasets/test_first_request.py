"""What a killed process was writing is free when the next one answers its first request."""

from __future__ import annotations

from support.memory import open_memory
from valetkey.catalog.domain.sync import WriteIntent
from valetkey.catalog.services.datasets import NewDataset


async def test_what_a_killed_process_held_is_let_go_of_before_anything_is_served() -> None:
    memory = await open_memory()
    worker = memory.services.catalog.sync_worker
    worker._alone = True  # as bootstrap says it of SQLite
    location = await memory.location()
    view = await memory.services.catalog.datasets.create(
        await memory.caller(), memory.project.id, NewDataset("data", location.id)
    )
    until = int(memory.clock.now().timestamp() * 1000) + 3_600_000
    now = memory.clock.now()
    ids = ("a" * 24, "b" * 24)
    killed, ours = (
        WriteIntent(it, view.dataset.id, "x.jpg", "u", now, lease_ms=until, object_id="x")
        for it in ids
    )
    async with memory.storage.begin() as work:
        await work.commands.claim_intents([killed], now_ms=until - 1)
    memory.clock.advance(1)
    async with worker.running(), memory.storage.begin() as work:
        assert await work.commands.claim_intents([ours], now_ms=until - 1) == {ours.id}
