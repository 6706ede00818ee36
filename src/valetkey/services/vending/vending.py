"""Vending: authorise, take the session (or make it), write the record, look again, hand out.

Between the decision and the durable record a right may be lost: somebody is revoked, a grant is
deleted, an integration disabled. So a :class:`PreparedVend` knows at which epoch of changes it was
true (``since``), and :meth:`Vending.record_prepared` tells, once the record is durable, whether
nothing that concerns it has been heard of meanwhile. If something has, nothing leaves: a second
record says so, and it is decided anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from valetkey.domain.access import Allow, require
from valetkey.domain.audit import AuditForm, Entry, FilledForm
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsUnavailable, ValetkeyError
from valetkey.domain.grants import Grant
from valetkey.domain.ids import IdFactory
from valetkey.domain.lease import LeaseRecord
from valetkey.domain.location import Location
from valetkey.domain.location_tree import decide_extent
from valetkey.domain.ports import Clock, Sealer, Storage, Sts
from valetkey.domain.scope import Scope
from valetkey.identity.principals import Principals
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.caches import Caches
from valetkey.services.health import StsState
from valetkey.services.vending.authorization import (
    VEND,
    Authorization,
    Authorizer,
    VendRequest,
    authorize,
    scope_of,
    warnings_of,
)
from valetkey.services.vending.issuing import IssuedSession, SessionIssuer
from valetkey.services.vending.location_context import LocationContext, LocationContexts
from valetkey.services.vending.rounds import rounds, unsettled
from valetkey.services.vending.session_cache import SessionCache

CHANGED: Final = "Not handed out: something that it depends on changed. It is decided anew."


@dataclass(frozen=True, slots=True)
class Vended:
    """What was handed out, and under which lease it stands in the audit trail."""

    lease_id: str
    credentials: TemporaryCredentials
    scope: Scope
    location: Location
    #: Where clients find S3; empty for AWS's own address.
    endpoint: str = ""
    #: What may surprise whoever asked, in sentences.
    warnings: tuple[str, ...] = ()


class TakenSession(NamedTuple):
    """A session, by which right it was taken, and the epoch of changes at which that was true."""

    session: IssuedSession
    authorization: Authorization
    since: int

    def unrecorded(self, clock: Clock) -> tuple[LeaseRecord, ...]:
        """Return what has to be stored with a record that names it."""
        return self.session.unrecorded(self.authorization.principal, clock.now)


@dataclass(frozen=True, slots=True)
class PreparedVend:
    """What may be handed out, once an audit record of that ``form`` is durable, and nothing that
    the right to what was taken depends on has changed."""

    vended: Vended
    form: AuditForm
    taken: TakenSession

    @property
    def authorization(self) -> Authorization:
        return self.taken.authorization


class Vending:
    """Temporary credentials for a location."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        audit: AuditLog,
        principals: Principals,
        seen: StsState,
        caches: Caches,
        clock: Clock,
        new_id: IdFactory,
        *,
        capacity: int = 200_000,
        s3_endpoint: str = "",
    ) -> None:
        self._s3_endpoint = s3_endpoint
        self._audit = audit
        self._clock = clock
        self._principals = principals
        self._caches = caches
        self._contexts = LocationContexts(storage, caches)
        self._authorizer = Authorizer(self._contexts, audit, caches, clock)
        self._issuer = SessionIssuer(sealer, sts, seen, clock, new_id)
        self._sessions: SessionCache[IssuedSession] = SessionCache(
            clock, capacity=capacity, may_keep=lambda: not caches.is_deaf
        )
        caches.add(self._sessions)

    async def vend(self, caller: Caller, location_id: str, request: VendRequest) -> Vended:
        """Return credentials that open what was asked for and nothing else.

        The audit record is durable before this returns, and names the lease. Raises NotFound,
        Denied, InvalidInput (TooLarge for too many prefixes), Conflict (integration disabled),
        AwsRefused, AwsUnavailable, SealBroken, AuditUnavailable.
        """
        begun = self._clock.monotonic()
        for _ in rounds(self._clock, begun):
            prepared = await self.prepare(caller, location_id, request, begun=begun)
            if await self.record_prepared(prepared, caller.request_id, caller.source):
                return prepared.vended
            caller = await self._principals.again(caller)
        raise await self._why_not(caller, location_id, request)

    async def prepare(
        self,
        caller: Caller,
        location_id: str,
        request: VendRequest,
        *,
        begun: float | None = None,
    ) -> PreparedVend:
        """Decide, and find or make the session, for whoever has waited since ``begun``. Raises as
        :meth:`vend` does."""
        since = self._caches.epoch
        known = self._authorizer.known(caller.principal, location_id, request)
        session = self._sessions.peek(known.key, request.min_ttl) if known else None
        if known is None or session is None:
            taken = await self.session(caller, location_id, request, begun=begun)
            return self._prepared(taken)
        return self._prepared(TakenSession(session, known, since))

    def endpoint(self, location: Location) -> str:
        """Return where clients find the location's bucket: its own endpoint, or the server's;
        empty for AWS's own address."""
        return location.endpoint or self._s3_endpoint

    def _prepared(self, taken: TakenSession) -> PreparedVend:
        session, authorization, _ = taken
        location = authorization.context.location
        vended = Vended(
            session.lease.id,
            session.credentials,
            authorization.scope,
            location,
            self.endpoint(location),
            warnings_of(authorization, session.expires_at, self._clock.now()),
        )
        form = _form(authorization, session, outcome="allowed", reason=authorization.reason)
        return PreparedVend(vended, form, taken)

    async def record_prepared(self, prepared: PreparedVend, request_id: str, source: str) -> bool:
        """Make the record durable that lets something leave, and tell whether it may: if
        something that it depends on changed meanwhile, it may not, and a second record says so.

        Who asked is in ``prepared``, in which request and from which address is told. Raises
        AuditUnavailable.
        """
        await self.write_prepared(prepared, request_id, source)
        if self.may_leave(prepared.taken):
            return True
        await self.withhold(prepared, request_id, source)
        return False

    def write_prepared(
        self, prepared: PreparedVend, request_id: str, source: str
    ) -> asyncio.Future[None]:
        """Make the record durable, as :meth:`record_prepared` does; whoever waits for it asks
        :meth:`may_leave` next. To be awaited; raises AuditUnavailable."""
        entry = FilledForm(prepared.form, request_id, source)
        return self._audit.write(entry, *prepared.taken.unrecorded(self._clock))

    async def withhold(self, prepared: PreparedVend, request_id: str, source: str) -> None:
        """Record that what was recorded as handed out was not. Raises AuditUnavailable."""
        session, authorization, _ = prepared.taken
        form = _form(authorization, session, outcome="failed", reason=CHANGED)
        await self._audit.write(FilledForm(form, request_id, source))

    async def record(self, entry: Entry, *taken: TakenSession) -> bool:
        """Make a record that names sessions durable, and with the first one their leases; tell
        whether nothing has changed meanwhile that the right to them depends on.

        If something has, nothing of the sessions may leave. Raises AuditUnavailable.
        """
        new = (lease for each in taken for lease in each.unrecorded(self._clock))
        await self._audit.write(entry, *new)
        return self.may_leave(*taken)

    def may_leave(self, *taken: TakenSession) -> bool:
        """Tell of sessions that a durable record names whether they may leave: whether nothing
        that the right to them depends on has changed since it was true. There is nothing to wait
        for between this and the leaving."""
        for session, authorization, since in taken:
            session.recorded(authorization.principal)
            if not self._caches.unchanged(authorization.tags, since):
                return False
        return True

    def good_for(self, prepared: PreparedVend) -> float:
        """Return for how many seconds the session needs no thought; none if it was forgotten."""
        authorization = prepared.authorization
        return self._sessions.fresh_for(authorization.key, authorization.request.min_ttl)

    async def vend_for_service(
        self, caller: Caller, location_id: str, request: VendRequest
    ) -> Vended:
        """Return credentials for Valetkey's own work on behalf of a caller. The right to that work
        was decided by whoever calls this; otherwise it is as :meth:`vend`."""
        since, now = self._caches.epoch, self._clock.now()
        context = await self._contexts.find(location_id)
        scope = scope_of(context.location, request)
        within = require(decide_extent(context.chain, scope, now))
        right = Allow("for Valetkey's own work on the caller's behalf", until=within.until)
        authorization = authorize(caller.principal, context, request, scope, right, now)
        session = await self._take(caller, authorization)
        prepared = self._prepared(TakenSession(session, authorization, since))
        if await self.record_prepared(prepared, caller.request_id, caller.source):
            return prepared.vended
        # The right was decided elsewhere, before the change: it has to be decided there anew.
        raise unsettled()

    async def session(
        self,
        caller: Caller,
        location_id: str,
        request: VendRequest,
        *,
        begun: float | None = None,
    ) -> TakenSession:
        """Return a session and by which right, for whoever has waited since ``begun``. Nothing of
        it may leave the process before :meth:`record` says so. Raises as :meth:`vend` does."""
        for _ in rounds(self._clock, begun):
            since = self._caches.epoch
            authorization = await self._authorizer.get(caller, location_id, request)
            session = await self._take(caller, authorization)
            if self._caches.unchanged(authorization.tags, since):
                return TakenSession(session, authorization, since)
            # Something changed while we waited, perhaps this very right: look at it again.
            caller = await self._principals.again(caller)
        raise await self._why_not(caller, location_id, request)

    async def _why_not(
        self, caller: Caller, location_id: str, request: VendRequest
    ) -> AwsUnavailable:
        """Return the error for whom there is no time for another round. Raises what is decided by
        now, if that is a refusal."""
        await self._authorizer.get(caller, location_id, request)
        return unsettled()

    async def again(self, caller: Caller) -> Caller:
        """Return a caller with the roles of this moment. Raises Unauthenticated."""
        return await self._principals.again(caller)

    async def context(self, location_id: str) -> LocationContext:
        """Return what is known of a location. Raises NotFound."""
        return await self._contexts.find(location_id)

    async def grants(self, caller: Caller, context: LocationContext) -> Sequence[Grant]:
        """Return the caller's grants on a location, by name or by group."""
        return await self._contexts.grants(context.location.id, caller.principal.user_id)

    async def _take(self, caller: Caller, authorization: Authorization) -> IssuedSession:
        spec = authorization.spec
        try:
            return await self._sessions.get(
                authorization.key,
                authorization.session_tags,
                lambda: self._issuer.issue(spec),
                authorization.least(self._clock.now()),
            )
        except ValetkeyError as error:
            await self._audit.write(
                self._audit.event(
                    caller,
                    VEND,
                    f"location:{spec.context.location.id}",
                    org_id=spec.context.project.org_id,
                    outcome="failed",
                    reason=error.message,
                    **authorization.facts(),
                )
            )
            raise


def _form(
    authorization: Authorization, session: IssuedSession, *, outcome: str, reason: str
) -> AuditForm:
    """Return the audit record of handing out a session, or of not doing it."""
    return AuditForm(
        org_id=authorization.context.project.org_id,
        actor=authorization.principal.email,
        action=VEND,
        outcome=outcome,
        subject=f"location:{authorization.context.location.id}",
        reason=reason,
        details=authorization.facts()
        | {
            "lease_id": session.lease.id,
            "access_key_id": session.credentials.access_key_id,
            "expires_at": session.expires_at.isoformat(),
        },
    )
