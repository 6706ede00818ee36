"""What an ending left, and what a revocation came to."""

from __future__ import annotations

from typing import Final

from valetkey.domain import revocation
from valetkey.domain.revocation import Kind, RevocationState
from valetkey.identity.leaving import Left
from valetkey.services.endings import Ending, RevocationResult
from valetkey.services.registry import Services
from valetkey.wire import leases as wire
from valetkey.wire import orgs

TO_WIRE: Final[dict[Kind, wire.Target]] = {
    Kind.LEASE: "lease",
    Kind.PRINCIPAL: "principal",
    Kind.LOCATION: "location",
    Kind.INTEGRATION: "integration",
    Kind.TOKEN: "token",
    Kind.SERVICE_ACCOUNT: "serviceAccount",
}
FROM_WIRE: Final[dict[str, Kind]] = {word: kind for kind, word in TO_WIRE.items()}


async def revocation_shape(services: Services, found: revocation.Revocation) -> wire.Revocation:
    """Return a revocation's shape, with what to apply by hand while it is pending."""
    by_hand = None
    if found.state is RevocationState.PENDING:
        policy = await services.leases.by_hand(found)
        by_hand = wire.ByHand(name=policy.name, document=policy.document, command=policy.command)
    return wire.Revocation(
        id=found.id,
        org_id=found.org_id,
        integration_id=found.integration_id,
        kind=TO_WIRE[found.kind],
        target=found.target,
        role_arn=found.role_arn,
        state=found.state.value,
        reason=found.reason,
        creator=found.actor,
        created_at=found.created_at,
        ends_at=found.until,
        widened=found.widened,
        problem=found.problem or None,
        proof=found.proof or None,
        by_hand=by_hand,
    )


async def revoked_shape(services: Services, result: RevocationResult) -> wire.Revoked:
    """Return the shape of what a revocation came to."""
    return wire.Revoked(
        leases=result.leases,
        blocked=result.blocked,
        revocations=[await revocation_shape(services, each) for each in result.revocations],
        others=list(result.others),
    )


async def ending_shape(services: Services, ending: Ending) -> wire.Ending:
    """Return the shape of what an ending left."""
    revoked = ending.revoked
    return wire.Ending(
        live_leases=ending.live.count,
        live_until=ending.live.until,
        revoked=await revoked_shape(services, revoked) if revoked is not None else None,
    )


def departure_shape(left: Left) -> orgs.Departure:
    """Return the shape of what ended with a member or a service account, and what did not."""
    return orgs.Departure(
        email=left.email,
        tokens=left.tokens,
        sessions=left.browser_sessions,
        leases=left.leases,
        remaining=[
            orgs.Remaining(kind=each.kind, id=each.id, until=each.until, reason=each.reason)
            for each in left.remaining
        ],
    )
