"""The engine that is always there: shards side by side in this process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Shard
from valetkey.catalog.services.datasets.engines import Scene
from valetkey.catalog.services.datasets.shards import work_off
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock

#: So many at once, however many a sync asks for: they share a few connections to the database.
#: Other processes take others.
_AT_ONCE: Final = 32
#: Whether a long shard is to be cut for those that are idle is looked at this often.
_LOOK_SECONDS: Final = 2.0


class InProcess:
    """Implements ShardEngine. ``owner`` names this process on the leases that it takes."""

    def __init__(
        self, storage: CatalogStorage, clock: Clock, new_id: IdFactory, *, owner: str
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._owner = owner

    def check(self, address: str) -> str:
        if address:
            raise InvalidInput(
                "A sync in the server's own process has no address.",
                hint="Leave it out, or name the engine that is there: 'ray'.",
                field="engineAddress",
            )
        return ""

    async def work_off(self, scene: Scene, shards: Sequence[Shard]) -> int:
        waiting, most = deque(shards), min(scene.command.parallel, _AT_ONCE)
        under_way: set[asyncio.Task[bool]] = set()
        done: set[asyncio.Task[bool]] = set()
        count = 0
        try:
            while waiting or under_way:
                while waiting and len(under_way) < most:
                    under_way.add(asyncio.create_task(self._one(scene, waiting.popleft())))
                done, under_way = await asyncio.wait(
                    under_way, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                count += sum(task.result() for task in done)
                if under_way and not waiting and len(under_way) < most:
                    waiting.extend(await scene.cutter.cut())
        except BaseException:
            for task in under_way:
                task.cancel()
            # Those that are done may have failed too: one failure is raised, and stands for all.
            await asyncio.gather(*under_way, *done, return_exceptions=True)
            raise
        return count

    async def _one(self, scene: Scene, shard: Shard) -> bool:
        return await work_off(
            self._storage,
            self._clock,
            self._new_id,
            scene.lister,
            scene.store.dataset,
            shard.id,
            owner=self._owner,
            creator=scene.caller.principal.email,
        )
