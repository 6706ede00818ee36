"""What an ending left, and what a revocation came to."""

from __future__ import annotations

from typing import Any, Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall
from valetkey.domain import revocation
from valetkey.domain.revocation import Kind
from valetkey.identity import leaving
from valetkey.services.endings import Ending, RevocationResult
from valetkey.services.revocation.enforcement import HandPolicy
from valetkey.wire import leases as wire
from valetkey.wire import orgs
from valetkey.wire.base import Person

TO_WIRE: Final[dict[Kind, wire.Target]] = {
    Kind.LEASE: "lease",
    Kind.PRINCIPAL: "principal",
    Kind.LOCATION: "location",
    Kind.INTEGRATION: "integration",
    Kind.TOKEN: "token",
    Kind.SERVICE_ACCOUNT: "serviceAccount",
}
FROM_WIRE: Final[dict[str, Kind]] = {word: kind for kind, word in TO_WIRE.items()}


_policy: Final = ShapeMapper(wire.ByHand, HandPolicy)
_revocation: Final = ShapeMapper(
    wire.Revocation,
    revocation.Revocation,
    named={"creator": "actor", "ends_at": "until"},
    by={"kind": lambda kind: TO_WIRE[kind]},
    added=("by_hand",),
)
_remaining: Final = ShapeMapper(orgs.Remaining, leaving.Remaining)
_departure: Final = ShapeMapper(
    orgs.Departure,
    leaving.Departed,
    named={"sessions": "browser_sessions"},
    by={"remaining": lambda every: [_remaining(each) for each in every]},
    added=("person",),
)


def departure_shape(left: leaving.Departed) -> orgs.Departure:
    """Return the shape of what ended with a member or a service account, and what did not."""
    return _departure(left, person=Person(id=left.user_id, email=left.email))


async def revocation_shape(
    call: ApiCall[Any, Any], found: revocation.Revocation
) -> wire.Revocation:
    """Return a revocation's shape, with what to apply by hand while it is pending."""
    by_hand = await call.services.leases.by_hand(call.caller, found)
    return _revocation(found, by_hand=_policy(by_hand) if by_hand is not None else None)


async def revoked_shape(call: ApiCall[Any, Any], result: RevocationResult) -> wire.Revoked:
    """Return the shape of what a revocation came to."""
    return wire.Revoked(
        leases=result.leases,
        blocked=result.blocked,
        revocations=[await revocation_shape(call, each) for each in result.revocations],
        others=list(result.others),
    )


def living(ending: Ending | None) -> dict[str, Any]:
    """Return what works on as two properties of what was changed so that it gives less."""
    if ending is None:
        return {}
    return {"live_leases": ending.live.count, "live_until": ending.live.until}


async def ending_shape(call: ApiCall[Any, Any], ending: Ending) -> wire.Ending:
    """Return the shape of what an ending left."""
    revoked = ending.revoked
    return wire.Ending(
        live_leases=ending.live.count,
        live_until=ending.live.until,
        revoked=await revoked_shape(call, revoked) if revoked is not None else None,
    )
