"""A shard that is far longer than its fellows, cut again while it is worked on.

Ranges are cut by a few probes before anything is known of their lengths. Where somebody is idle and
shards have gone on for long, what is left of each is halved; whoever works on it notices at its
next page that it ends sooner.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.ranges import KeyRange, Next, split
from valetkey.catalog.domain.sync import Command, Shard, State
from valetkey.domain.ids import IdFactory

#: What a shard has gone through, since it was last cut, until it is worth a cut.
LONG: Final = 20_000


@dataclass(slots=True)
class Cutter:
    """Cuts shards of one sync."""

    storage: CatalogStorage
    new_id: IdFactory
    command: Command
    next_path: Next
    _seen: dict[str, int] = field(default_factory=dict)

    async def cut(self, idle: int = 1) -> list[Shard]:
        """Cut the longest shards that are long, one for each that is idle; return what came of it
        for them to take."""
        async with self.storage.read() as work:
            shards = await work.commands.shards(self.command.id)
        running = [one for one in shards if one.state is State.RUNNING and not one.staged]
        running.sort(key=self._gone_through, reverse=True)
        long = [one for one in running[:idle] if self._gone_through(one) >= LONG]
        return [rest for one in long for rest in await self._halved(one)]

    async def _halved(self, shard: Shard) -> list[Shard]:
        self._seen[shard.id] = shard.counts.seen
        left = KeyRange(shard.checkpoint or shard.after, shard.upto)
        parts = await split(left, 2, self.next_path)
        if len(parts) < 2:  # noqa: PLR2004  # nothing to give away
            return []
        rest = Shard(
            self.new_id(), shard.command_id, shard.dataset_id, parts[1].after, shard.upto, ""
        )
        async with self.storage.begin() as work:
            return [rest] if await work.commands.cut(shard, rest) else []

    def _gone_through(self, shard: Shard) -> int:
        return shard.counts.seen - self._seen.get(shard.id, 0)
