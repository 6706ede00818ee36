"""Writers and syncs at work at once: nothing is lost, nothing doubled, no row lies.

At each step of an operation on the bucket, rivals act: seeded, so that a failure comes again.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from support.desk import Desk, sent
from support.memory import Memory
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.domain.errors import ValetkeyError

NAMES = [f"{letter}.txt" for letter in "abcde"]
_DEEPEST = 2


@dataclass
class Rivals:
    """Acts between the steps of others, and of each other, up to a depth."""

    desk: Desk
    chance: random.Random
    datasets: list[str]
    customer: bool
    depth: int = 0
    acts: Counter[str] = field(default_factory=Counter)

    async def step(self, _operation: str, _key: str) -> None:
        """Let time pass, and perhaps somebody act."""
        self.desk.memory.clock.advance(0.003)
        if self.depth >= _DEEPEST or self.chance.random() < 0.5:
            return
        self.depth += 1
        try:
            with suppress(ValetkeyError):
                await self.act()
        finally:
            self.depth -= 1

    async def act(self) -> None:
        dataset, name = self.chance.choice(self.datasets), self.chance.choice(NAMES)
        verbs = ["upload", "upload", "delete", "move"] + (["change"] if self.customer else [])
        verb = self.chance.choice(verbs)
        self.acts[verb] += 1
        body = b"x" * self.chance.randrange(1, 50)
        desk = self.desk
        if verb == "upload":
            await desk.items.uploading.upload(
                desk.developer, dataset, NewItem(name), sent(body), mode=Mode.OVERWRITE
            )
        elif verb == "change":
            self._change(f"{desk.prefix}{name}", body)
        else:
            page = await desk.items.reading.page(
                desk.developer, dataset, PageRequest({"filename": f"/{name}"})
            )
            for item in page.items:
                if verb == "delete":
                    await desk.items.removal.delete(desk.developer, item.id)
                else:
                    target = self.chance.choice(NAMES)
                    await desk.items.moving.rename(desk.developer, item.id, target)

    def _change(self, key: str, body: bytes) -> None:
        if self.chance.random() < 0.5:
            self.desk.bucket.pop(key, None)
        else:
            self.desk.memory.objects.place("acme", key, body)


async def sync(memory: Memory, desk: Desk, dataset_id: str) -> None:
    view = await memory.services.catalog.syncs.start(desk.developer, dataset_id)
    await memory.services.catalog.sync_worker.run_open()
    done = await memory.services.catalog.syncs.get(desk.developer, view.command.id)
    assert done.command.state == "success", done.command.error


async def require_true(desk: Desk, dataset_id: str) -> None:
    """See that the index and the bucket agree exactly."""
    page = await desk.items.reading.page(desk.developer, dataset_id, PageRequest({"type": "file"}))
    index = sorted((item.path, item.size) for item in page.items)
    bucket = sorted((key.removeprefix(desk.prefix), len(b)) for key, b in desk.bucket.items())
    assert index == bucket
    assert len({item.id for item in page.items}) == len(index)
    view = await desk.memory.services.catalog.datasets.get(desk.developer, dataset_id)
    assert view.item_count == len(index)


def rivals_on(desk: Desk, seed: int, datasets: list[str], *, customer: bool) -> Rivals:
    rivals = Rivals(desk, random.Random(seed), datasets, customer)  # noqa: S311  # repeatable
    desk.memory.objects.before = desk.memory.objects.after = rivals.step
    return rivals


def leave(desk: Desk) -> None:
    desk.memory.objects.before = desk.memory.objects.after = None


@pytest.mark.parametrize("looks", [1, 2, 99])
async def test_an_import_does_not_write_over_what_a_sync_saw_since_it_looked(
    memory: Memory, desk: Desk, looks: int
) -> None:
    """Whoever asked the bucket before a sync did knows less than the sync: the second time too,
    and where each look is overtaken."""
    changes = 0

    async def customer(operation: str, _key: str) -> None:
        nonlocal changes
        if operation == "head" and changes < looks * 2:
            changes += 1
            memory.objects.place("acme", f"{desk.prefix}a.txt", b"longer" * changes)
            memory.clock.advance(1)

    async def customer_and_sync(operation: str, key: str) -> None:
        if operation == "head" and changes < looks * 2:
            await customer(operation, key)
            await sync(memory, desk, desk.dataset_id)
            memory.clock.advance(1)

    memory.objects.place("acme", f"{desk.prefix}a.txt", b"old")
    memory.objects.before, memory.objects.after = customer, customer_and_sync
    await desk.items.importing.import_paths(desk.developer, desk.dataset_id, ["a.txt"])
    assert changes
    leave(desk)
    await require_true(desk, desk.dataset_id)


@pytest.mark.parametrize("seed", range(40))
async def test_uploads_that_race_a_sync_leave_the_index_true_at_once(
    memory: Memory, desk: Desk, seed: int
) -> None:
    for name in NAMES[:3]:
        desk.memory.objects.place("acme", f"{desk.prefix}{name}", b"there before")
    rivals = rivals_on(desk, seed, [desk.dataset_id], customer=False)
    while not rivals.acts:
        await sync(memory, desk, desk.dataset_id)
    leave(desk)
    await require_true(desk, desk.dataset_id)


@pytest.mark.parametrize("seed", range(40))
async def test_two_datasets_on_one_location_and_a_customer_agree_after_the_next_sync(
    memory: Memory, desk: Desk, seed: int
) -> None:
    other = await memory.services.catalog.datasets.create(
        desk.developer, memory.project.id, NewDataset("other", desk.location_id)
    )
    both = [desk.dataset_id, other.dataset.id]
    rivals = rivals_on(desk, seed, both, customer=True)
    for dataset_id in both * 2:
        await sync(memory, desk, dataset_id)
    leave(desk)
    assert rivals.acts
    desk.memory.clock.advance(1)
    for dataset_id in both:
        await sync(memory, desk, dataset_id)
        await require_true(desk, dataset_id)
