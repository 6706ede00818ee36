"""Leases: what Valetkey remembers of each session that AWS gave it, so that it can be called back.

A lease is one AssumeRole session. Many hand-outs of the same cached credential share it; the audit
record of each names the lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from valetkey.domain.credentials import require_aware
from valetkey.domain.scope import AccessLevel, Scope


@dataclass(frozen=True, slots=True)
class Lease:
    """A session. ``principal`` and ``user_id`` are empty for a session that a location's users
    share. ``role_arn`` is the role as it was then; ``session_name`` is what CloudTrail shows.
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
class LeaseFilter:
    """Which leases are meant, always of one organisation; what is empty does not narrow.

    ``live_at`` leaves out those that had ended or been revoked by then.
    """

    org_id: str
    lease_id: str = ""
    integration_id: str = ""
    location_id: str = ""
    user_id: str = ""
    principal: str = ""
    live_at: datetime | None = None

    def matches(self, lease: Lease) -> bool:
        """Tell whether a lease is meant."""
        wanted = (
            (self.org_id, lease.org_id),
            (self.lease_id or lease.id, lease.id),
            (self.integration_id or lease.integration_id, lease.integration_id),
            (self.location_id or lease.location_id, lease.location_id),
            (self.user_id or lease.user_id, lease.user_id),
            (self.principal or lease.principal, lease.principal),
        )
        live = self.live_at is None or lease.is_live(self.live_at)
        return live and all(one == other for one, other in wanted)
