"""Sessions from STS: what is wanted, and the one AssumeRole that makes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.access import Principal
from valetkey.domain.credentials import MIN_TTL, AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable, Denied, ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.domain.lease import Lease, LeaseHolder, LeaseRecord
from valetkey.domain.location import Location
from valetkey.domain.ports import AssumeRole, Clock, Sealer, Sts
from valetkey.domain.scope import Scope
from valetkey.services.health import StsState
from valetkey.services.integrations import open_loaded, secret_context
from valetkey.services.vending.location_context import LocationContext
from valetkey.services.vending.rounds import KEY_PATIENCE

#: RoleSessionName takes 64 of these letters; the lease id takes 24 and a hyphen one.
_NOT_IN_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)
_WHO_LENGTH: Final = 39
#: AWS's code for a key that it does not know, or not yet: its endpoints learn one after another.
_UNKNOWN_KEY: Final = "InvalidClientTokenId"


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """All that shapes a session. ``holder`` is whom it is for, with the token that they came with
    (so that it can be revoked with that token); None for one that a location's users share.
    ``until`` is when the right to it ends: no session lives longer."""

    context: LocationContext
    holder: Principal | None
    scope: Scope
    policy: str
    ttl: timedelta
    until: datetime | None = None

    def key(self) -> bytes:
        """Return the session's key in the cache."""
        integration = self.context.integration
        return credential_key(
            integration.id,
            integration.access_key_id,
            integration.role_arn,
            self.context.location.id,
            self.holder.user_id if self.holder else "",
            self.holder.token_id if self.holder else "",
            self.policy,
            self.ttl,
            self.until,
        )

    def duration(self, now: datetime) -> timedelta:
        """Return how long a session that begins now may last.

        Raises Denied when the right to it ends sooner than AWS's shortest session would.
        """
        if self.until is None:
            return self.ttl
        left = timedelta(seconds=int((self.until - now).total_seconds()))
        if left < MIN_TTL:
            raise Denied(
                f"Your right to this ends at {self.until:%Y-%m-%d %H:%M:%S} UTC, and AWS makes no "
                f"session shorter than {int(MIN_TTL.total_seconds())} seconds.",
                hint="Ask whoever gave it for more time.",
            )
        return min(self.ttl, left)


@dataclass(slots=True)
class IssuedSession:
    """A session: its credentials and its lease, which is stored with the first audit record that
    names it (``is_recorded``), as is each of those who share it (``holders``: user and token)."""

    credentials: TemporaryCredentials
    lease: Lease
    is_recorded: bool = False
    holders: set[tuple[str, str]] = field(default_factory=set)

    @property
    def expires_at(self) -> datetime:
        return self.credentials.expires_at

    @property
    def is_shared(self) -> bool:
        return not self.lease.user_id

    def unrecorded(
        self, principal: Principal, now: Callable[[], datetime]
    ) -> tuple[LeaseRecord, ...]:
        """Return what has to be stored with the record of vending this to somebody."""
        if self.is_recorded and not self.is_shared:
            return ()
        new: tuple[LeaseRecord, ...] = () if self.is_recorded else (self.lease,)
        if self.is_shared and (principal.user_id, principal.token_id) not in self.holders:
            new += (
                LeaseHolder(
                    self.lease.id, principal.user_id, principal.token_id, principal.email, now()
                ),
            )
        return new

    def recorded(self, principal: Principal) -> None:
        """Note that all of that is stored."""
        self.is_recorded = True
        if self.is_shared:
            self.holders.add((principal.user_id, principal.token_id))


class SessionIssuer:
    """Calls STS."""

    def __init__(
        self,
        sealer: Sealer,
        sts: Sts,
        seen: StsState,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._sealer = sealer
        self._sts = sts
        self._seen = seen
        self._clock = clock
        self._new_id = new_id

    async def issue(self, spec: SessionSpec) -> IssuedSession:
        """Return a new session. Raises AwsRefused, AwsUnavailable, SealBroken, Conflict."""
        context, integration = spec.context, spec.context.integration
        key = await open_loaded(self._sealer, integration, context.sealed_secret)
        lease_id, asked_at = self._new_id(), self._clock.now()
        holder = spec.holder
        order = AssumeRole(
            role_arn=integration.role_arn,
            session_name=session_name(holder.email if holder else context.location, lease_id),
            duration=spec.duration(asked_at),
            policy=spec.policy,
            external_id=integration.external_id,
        )
        credentials = await self._assume(context, key, order)
        lease = Lease(
            id=lease_id,
            org_id=context.project.org_id,
            integration_id=integration.id,
            location_id=context.location.id,
            user_id=holder.user_id if holder else "",
            principal=holder.email if holder else "",
            role_arn=str(integration.role_arn),
            session_name=order.session_name,
            access_key_id=credentials.access_key_id,
            # By whichever clock is ahead: a deny by time must reach it.
            issued_at=max(self._clock.now(), credentials.expires_at - order.duration),
            expires_at=credentials.expires_at,
            bucket=spec.scope.bucket,
            prefixes=spec.scope.prefixes,
            levels=spec.scope.levels,
            token_id=holder.token_id if holder else "",
            within=tuple(each.id for each in context.ancestors),
        )
        return IssuedSession(credentials, lease)

    async def _assume(
        self, context: LocationContext, key: AccessKey, order: AssumeRole
    ) -> TemporaryCredentials:
        """Ask with the integration's key; where AWS does not know it yet since it is new, once
        more with the one before, if there is time."""
        begun = self._clock.monotonic()
        try:
            return await self._assume_role(key, order)
        except AwsRefused as refusal:
            earlier = context.earlier_key
            if earlier is None or refusal.details.get("aws_code") != _UNKNOWN_KEY:
                raise
            unknown = refusal
        if self._clock.monotonic() - begun > KEY_PATIENCE:
            raise AwsUnavailable(
                "AWS does not know the new key yet, and was slow to say so.",
                hint="Ask again in a moment: it becomes known by itself.",
            )
        secret = await self._sealer.open(earlier.sealed, secret_context(context.integration))
        try:
            return await self._assume_role(AccessKey(earlier.id, secret), order)
        except AwsRefused:
            raise unknown from None

    async def _assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        try:
            credentials = await self._sts.assume_role(key, order)
            if credentials.expires_at <= self._clock.now():
                raise AwsUnavailable(
                    "STS returned a credential that has already expired.",
                    hint="Compare this machine's clock with the world's (NTP), then ask again.",
                )
        except ValetkeyError as error:
            self._note(error)
            raise
        self._seen.answered()
        return credentials

    def _note(self, error: ValetkeyError) -> None:
        if isinstance(error, AwsRefused):
            self._seen.answered()
        elif isinstance(error, AwsUnavailable):
            self._seen.failed(self._clock.now(), error.message)


def session_name(whose: str | Location, lease_id: str) -> str:
    """Return a RoleSessionName (at most 64 letters) for CloudTrail: who asked (an e-mail address),
    or which location's users share it, and the lease."""
    who = f"shared-{whose.id}" if isinstance(whose, Location) else whose
    return f"{_NOT_IN_SESSION_NAME.sub('-', who)[:_WHO_LENGTH]}-{lease_id}"


def credential_key(*shaping: object) -> bytes:
    """Return the cache key of a credential: all that shapes it, none of it able to pose as
    another part."""
    digest = hashlib.sha256()
    for part in (str(each).encode() for each in shaping):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
