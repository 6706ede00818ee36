"""What a revocation is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from valetkey.domain.lease import Beyond, LeaseFilter
from valetkey.domain.ports import UnitOfWork
from valetkey.domain.revocation import Kind
from valetkey.domain.tags import integration_tag, location_tag, token_tag, user_tag

_FILTERS = {
    Kind.LEASE: "lease_id",
    Kind.PRINCIPAL: "principal",
    Kind.LOCATION: "within",
    Kind.INTEGRATION: "integration_id",
    Kind.TOKEN: "token_id",
    Kind.SERVICE_ACCOUNT: "user_id",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Whose sessions are to be revoked: those of a lease's, location's, integration's, token's or
    service account's id, or of a principal's e-mail address; always of one organisation.

    A location's are also those of what lies within it. ``tags`` are those of the caches that must
    forget them. ``beyond`` leaves out what a narrowed location still gives.
    """

    kind: Kind
    name: str
    org_id: str
    tags: frozenset[str] = frozenset()
    beyond: Beyond | None = None

    def filter(self, **more: object) -> LeaseFilter:
        """Return which leases are meant."""
        given = {"org_id": self.org_id, _FILTERS[self.kind]: self.name, "beyond": self.beyond}
        return LeaseFilter(**given | more)  # type: ignore[arg-type]  # fields by name

    async def filter_now(self, work: UnitOfWork, live_at: datetime) -> LeaseFilter:
        """Return which leases are meant that are live, with what lies within a location now."""
        below = await work.locations.below(self.name) if self.kind is Kind.LOCATION else ()
        return self.filter(live_at=live_at, now_within=frozenset(each.id for each in below))

    @property
    def subject(self) -> str:
        return f"{self.kind.value}:{self.name}"


def own_tags(kind: Kind, name: str, user_id: str = "") -> frozenset[str]:
    """Return the tags of a target that is not a lease; a principal's user may not be there."""
    tags = {
        Kind.PRINCIPAL: user_tag(user_id),
        Kind.LOCATION: location_tag(name),
        Kind.INTEGRATION: integration_tag(name),
        Kind.TOKEN: token_tag(name),
        Kind.SERVICE_ACCOUNT: user_tag(name),
    }
    return frozenset({tags[kind]})
