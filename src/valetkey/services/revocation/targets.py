"""What a revocation is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from valetkey.domain.lease import LeaseFilter
from valetkey.domain.revocation import Kind, Revocation
from valetkey.domain.tags import integration_tag, location_tag, token_tag, user_tag

_FILTERS = {
    Kind.LEASE: "lease_id",
    Kind.PRINCIPAL: "principal",
    Kind.LOCATION: "location_id",
    Kind.INTEGRATION: "integration_id",
    Kind.TOKEN: "token_id",
    Kind.SERVICE_ACCOUNT: "user_id",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Whose sessions are to be revoked: those of a lease's, location's, integration's, token's or
    service account's id, or of a principal's e-mail address; always of one organisation.

    ``tags`` are those of the caches that must forget them.
    """

    kind: Kind
    name: str
    org_id: str
    tags: frozenset[str] = frozenset()

    def filter(self, **more: object) -> LeaseFilter:
        """Return which leases are meant."""
        return LeaseFilter(**{"org_id": self.org_id, _FILTERS[self.kind]: self.name} | more)  # type: ignore[arg-type]  # fields by name

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


@dataclass(frozen=True, slots=True)
class RevocationResult:
    """What a revocation came to: ``leases`` were meant, with a revocation for each role.
    ``others`` are the principals who were vended sessions that the target shared with them."""

    leases: int
    revocations: Sequence[Revocation]
    blocked: bool
    others: Sequence[str] = ()
