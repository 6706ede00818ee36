"""Leases: list, call back, refuse new ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from litestar import get, post
from litestar.params import Parameter

from valetkey.api.dependencies import Caller, Services
from valetkey.api.wire.base import Page
from valetkey.api.wire.leases import (
    BlockOut,
    LeaseOut,
    RecallOut,
    RevocationOut,
    RevokeIn,
    TargetIn,
)
from valetkey.domain.revocation import Revocation, RevocationState
from valetkey.services.revocation import only_org

_PAGE: Final = 100


@get("/leases", tags=["leases"])
async def list_leases(
    services: Services,
    caller: Caller,
    org: str = "",
    driver: str = "",
    integration: str = "",
    principal: str = "",
    active: bool = False,  # a query parameter
    after: str = "",
    limit: Annotated[int, Parameter(ge=1, le=1000)] = _PAGE,
) -> Page[LeaseOut]:
    """List sessions, newest first. Somebody who is not an owner sees their own."""
    found = await services.leases.find(
        caller,
        org or only_org(caller),
        location_id=driver,
        integration_id=integration,
        principal=principal,
        active=active,
        after=after,
        limit=limit,
    )
    now = datetime.now(UTC)
    following = found[-1].id if len(found) == limit else None
    return Page(items=[LeaseOut.of(lease, now) for lease in found], next=following)


@post("/leases/revoke", status_code=200, tags=["leases"])
async def revoke_leases(services: Services, caller: Caller, data: RevokeIn) -> RecallOut:
    """Call sessions back: AWS refuses them from now on, presigned URLs made with them as well.

    What AWS could not be told yet is ``pending``, says why, and is tried again.
    """
    kind, name = data.one()
    target = await services.leases.target(caller, kind, name, data.org)
    recall = await services.leases.revoke(
        caller,
        target,
        reason=data.reason,
        refuse_new=data.refuse_new,
        administrator=data.administrator.signer if data.administrator else None,
    )
    return RecallOut(
        leases=recall.leases,
        blocked=recall.blocked,
        revocations=[await _shown(services, each) for each in recall.revocations],
        others=list(recall.others),
    )


@get("/leases/revocations", tags=["leases"])
async def list_revocations(
    services: Services, caller: Caller, org: str = ""
) -> list[RevocationOut]:
    """List what was called back, newest first."""
    found = await services.leases.revocations(caller, org or only_org(caller))
    return [await _shown(services, each) for each in found]


@get("/leases/blocks", tags=["leases"])
async def list_blocks(services: Services, caller: Caller, org: str = "") -> list[BlockOut]:
    """List who, or through what, is given no new session."""
    found = await services.blocks.of_org(caller, org or only_org(caller))
    return [BlockOut.of(block) for block in found]


@post("/leases/allow", status_code=204, tags=["leases"])
async def allow_leases(services: Services, caller: Caller, data: TargetIn) -> None:
    """Give new sessions again."""
    kind, name = data.one()
    await services.blocks.unblock(
        caller, await services.leases.target(caller, kind, name, data.org)
    )


async def _shown(services: Services, revocation: Revocation) -> RevocationOut:
    pending = revocation.state is RevocationState.PENDING
    by_hand = await services.leases.by_hand(revocation) if pending else None
    return RevocationOut.of(revocation, by_hand)


ROUTES = (list_leases, revoke_leases, list_revocations, list_blocks, allow_leases)
