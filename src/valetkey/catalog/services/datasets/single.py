"""Work that is done from one end to the other by whoever has its lease."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace

from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import Command, Shard, State
from valetkey.catalog.services.datasets.shards import advance, claim, whole_shard
from valetkey.domain.errors import StorageUnavailable
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.services.background import beside


@dataclass(frozen=True, slots=True)
class Single:
    """Gives the one shard of such work to one of those who want it. ``owner`` names this process
    on the leases that it takes."""

    storage: CatalogStorage
    clock: Clock
    new_id: IdFactory
    owner: str

    async def claimed(self, command: Command) -> Shard | None:
        """Begin a command if nobody has, and take its shard; None where that can't be. One that is
        done, whose command has not ended yet, is returned as it is."""
        if command.state is State.CREATED:
            running = replace(command, state=State.RUNNING, updated_at=self.clock.now())
            async with self.storage.begin() as work:
                await work.commands.begin(running, [whole_shard(command, self.new_id())])
        async with self.storage.read() as work:
            shards = await work.commands.shards(command.id)
        if not shards or shards[0].state.over:
            return shards[0] if shards else None
        return await claim(self.storage, self.clock, shards[0].id, self.owner)

    def renewed(self, shard: Shard, *, every: float) -> AbstractAsyncContextManager[None]:
        """Renew the lease of a shard beside what is done inside, every so many seconds. Whoever
        lost it finds out when the shard can't be advanced."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(every)
                with suppress(StorageUnavailable):
                    await claim(self.storage, self.clock, shard.id, self.owner)

        return beside(renew())

    async def advance(self, work: CatalogWork, shard: Shard) -> Shard | None:
        """As ``shards.advance``."""
        return await advance(work, self.clock, shard)

    def advanced(self, shard: Shard, checkpoint: str, *, items: int, failed: int = 0) -> Shard:
        """Return the shard with some more items done, or failed."""
        return replace(
            shard,
            checkpoint=checkpoint,
            added=shard.added + items,
            removed=shard.removed + failed,
        )
