"""What works on after a right has ended: AWS sessions that were vended by it live to their end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from valetkey.domain.batches import batched
from valetkey.domain.lease import NO_LEASES, LeaseFilter, LiveLeases
from valetkey.domain.ports import UnitOfWork
from valetkey.domain.revocation import Revocation

#: So many ids are named in one statement.
_IDS: Final = 500


@dataclass(frozen=True, slots=True)
class RevocationResult:
    """What a revocation came to: ``leases`` were meant, with a revocation for each role.
    ``others`` are the principals who were vended sessions that the target shared with them."""

    leases: int
    revocations: Sequence[Revocation]
    blocked: bool
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """What an ending left: how many leases of what has ended are ``live``. With ``revoked`` they
    were to be revoked: that is what became of it, and ``live`` are those that AWS has not been seen
    to refuse yet."""

    live: LiveLeases = NO_LEASES
    revoked: RevocationResult | None = None


async def live_leases(
    work: UnitOfWork,
    org_id: str,
    now: datetime,
    *,
    users: Collection[str],
    locations: Collection[str],
) -> LiveLeases:
    """Count the live leases that any of these users hold of any of these locations, within a
    transaction: what they were given before a right of theirs ended."""
    found = NO_LEASES
    for user_ids in _parts(users):
        for location_ids in _parts(locations):
            found += await work.leases.count(
                LeaseFilter(org_id, live_at=now, user_ids=user_ids, location_ids=location_ids)
            )
    return found


def _parts(ids: Collection[str]) -> Iterator[frozenset[str]]:
    return map(frozenset, batched(sorted(ids), _IDS))
