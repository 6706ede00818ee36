"""Leases: what Valetkey remembers of each session that AWS gave it, so that it can be revoked.

A lease is one AssumeRole session. Whoever is vended the same cached session has the same lease; the
audit record of each vend names it. Where a location's users share sessions, each of them is a
:class:`LeaseHolder` of the lease.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from valetkey.domain.credentials import require_aware
from valetkey.domain.scope import AccessLevel, Scope


@dataclass(frozen=True, slots=True)
class Lease:
    """A session. ``principal`` and ``user_id`` are empty for a session that a location's users
    share. ``role_arn`` is the role as it was then; ``session_name`` is what CloudTrail shows.
    ``issued_at`` is not before AWS issued it, by AWS's clock or by ours. ``token_id`` is the API
    token that it was asked for with, if one was. ``revocation_id`` is the latest revocation that
    means it, and ``revoked_at`` is there once AWS refuses it.
    """

    id: str
    org_id: str
    integration_id: str
    location_id: str
    user_id: str
    principal: str
    role_arn: str
    session_name: str
    access_key_id: str
    issued_at: datetime
    expires_at: datetime
    bucket: str
    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    revoked_at: datetime | None = None
    token_id: str = ""
    revocation_id: str = ""
    within: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_aware(self.issued_at)
        require_aware(self.expires_at)

    @property
    def scope(self) -> Scope:
        """What the session opens."""
        return Scope(self.bucket, self.prefixes, self.levels)

    def is_live(self, now: datetime) -> bool:
        """Tell whether the session has neither ended nor been revoked."""
        return self.revoked_at is None and self.expires_at > now


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Somebody who was vended a session that a location's users share, and since when."""

    lease_id: str
    user_id: str
    token_id: str
    principal: str
    since: datetime


#: What is stored with the first audit record that names it.
LeaseRecord = Lease | LeaseHolder


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """The leases of one role that a revocation means: those rows, and no others.

    ``newest`` is when the last of them was issued, ``ends`` when the last one ends. ``names`` are
    the sessions' names, None if there are too many to be listed. ``sample`` is one of the leases,
    ``shared_at`` the locations whose users share some of them.
    """

    count: int
    newest: datetime
    ends: datetime
    names: tuple[str, ...] | None
    sample: Lease
    shared_at: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Beyond:
    """Leases that open more than a location that was narrowed: one of the levels that it ``lost``,
    or time after ``ends_at``."""

    lost: frozenset[AccessLevel] = frozenset()
    ends_at: datetime | None = None

    def matches(self, lease: Lease) -> bool:
        """Tell whether a lease is one of them."""
        is_late = self.ends_at is not None and lease.expires_at > self.ends_at
        return is_late or not self.lost.isdisjoint(lease.levels)


@dataclass(frozen=True, slots=True)
class LiveLeases:
    """How many leases there are of some kind, and when the last of them ends; None: of none."""

    count: int = 0
    until: datetime | None = None

    def __add__(self, other: LiveLeases) -> LiveLeases:
        ends = [each for each in (self.until, other.until) if each is not None]
        return LiveLeases(self.count + other.count, max(ends, default=None))


NO_LEASES: Final = LiveLeases()


@dataclass(frozen=True, slots=True)
class LeaseFilter:
    """Which leases are meant, always of one organisation; what is empty does not narrow.

    ``within`` is a location: leases of it are meant, of what lay within it when they were vended,
    and of ``now_within``, the locations that lie within it now.

    ``live_at`` leaves out those that had ended or been revoked by then. Whom a shared session was
    vended to is meant by ``user_id``, ``user_ids``, ``principal`` and ``token_id`` as well.
    ``user_ids`` and ``location_ids`` are any of these; None does not narrow.
    """

    org_id: str
    lease_id: str = ""
    integration_id: str = ""
    location_id: str = ""
    user_id: str = ""
    principal: str = ""
    token_id: str = ""
    live_at: datetime | None = None
    within: str = ""
    now_within: frozenset[str] = frozenset()
    beyond: Beyond | None = None
    user_ids: frozenset[str] | None = None
    location_ids: frozenset[str] | None = None

    def matches(self, lease: Lease, holders: Iterable[LeaseHolder] = ()) -> bool:
        """Tell whether a lease is meant, by what it is or by one of its holders."""
        wanted = (
            (self.org_id, lease.org_id),
            (self.lease_id or lease.id, lease.id),
            (self.integration_id or lease.integration_id, lease.integration_id),
            (self.location_id or lease.location_id, lease.location_id),
        )
        live = self.live_at is None or lease.is_live(self.live_at)
        who: list[Lease | LeaseHolder] = [lease, *holders]
        is_it = all(one == other for one, other in wanted) and self._lies_there(lease)
        return live and is_it and any(self._is_held(each) for each in who)

    def _lies_there(self, lease: Lease) -> bool:
        there = {lease.location_id, *lease.within}
        lies = not self.within or self.within in there or lease.location_id in self.now_within
        if self.location_ids is not None and lease.location_id not in self.location_ids:
            return False
        return lies and (self.beyond is None or self.beyond.matches(lease))

    def _is_held(self, by: Lease | LeaseHolder) -> bool:
        wanted = (
            (self.user_id, by.user_id),
            (self.principal, by.principal),
            (self.token_id, by.token_id),
        )
        is_one = self.user_ids is None or by.user_id in self.user_ids
        return is_one and all(not one or one == other for one, other in wanted)
