"""A dataset over a location, on doubles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from support.memory import Memory
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.catalog.services.items import Items
from valetkey.catalog.services.items.reading import PageRequest
from valetkey.catalog.services.items.uploading import Mode, NewItem, UploadOperation
from valetkey.domain.access import ProjectRole
from valetkey.domain.location import LocationChange
from valetkey.services.audit import Caller


@dataclass
class Desk:
    """A developer's desk: a dataset, its location, and the verbs on its items."""

    memory: Memory
    developer: Caller
    dataset_id: str
    location_id: str
    prefix: str
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def items(self) -> Items:
        return self.memory.services.catalog.items

    @property
    def bucket(self) -> dict[str, bytes]:
        return self.memory.objects.buckets["acme"]

    async def upload(
        self, path: str, body: bytes = b"x", mode: Mode = Mode.OVERWRITE, **new: Any
    ) -> tuple[Item, UploadOperation]:
        return await self.items.uploading.upload(
            self.developer, self.dataset_id, NewItem(path, **new), sent(body), mode=mode
        )

    async def names(self) -> list[str]:
        page = await self.items.reading.page(
            self.developer, self.dataset_id, PageRequest({"type": "file"})
        )
        return sorted(item.filename for item in page.items)

    async def intents(self) -> list[str]:
        async with self.memory.storage.read() as work:
            return [intent.path for intent in await work.commands.intents(self.dataset_id)]


async def sent(*chunks: bytes) -> AsyncIterator[bytes]:
    """A body, as it comes."""
    for chunk in chunks:
        yield chunk


async def make_desk(memory: Memory, *, allow_delete: bool = True) -> Desk:
    owner = await memory.caller()
    location = await memory.location(owner=owner)
    wanted = LocationChange(allow_external_delete=allow_delete)
    await memory.services.locations.update(owner, location.id, wanted)
    developer = await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    view = await memory.services.catalog.datasets.create(
        developer, memory.project.id, NewDataset("images", location.id)
    )
    memory.objects.buckets.setdefault("acme", {})
    return Desk(memory, developer, view.dataset.id, location.id, location.prefix)
