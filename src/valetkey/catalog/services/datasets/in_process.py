"""The engine that is always there: shards side by side in this process.

However many a sync asks for are under way at once. What they share is bounded instead: pages that
are asked for or kept, and turns at the database. So each waits for its turn, as long as that takes,
and the process renews the leases of all meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Sequence
from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import LEASE, Shard
from valetkey.catalog.services.datasets.engines import Scene
from valetkey.catalog.services.datasets.shards import Shares, work_off
from valetkey.domain.errors import InvalidInput, StorageUnavailable
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import to_ms
from valetkey.services.background import beside

#: Whether a long shard is to be cut for those that are idle is looked at this often.
_LOOK_SECONDS: Final = 2.0
#: Of a lease's time, so much goes by until it is renewed.
_RENEWED_AFTER: Final = 3
_log = logging.getLogger(__name__)


class InProcess:
    """Implements ShardEngine. ``owner`` names this process on the leases that it takes."""

    def __init__(
        self, storage: CatalogStorage, clock: Clock, new_id: IdFactory, *, owner: str
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._owner = owner
        self._shares = Shares()

    def check(self, address: str) -> str:
        if address:
            raise InvalidInput(
                "A sync in the server's own process has no address.",
                hint="Leave it out, or name the engine that is there: 'ray'.",
                field="engineAddress",
            )
        return ""

    async def work_off(self, scene: Scene, shards: Sequence[Shard]) -> int:
        waiting, most = deque(shards), scene.command.parallel
        under_way: dict[asyncio.Task[bool], str] = {}
        done: set[asyncio.Task[bool]] = set()
        count = 0
        async with beside(self._renew(under_way.values())):
            try:
                while waiting or under_way:
                    while waiting and len(under_way) < most:
                        shard = waiting.popleft()
                        under_way[asyncio.create_task(self._one(scene, shard))] = shard.id
                    done, _ = await asyncio.wait(
                        under_way, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        del under_way[task]
                    count += sum(task.result() for task in done)
                    if under_way and not waiting and len(under_way) < most:
                        waiting.extend(await scene.cutter.cut(most - len(under_way)))
            except BaseException:
                for task in under_way:
                    task.cancel()
                # Those that are done may have failed too: one failure is raised, for all.
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
            shares=self._shares,
        )

    async def _renew(self, shard_ids: Collection[str]) -> None:
        """Keep this process's leases for as long as this runs."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / _RENEWED_AFTER)
            try:
                async with self._storage.begin() as work:
                    until_ms = to_ms(await work.moment(self._clock.now()) + LEASE)
                    await work.commands.renew(list(shard_ids), self._owner, until_ms=until_ms)
            except StorageUnavailable as error:
                _log.warning("The leases of a sync are not renewed: %s", error.message)
            except Exception:  # noqa: BLE001  # the leases hold for a while yet, and it is tried again
                _log.exception("The leases of a sync are not renewed")
