"""One shard of a sync: its stretch of the listing merged into the index, page after page.

Pages are fetched ahead while others are written. What a batch of pages changes and the checkpoint
behind it are one transaction: whoever takes the shard up after a crash goes on exactly there.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.filenames import count_dangerous
from valetkey.catalog.domain.merge import IndexChanges, Indexed, joined, merge, pieces
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import LEASE, Command, Shard, State
from valetkey.catalog.services.datasets.lister import BucketLister, ListingPage
from valetkey.catalog.services.pace import ROWS, Pace
from valetkey.domain.errors import AwsRefused
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import Listed, to_ms

_LEASE_MS: Final = int(LEASE.total_seconds() * 1000)
#: Pages that a shard fetches ahead, and as many as are written at once.
_AHEAD: Final = 8
#: Pages that all shards of a process together ask for or keep, which is what its memory and the
#: store's connections are for.
_PAGES: Final = 48
_STAGED: Final = 8_000
#: Rows that are compared or written at once, which takes a few milliseconds at most: a sync shares
#: its process with requests.
_PIECE: Final = 1_000
_log = logging.getLogger(__name__)
OUT_OF_ORDER: Final = (
    "The store does not list in the order of its keys, so its listing is put in order in the "
    "database first, by one process: this takes longer, and more space meanwhile."
)


class Gone(Exception):
    """The shard is somebody else's now, or ends elsewhere, or its sync is over."""


class OutOfOrder(Exception):
    """The store does not list in the order of its keys."""


@dataclass(frozen=True, slots=True)
class Shares:
    """What shards of one process share, each in its turn: room for pages, and the database."""

    pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PAGES))
    pace: Pace = field(default_factory=Pace)


async def work_off(
    storage: CatalogStorage,
    clock: Clock,
    new_id: IdFactory,
    lister: BucketLister,
    dataset: Dataset,
    shard_id: str,
    *,
    owner: str,
    creator: str,
    shares: Shares | None = None,
) -> bool:
    """Claim a shard and work it off, to an end that may come nearer meanwhile; tell whether it
    could be claimed. ``shares`` are those of whatever else is worked off in this process. Raises
    OutOfOrder, and what the bucket and the storage raise."""
    shares = shares or Shares()

    async def claimed() -> Shard | None:
        async with shares.pace.turn():
            return await claim(storage, clock, shard_id, owner)

    shard = first = await claimed()
    while shard is not None:
        work = ShardWork(storage, clock, new_id, lister, dataset, shard, shares, creator=creator)
        try:
            await work.run()
        except Gone:
            again = await claimed()
            shard = again if again is not None and again.upto != shard.upto else None
        else:
            break
    return first is not None


async def claim(storage: CatalogStorage, clock: Clock, shard_id: str, owner: str) -> Shard | None:
    """Take a shard that nobody else has; None where that can't be. Raises ClockOff."""
    async with storage.begin() as work:
        now_ms = to_ms(await work.moment(clock.now()))
        return await work.commands.claim(
            shard_id, owner, now_ms=now_ms, until_ms=now_ms + _LEASE_MS
        )


async def advance(work: CatalogWork, clock: Clock, shard: Shard) -> Shard | None:
    """Store how far a shard is, and renew its lease; return it as it is stored, or None if it is
    somebody else's, or over."""
    renewed = replace(shard, lease_ms=to_ms(await work.moment(clock.now())) + _LEASE_MS)
    return renewed if await work.commands.advance(renewed) else None


async def release(storage: CatalogStorage, shard_id: str, owner: str) -> None:
    """Let whoever comes next have an owner's shard at once, if it still is theirs."""
    async with storage.begin() as work:
        await work.commands.claim(shard_id, owner, now_ms=0, until_ms=0)


class _Room:
    """A shard's part of the room for pages."""

    def __init__(self, pages: asyncio.Semaphore) -> None:
        self._pages = pages
        self.taken = 0

    async def take(self) -> None:
        await self._pages.acquire()
        self.taken += 1

    def give(self, count: int) -> None:
        self.taken -= count
        for _ in range(count):
            self._pages.release()


class ShardWork:
    """Works a shard off. Raises Gone, OutOfOrder, and what the bucket and the storage raise."""

    def __init__(
        self,
        storage: CatalogStorage,
        clock: Clock,
        new_id: IdFactory,
        lister: BucketLister,
        dataset: Dataset,
        shard: Shard,
        shares: Shares,
        *,
        creator: str,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._lister = lister
        self._dataset = dataset
        self._shard = shard
        self._shares = shares
        self._creator = creator

    async def run(self) -> None:
        """Go from the checkpoint to the end."""
        if self._shard.staged:
            await self._run_staged()
        else:
            await self._run_ordered()

    async def _run_ordered(self) -> None:
        start = self._shard.checkpoint or self._shard.after
        async with aclosing(self._batches(start)) as batches:
            async for pages in batches:
                if not all(page.in_order for page in pages):
                    raise OutOfOrder
                listed = [one for page in pages for one in page.listed]
                listed_ms = min(page.listed_ms for page in pages)
                upto = self._shard.upto if pages[-1].last else pages[-1].end
                await self._reconcile(listed, upto, listed_ms, last=pages[-1].last)

    async def _batches(self, after: str) -> AsyncGenerator[list[ListingPage], None]:
        """Iterate over pages, as many at once as have come in meanwhile."""
        queue: asyncio.Queue[ListingPage | BaseException] = asyncio.Queue(_AHEAD)
        room = _Room(self._shares.pages)
        fetching = asyncio.create_task(self._fetch(after, queue, room))
        try:
            last = False
            while not last:
                first = await queue.get()
                got = [first, *(queue.get_nowait() for _ in range(queue.qsize()))]
                pages = [page for page in got if isinstance(page, ListingPage)]
                if pages:
                    yield pages
                    room.give(len(pages))
                    last = pages[-1].last
                for failure in got:
                    if isinstance(failure, BaseException):
                        raise failure
        finally:
            fetching.cancel()
            with suppress(asyncio.CancelledError):
                await fetching
            room.give(room.taken)

    async def _fetch(
        self, after: str, queue: asyncio.Queue[ListingPage | BaseException], room: _Room
    ) -> None:
        try:
            await room.take()
            async for page in self._lister.ordered(after, self._shard.upto):
                await queue.put(page)
                await room.take()  # for the one that is asked for next
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # raised where the pages are awaited
            await queue.put(error)

    async def _reconcile(
        self, listed: Sequence[Listed], upto: str | None, listed_ms: int, *, last: bool
    ) -> None:
        """Make the index agree with a stretch of the listing: from the checkpoint to ``upto``."""
        done = False
        while not done:
            async with self._writing() as (work, most):
                await work.items.lock(self._dataset, shared=True)
                after = self._shard.checkpoint or self._shard.after
                part = listed[:most]
                bound = upto if len(part) == len(listed) else part[-1].path
                rows = await work.items.stretch(self._dataset, after, bound, limit=ROWS)
                done = len(rows) < ROWS and len(part) == len(listed)
                if len(rows) == ROWS:
                    bound = rows[-1].path
                    part = part[: bisect_right(part, bound, key=lambda one: one.path)]
                found = await _merged(part, rows, listed_ms)
                checkpoint = after if bound is None else bound
                shard = self._shard.advanced(checkpoint, found)
                if done and last:
                    shard = replace(shard, state=State.SUCCESS)
                stored = await self._store(work, shard, found)
            self._shard = stored
            listed = listed[len(part) :]

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[tuple[CatalogWork, int]]:
        """Begin a transaction in its turn; gives how many rows it may write, too."""
        async with self._shares.pace.turn() as most, self._storage.begin() as work:
            self._shares.pace.saw(recording=await work.recording())
            yield work, most

    async def _store(self, work: CatalogWork, shard: Shard, found: IndexChanges) -> Shard:
        stored = await self._advance(work, shard)
        if shard.staged:
            upto = None if shard.state is State.SUCCESS else shard.checkpoint
            await work.items.unstage(
                shard.id, after=self._shard.checkpoint, upto=upto, limit=_STAGED
            )
        if not found.none:
            await work.items.apply(
                self._dataset,
                found,
                self._new_id.take(len(found.added) + len(found.revived)),
                creator=self._creator,
                now_ms=to_ms(self._clock.now()),
            )
        return stored

    async def _advance(self, work: CatalogWork, shard: Shard) -> Shard:
        stored = await advance(work, self._clock, shard)
        if stored is None:
            raise Gone
        return stored

    async def _run_staged(self) -> None:
        if not self._shard.listed_ms:
            await self._stage()
        last = False
        while not last:
            async with self._storage.read() as work:
                listed = await work.items.staged(
                    self._shard.id, self._shard.checkpoint, limit=_STAGED
                )
            last = len(listed) < _STAGED
            upto = None if last else listed[-1].path
            await self._reconcile(listed, upto, self._shard.listed_ms, last=last)

    async def _stage(self) -> None:
        """Keep the whole listing, from where a dead process stopped if the store still knows."""
        first_ms, _, token = self._shard.token.partition(" ")
        if token:
            try:
                await self._keep(token, int(first_ms))
            except AwsRefused as refused:
                _log.info("The sync lists anew, as the store lost its place: %s", refused.message)
            else:
                return
        gone = _STAGED
        while gone == _STAGED:
            async with self._storage.begin() as work:
                gone = await work.items.unstage(self._shard.id, limit=_STAGED)
        await self._keep("", 0)

    async def _keep(self, token: str, first_ms: int) -> None:
        async for page in self._lister.unordered(token):
            first_ms = first_ms or page.listed_ms
            shard = replace(
                self._shard,
                listed_ms=first_ms if page.last else 0,
                token=f"{first_ms} {page.token}",
            )
            async with self._writing() as (work, _):
                stored = await self._advance(work, shard)
                await work.items.stage(shard.id, page.listed)
            self._shard = stored


async def _merged(
    listed: Sequence[Listed], rows: Sequence[Indexed], listed_ms: int
) -> IndexChanges:
    """Merge a stretch in pieces, and let whoever else is served have the loop between two."""
    found: list[IndexChanges] = []
    for some_listed, some_rows in pieces(listed, rows, _PIECE):
        changes = merge(some_listed, some_rows, listed_ms=listed_ms)
        changes.escaped = count_dangerous([one.path for one in some_listed])
        found.append(changes)
        await asyncio.sleep(0)
    return joined(found)


def whole_shard(command: Command, shard_id: str, **changes: object) -> Shard:
    """Return a shard of everything."""
    plain = Shard(shard_id, command.id, command.dataset_id, "", None, "")
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name
