"""Writing the audit trail: durable before anybody is told, many records sharing one commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from valetkey.domain.access import Action, Principal, decide, require
from valetkey.domain.audit import (
    ALL_RECORDS,
    GENESIS,
    AuditEvent,
    AuditFilter,
    AuditRecord,
    ChainVerdict,
    ChainWalk,
    Entry,
    FilledForm,
    stamp,
)
from valetkey.domain.errors import (
    AuditUnavailable,
    NotFound,
    StorageBusy,
    StorageUnavailable,
    ValetkeyError,
)
from valetkey.domain.ids import IdFactory
from valetkey.domain.lease import LeaseRecord
from valetkey.domain.ports import Clock, Storage
from valetkey.services.refusals import RefusalLimit

#: As many records as one transaction takes; the rest wait for the next one.
_BATCH = 128
#: So many records are read at once.
_PAGE = 1000
#: A failure says something of the present for so long, in seconds; beyond the first second only
#: while nothing else could be stored.
_REMEMBERED, _FRESH = 15.0, 1.0

_log = logging.getLogger(__name__)


class Caller(NamedTuple):
    """Who is asking, in which request, from which address. ``expected_version`` is the version of
    the entity that they mean to change (If-Match); None is whichever it is. ``expectation`` is for
    what has no version: it looks at it within the transaction that changes it, and raises
    VersionMismatch where it is not what they mean."""

    principal: Principal
    request_id: str = ""
    source: str = ""
    expected_version: int | None = None
    expectation: Callable[[Any], Awaitable[None]] | None = None


_Waiting = tuple[Entry, tuple[LeaseRecord, ...], "asyncio.Future[None]"]


class AuditLog:
    """The way to the audit trail.

    :meth:`write` returns once the record is committed. Records that arrive while a commit is under
    way share the next one (group commit): that is what keeps vending fast.
    """

    def __init__(self, storage: Storage, clock: Clock, new_id: IdFactory) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._failure: tuple[float, str] | None = None
        self._refusals = RefusalLimit(clock, new_id)

    @property
    def trouble(self) -> str:
        """Why the last records could not be written; empty if they could, or if that was a while
        ago: then nobody knows."""
        if self._failure is None or self._clock.monotonic() - self._failure[0] > _REMEMBERED:
            return ""
        return f"The last records could not be written: {self._failure[1]}"

    def note_stored(self) -> None:
        """Note that something else was stored just now: an older failure is over. One of this
        moment is not, as a disk may have room for little."""
        if self._failure is not None and self._clock.monotonic() - self._failure[0] > _FRESH:
            self._failure = None

    def event(
        self,
        caller: Caller,
        action: str,
        subject: str,
        *,
        org_id: str,
        outcome: str = "allowed",
        reason: str = "",
        **details: Any,
    ) -> AuditEvent:
        """Describe what a caller did. ``details`` are JSON-ready and hold no secret; the API
        token that was used, if one was, is added to them."""
        if caller.principal.token_id:
            details["token_id"] = caller.principal.token_id
        return AuditEvent.of(
            id=self._new_id(),
            at=self._clock.now(),
            org_id=org_id,
            actor=caller.principal.email,
            action=action,
            outcome=outcome,
            subject=subject,
            reason=reason,
            request_id=caller.request_id,
            source=caller.source,
            details=details,
        )

    def write(self, event: Entry, *leases: LeaseRecord) -> asyncio.Future[None]:
        """Make a record durable, and the lease that it names and its holder if they are not yet.

        To be awaited; raises AuditUnavailable: then nothing may be handed out. A caller who is
        cancelled does not take the record back. Beyond a number of refusals of one caller, they
        are counted only, and :meth:`write_left_out` writes the count.
        """
        if isinstance(event, AuditEvent) and event.outcome != "allowed":
            return self._write_all(self._refusals.admit(event))
        return self._write(event, *leases)

    async def write_left_out(self) -> None:
        """Write how many refusals were counted only. Raises AuditUnavailable."""
        await self._write_all(self._refusals.due())

    def _write_all(self, events: Sequence[AuditEvent]) -> asyncio.Future[None]:
        """Write several records; what is awaited is the last one, which is stored after the
        others."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not events:
            done.set_result(None)
        for event in events:
            done = self._write(event)
        return done

    def _write(self, event: Entry, *leases: LeaseRecord) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, leases, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._drain())
        return done

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                await self._commit(batch)
        finally:
            self._writer = None

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Store a batch, and tell those who wait for it. A batch that is refused is halved until
        the record that is the reason stands alone: it fails, and the others are stored."""
        leases = dict.fromkeys(lease for _, given, _ in batch for lease in given)
        try:
            await self._storage.record(self._dated(batch), list(leases))
        except StorageUnavailable as error:
            if not isinstance(error, StorageBusy):
                self._failure = self._clock.monotonic(), error.message
            # The database is at fault, not a record: asking again at once would not help.
            _tell(batch, error)
        except Exception as error:  # noqa: BLE001  # whatever it was, who waits hears of it
            if len(batch) == 1:
                _log.exception("an audit record can't be stored")
                _tell(batch, error)
                return
            half = len(batch) // 2
            await self._commit(batch[:half])
            await self._commit(batch[half:])
        else:
            self._failure = None
            _tell(batch, None)

    def _dated(self, batch: list[_Waiting]) -> list[Entry]:
        now = self._clock.now()
        written, ids = stamp(now), self._new_id.take(len(batch))
        return [
            entry.date(event_id, now, written) if isinstance(entry, FilledForm) else entry
            for (entry, _, _), event_id in zip(batch, ids, strict=True)
        ]

    async def require_reader(self, caller: Caller, org_id: str) -> None:
        """Refuse whoever may not read an organisation's records. Raises NotFound, Denied."""
        if org_id not in caller.principal.org_roles:
            raise NotFound("There is no such organisation.", hint="List your organisations.")
        require(decide(caller.principal, Action.READ_AUDIT, org_id=org_id))

    async def of_org(
        self,
        caller: Caller,
        org_id: str,
        *,
        after: int = 0,
        limit: int | None = None,
        where: AuditFilter = ALL_RECORDS,
        newest_first: bool = False,
    ) -> AsyncIterator[AuditRecord]:
        """Iterate over an organisation's records that are meant, in order, ``sequence`` >
        ``after``; with ``newest_first`` the other way round, ``sequence`` < ``after``, where 0 is
        from the newest on. Raises NotFound, Denied."""
        await self.require_reader(caller, org_id)
        own = replace(where, org_id=org_id)
        async for record in self._pages(after, limit, own, newest_first=newest_first):
            yield record

    async def recent(
        self, caller: Caller, org_id: str, *, among: int
    ) -> AsyncIterator[AuditRecord]:
        """Iterate over those of an organisation's records, in order, that are ``among`` the
        newest of the chain: however long it is, this stays quick. Raises NotFound, Denied."""
        await self.require_reader(caller, org_id)
        async with self._storage.read() as work:
            after = max(0, await work.audit.length() - among)
        async for record in self._pages(after, None, AuditFilter(org_id)):
            yield record

    async def read(self, *, after: int = 0, limit: int | None = None) -> AsyncIterator[AuditRecord]:
        """Iterate over the records of all organisations in order, ``sequence`` > ``after``."""
        async for record in self._pages(after, limit, ALL_RECORDS):
            yield record

    async def _pages(
        self, after: int, limit: int | None, where: AuditFilter, *, newest_first: bool = False
    ) -> AsyncIterator[AuditRecord]:
        """Iterate over records, page by page: no connection is held while somebody takes them."""
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            async with self._storage.read() as work:
                found = work.audit.read(
                    after=after, limit=size, where=where, newest_first=newest_first
                )
                page = [record async for record in found]
            for record in page:
                yield record
            if len(page) < size:
                return
            after = page[-1].sequence
            left = None if left is None else left - size

    async def verify(self) -> ChainVerdict:
        """Walk the whole chain and find the first record that was changed, removed or moved."""
        walk = ChainWalk(GENESIS)
        async for record in self.read():
            if not walk.accept(record):
                break
        return walk.verdict


def _tell(batch: list[_Waiting], error: Exception | None) -> None:
    for _, _, done in batch:
        if done.cancelled():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(_unavailable(error))


def _unavailable(error: Exception) -> AuditUnavailable:
    cause = error.message if isinstance(error, ValetkeyError) else type(error).__name__
    return AuditUnavailable(
        f"The audit record could not be written ({cause}), so nothing was handed out.",
        hint="See that the database is reachable, writable and has room; then ask again.",
    )
