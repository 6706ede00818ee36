"""One writer an object: the right to write, move or delete it alone, and what is left of it.

An intent is stored before the bucket is touched. The database keeps a second one for the same
object out, whichever dataset or process it comes from, so that of two writers at most one is told
that it wrote. A writer's lease is renewed beside its work; one that was not renewed for twenty
seconds may be set aside for another's. It may be asleep rather than dead, as a process that was
stopped is: so a writer renews before each call that changes the bucket, if it has not done so for a
while, and in each transaction that writes a row, and learns there that it has lost the object.

What was set aside stays stored until somebody has looked at the object and ended the uploads that
were begun (``leftovers``). That look holds the object too, but yields: its lease is over from the
beginning, so that whoever writes sets it aside at once, and it finds that out in the transaction in
which it would have written the row. Whom nobody hinders is left in peace for longer: a database
that stood still for a while shall not cost a long upload its object.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import WriteIntent
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.pace import PART
from valetkey.domain.batches import batched
from valetkey.domain.errors import (
    AwsUnavailable,
    Conflict,
    Locked,
    StorageUnavailable,
    ValetkeyError,
)
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import to_ms
from valetkey.services.audit import Caller
from valetkey.services.background import beside

#: A writer that has not renewed its lease for so long gives way to another.
LEASE: Final = timedelta(seconds=20)
#: So long after the end of its lease it is looked after, if no other writer came.
PEACE: Final = timedelta(minutes=2)
_RENEWED_EVERY: Final = timedelta(seconds=5)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class HeldObjects:
    """Objects of a dataset that nobody else writes meanwhile, by path. ``wrote`` is to be set once
    the bucket was changed and the index not yet."""

    intents: dict[str, WriteIntent]
    renewer: _Renewer
    wrote: bool = False

    async def require(self, work: CatalogWork, paths: Iterable[str]) -> None:
        """See in the transaction that writes rows that their objects are held still.

        Raises Conflict if one was set aside meanwhile: somebody else writes the object.
        """
        await self.renewer.renew_in(work, [self.intents[path] for path in paths])

    async def guarded(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass bytes on; at their end, before the object is complete, see that it is still held.

        Raises Conflict if it is not.
        """
        async for chunk in chunks:
            yield chunk
        await self.still()

    async def still(self) -> None:
        """See that all is still held; to be called before the bucket is changed.

        Raises Conflict if it is not: this process stood still, and somebody else writes there.
        """
        await self.renewer.require_fresh(self.intents.values())

    async def set_aside(self, paths: Iterable[str]) -> None:
        """Let go of objects of which nobody knows whether they were changed: a sync looks."""
        await self.renewer.abandon([self.intents.pop(path) for path in paths])

    async def remember_upload(self, path: str, upload_id: str) -> None:
        """Store the id of a multipart upload that was begun. Raises Conflict."""
        async with self.renewer.storage.begin() as work:
            lease_ms = await self.renewer.lease_end(work)
            self.intents[path] = replace(self.intents[path], upload_id=upload_id, lease_ms=lease_ms)
            if not await work.commands.renew_intent(self.intents[path]):
                raise lost(path)


@dataclass(slots=True)
class _Renewer:
    """Renews leases; raises Conflict for one that was lost."""

    storage: CatalogStorage
    clock: Clock
    renewed_ms: int
    yields: bool

    async def require_fresh(self, intents: Iterable[WriteIntent]) -> None:
        age_ms = to_ms(self.clock.now()) - self.renewed_ms
        # Below nothing, if the clock was set back.
        if not 0 <= age_ms < _RENEWED_EVERY.total_seconds() * 1000:
            await self.renew(intents)

    async def renew(self, intents: Iterable[WriteIntent]) -> None:
        now_ms = to_ms(self.clock.now())
        for some in batched(list(intents), PART):
            async with self.storage.begin() as work:
                await self.renew_in(work, some)
        self.renewed_ms = now_ms

    async def renew_in(self, work: CatalogWork, intents: Sequence[WriteIntent]) -> None:
        lease_ms = await self.lease_end(work)
        mine = await work.commands.renew_intents([each.id for each in intents], lease_ms=lease_ms)
        for intent in intents:
            if intent.id not in mine:
                raise lost(intent.path)

    async def lease_end(self, work: CatalogWork) -> int:
        """Return when a lease that is renewed now ends."""
        return _lease_end(to_ms(await work.moment(self.clock.now())), yields=self.yields)

    async def abandon(self, intents: Sequence[WriteIntent]) -> None:
        for some in batched(intents, PART):
            async with self.storage.begin() as work:
                await work.commands.abandon_intents([intent.id for intent in some])

    async def keep_on(self, held: HeldObjects) -> None:
        """Renew for as long as this runs. The work itself finds out when the lease was lost."""
        while True:
            await asyncio.sleep(_RENEWED_EVERY.total_seconds())
            try:
                await self.renew(held.intents.values())
            except (StorageUnavailable, Conflict) as error:
                _log.warning("the lease on objects was not renewed: %s", error.message)


class Intents:
    """Gives the right to write objects alone."""

    def __init__(self, storage: CatalogStorage, clock: Clock, new_id: IdFactory) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id

    @asynccontextmanager
    async def held(
        self,
        caller: Caller,
        store: DatasetStorage,
        paths: Sequence[str],
        *,
        some: bool = False,
        yields: bool = False,
    ) -> AsyncIterator[HeldObjects]:
        """Hold objects while something is done. With ``some``, those that others hold are left out
        of it; otherwise raises Locked for the first one. What ``yields`` keeps nobody out: who
        comes meanwhile takes them over.

        What fails without leaving open whether the bucket was changed is struck off; all else is
        set aside, to be looked at.
        """
        now_ms = to_ms(self._clock.now())
        intents = await self._claim(caller, store, paths, yields=yields)
        if len(intents) < len(set(paths)) and not some:
            await self._drop(intents.values())
            raise taken(next(path for path in paths if path not in intents))
        renewer = _Renewer(self._storage, self._clock, now_ms, yields)
        held = HeldObjects(intents, renewer)
        async with beside(renewer.keep_on(held)):
            try:
                yield held
            except BaseException as error:
                await asyncio.shield(self._leave(held, error))
                raise
            else:
                await self._drop(held.intents.values())

    async def _claim(
        self, caller: Caller, store: DatasetStorage, paths: Sequence[str], *, yields: bool
    ) -> dict[str, WriteIntent]:
        now, user_id = self._clock.now(), caller.principal.user_id
        wanted = [
            WriteIntent(
                self._new_id(),
                store.dataset.id,
                path,
                user_id,
                now,
                object_id=object_id(store, path),
            )
            for path in dict.fromkeys(paths)
        ]
        claimed: dict[str, WriteIntent] = {}
        for some in batched(wanted, PART):
            async with self._storage.begin() as work:
                now_ms = to_ms(await work.moment(now))
                lease_ms = _lease_end(now_ms, yields=yields)
                timed = [replace(intent, lease_ms=lease_ms) for intent in some]
                mine = await work.commands.claim_intents(timed, now_ms=now_ms)
                claimed |= {intent.path: intent for intent in timed if intent.id in mine}
        return claimed

    async def _drop(self, intents: Iterable[WriteIntent]) -> None:
        for some in batched(list(intents), PART):
            async with self._storage.begin() as work:
                await work.commands.drop_intents([intent.id for intent in some])

    async def _leave(self, held: HeldObjects, error: BaseException) -> None:
        """Let go of what failed."""
        known = isinstance(error, ValetkeyError) and not isinstance(error, AwsUnavailable)
        try:
            if known and not held.wrote:
                await self._drop(held.intents.values())
                return
            await held.renewer.abandon(list(held.intents.values()))
        except StorageUnavailable as away:
            _log.warning(
                "Write intents were not removed, and stay until their leases end: %s", away.message
            )


def _lease_end(now_ms: int, *, yields: bool) -> int:
    """Return when a lease that is taken now ends, in milliseconds since 1970: that of what yields
    is over from the beginning."""
    return 0 if yields else now_ms + int(LEASE.total_seconds() * 1000)


def object_id(store: DatasetStorage, path: str) -> str:
    """Return what names an object whichever dataset or location it is reached by."""
    place = store.place
    named = "\n".join((place.endpoint, place.bucket, store.key(path)))
    return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()


def taken(path: str) -> Locked:
    """Return the error for an object that somebody else is writing."""
    return Locked(
        f"Somebody else is writing or deleting {ascii('/' + path)[:200]} at this moment. "
        "Nothing was changed.",
        hint="Try again once that is done; look at what is there then.",
    )


def lost(path: str) -> Conflict:
    """Return the error for a writer that was taken for dead."""
    return Conflict(
        f"Nothing was heard from this change of {ascii('/' + path)[:200]} for "
        f"{int(LEASE.total_seconds())} seconds, and it is not this one's to write any more.",
        hint="Look at what is there, and try again.",
        code="changed_meanwhile",
    )
