"""Vending: decide, take the session (or make it), write the record, hand out."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final

from valetkey.domain.audit import Entry, FilledForm
from valetkey.domain.errors import AwsUnavailable, ValetkeyError
from valetkey.domain.grants import Grant
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Sealer, Storage, Sts
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.caches import Caches
from valetkey.services.credential_cache import CredentialCache
from valetkey.services.health import StsSeen
from valetkey.services.principals import Principals
from valetkey.services.vending.minting import Mint
from valetkey.services.vending.orders import Minted, Ready, Vended, VendRequest, scope_of
from valetkey.services.vending.places import Place, Places
from valetkey.services.vending.warrants import VEND, Warrant, Warrants, make_warrant

#: How often a right is looked at again when things keep changing while a session is made.
_ROUNDS: Final = 5


class Vending:
    """Temporary credentials for a location."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        audit: AuditLog,
        principals: Principals,
        seen: StsSeen,
        caches: Caches,
        clock: Clock,
        new_id: IdFactory,
        *,
        capacity: int = 200_000,
    ) -> None:
        self._audit = audit
        self._principals = principals
        self._caches = caches
        self._clock = clock
        self._new_id = new_id
        self._places = Places(storage, caches)
        self._warrants = Warrants(self._places, audit, caches)
        self._mint = Mint(sealer, sts, seen, clock, new_id)
        self._sessions: CredentialCache[Minted] = CredentialCache(
            clock, capacity=capacity, may_keep=lambda: not caches.is_deaf
        )
        caches.add(self._sessions)

    async def vend(self, caller: Caller, location_id: str, request: VendRequest) -> Vended:
        """Return credentials that open what was asked for and nothing else.

        The audit record is durable before this returns, and names the lease. Raises NotFound,
        Denied, InvalidInput (TooLarge for too many prefixes), Conflict (integration disabled),
        AwsRefused, AwsUnavailable, SealBroken, AuditUnavailable.
        """
        ready = await self.prepare(caller, location_id, request)
        await self.record_ready(ready, caller.request_id, caller.source)
        return ready.vended

    async def prepare(self, caller: Caller, location_id: str, request: VendRequest) -> Ready:
        """Decide, and find or make the session. Raises as :meth:`vend` does."""
        warrant = self._warrants.known(caller.principal, location_id, request)
        minted = self._sessions.peek(warrant.key) if warrant else None
        if warrant is None or minted is None:
            minted, warrant = await self.session(caller, location_id, request)
        return warrant.ready(minted)

    def record_ready(self, ready: Ready, request_id: str, source: str) -> Awaitable[None]:
        """Make the record durable that lets something leave: who asked is in ``ready``, in which
        request and from which address is told. To be awaited; raises AuditUnavailable."""
        return self.record(FilledForm(ready.form, request_id, source), ready.minted)

    def good_for(self, ready: Ready) -> float:
        """Return for how many seconds the session needs no thought; none if it was forgotten."""
        return self._sessions.fresh_for(ready.key)

    async def lend(self, caller: Caller, location_id: str, request: VendRequest) -> Vended:
        """Return credentials for Valetkey's own work on behalf of a caller. The right to that work
        was decided by whoever calls this; otherwise it is as :meth:`vend`."""
        place = await self._places.find(location_id)
        scope = scope_of(place.location, request)
        reason = "for Valetkey's own work on the caller's behalf"
        warrant = make_warrant(caller.principal, place, request, scope, reason)
        minted = await self._take(caller, warrant)
        ready = warrant.ready(minted)
        await self.record_ready(ready, caller.request_id, caller.source)
        return ready.vended

    async def session(
        self, caller: Caller, location_id: str, request: VendRequest
    ) -> tuple[Minted, Warrant]:
        """Return a session and by which warrant. Nothing of it may leave the process before an
        audit record that names the lease is durable. Raises as :meth:`vend` does."""
        for _ in range(_ROUNDS):
            epoch = self._caches.epoch
            warrant = await self._warrants.get(caller, location_id, request)
            minted = await self._take(caller, warrant)
            if self._caches.epoch == epoch:
                return minted, warrant
            # Something changed while we waited, perhaps this very right: look at it again.
            caller = await self._principals.again(caller)
        raise AwsUnavailable(
            "Rights and integrations keep changing while the credentials are being made.",
            hint="Ask again in a moment.",
        )

    async def place(self, location_id: str) -> Place:
        """Return what is known of a location. Raises NotFound."""
        return await self._places.find(location_id)

    async def grants(self, caller: Caller, place: Place) -> Sequence[Grant]:
        """Return the caller's grants on a location, by name or by group."""
        return await self._places.grants(place.location.id, caller.principal.user_id)

    async def _take(self, caller: Caller, warrant: Warrant) -> Minted:
        try:
            return await self._sessions.get(warrant.key, warrant.tags, lambda: self._mint(warrant))
        except ValetkeyError as error:
            await self._audit.write(
                self._audit.event(
                    caller,
                    VEND,
                    f"location:{warrant.place.location.id}",
                    org_id=warrant.place.project.org_id,
                    outcome="failed",
                    reason=error.message,
                    **warrant.facts(),
                )
            )
            raise

    def record(self, entry: Entry, minted: Minted) -> Awaitable[None]:
        """Make a record that names a session durable, and with the first one its lease.

        To be awaited; raises AuditUnavailable.
        """
        if minted.is_recorded:
            return self._audit.write(entry)
        return self._record_first(entry, minted)

    async def _record_first(self, entry: Entry, minted: Minted) -> None:
        await self._audit.write(entry, minted.lease)
        minted.is_recorded = True
