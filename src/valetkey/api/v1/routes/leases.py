"""Leases, revocations and blocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.orgs import which_org
from valetkey.api.v1.pages import cursor, page_of, part, read_cursor
from valetkey.api.v1.routes.endings import (
    FROM_WIRE,
    TO_WIRE,
    living,
    revocation_shape,
    revoked_shape,
)
from valetkey.api.v1.routes.rotations import signer
from valetkey.domain import lease, revocation
from valetkey.domain.errors import InvalidInput
from valetkey.domain.revocation import Kind
from valetkey.services.revocation.targets import Target
from valetkey.wire import leases as wire
from valetkey.wire.base import Nothing, Page, Person

_lease: Final = ShapeMapper(
    wire.Lease, lease.Lease, named={"access": "levels"}, added=("state", "holder")
)
_block: Final = ShapeMapper(
    wire.Block,
    revocation.Block,
    named={"creator": "actor"},
    by={"kind": lambda kind: TO_WIRE[kind]},
    added=("live_leases", "live_until"),
)


def lease_shape(found: lease.Lease, now: datetime) -> wire.Lease:
    """Return a lease's shape at a moment."""
    state: wire.LeaseState = "expired" if found.expires_at <= now else "active"
    return _lease(
        found,
        state="revoked" if found.revoked_at else state,
        holder=Person(id=found.user_id, email=found.principal) if found.user_id else None,
    )


async def list_leases(call: ApiCall[wire.LeasesQuery, Nothing]) -> Page[wire.Lease]:
    query = call.query
    after = read_cursor(query.cursor, tuple[str])
    found = await call.services.leases.find(
        call.caller,
        which_org(call.caller, query.org_id),
        location_id=query.location_id or "",
        integration_id=query.integration_id or "",
        principal=(query.principal or "").strip().lower(),
        active=query.active,
        after=after[0] if after else "",
        limit=query.limit + 1,
    )
    now, shown = call.services.clock.now(), found[: query.limit]
    following = cursor(shown[-1].id) if len(found) > query.limit else None
    return page_of(shown, lambda each: lease_shape(each, now), following)


async def get_lease(call: ApiCall[Nothing, Nothing]) -> wire.Lease:
    found = await call.services.leases.get(call.caller, call["leaseId"])
    return lease_shape(found, call.services.clock.now())


async def list_revocations(call: ApiCall[wire.RevocationsQuery, Nothing]) -> Page[wire.Revocation]:
    query = call.query
    found = await call.services.leases.revocations(
        call.caller, which_org(call.caller, query.org_id)
    )
    after = read_cursor(query.cursor, tuple[str])
    left = [each for each in found if after is None or each.id < after[0]]
    shown = left[: query.limit]
    items = [await revocation_shape(call, each) for each in shown]
    return Page(items=items, next=cursor(shown[-1].id) if len(left) > query.limit else None)


async def create_revocation(call: ApiCall[Nothing, wire.NewRevocation]) -> wire.Revoked:
    body, leases = call.body, call.services.leases
    target = await leases.target(call.caller, FROM_WIRE[body.kind], body.target, body.org_id or "")
    result = await leases.revoke(
        call.caller,
        target,
        reason=body.reason,
        refuse_new=body.refuse_new,
        administrator=signer(body.administrator),
    )
    return await revoked_shape(call, result)


async def get_revocation(call: ApiCall[wire.InOrg, Nothing]) -> wire.Revocation:
    org_id = which_org(call.caller, call.query.org_id)
    found = await call.services.leases.revocation(call.caller, org_id, call["revocationId"])
    return await revocation_shape(call, found)


async def list_blocks(call: ApiCall[wire.BlocksQuery, Nothing]) -> Page[wire.Block]:
    org_id = which_org(call.caller, call.query.org_id)
    found = await call.services.blocks.of_org(call.caller, org_id)
    return part(found, call.query, lambda block: ("", block.id), _block)


async def _target(call: ApiCall[wire.InOrg, Any]) -> Target:
    kinds = {word: kind for word, kind in FROM_WIRE.items() if kind is not Kind.LEASE}
    if call["kind"] not in kinds:
        raise InvalidInput(
            f"{call['kind'][:40]!r} is nothing that can be blocked.",
            hint=f"Use {', '.join(kinds)}.",
            field="kind",
        )
    org_id = which_org(call.caller, call.query.org_id)
    return await call.services.leases.target(
        call.caller, kinds[call["kind"]], call["target"], org_id
    )


async def get_block(call: ApiCall[wire.InOrg, Nothing]) -> wire.Block:
    return _block(await call.services.blocks.get(call.caller, await _target(call)))


async def put_block(call: ApiCall[wire.InOrg, wire.NewBlock]) -> wire.Block:
    blocks, target = call.services.blocks, await _target(call)
    made, ending = await blocks.block(call.caller, target, call.body.reason)
    return _block(made, **living(ending))


async def delete_block(call: ApiCall[wire.InOrg, Nothing]) -> Nothing:
    await call.services.blocks.unblock(call.caller, await _target(call))
    return Nothing()


async def _block_now(work: Any, call: ApiCall[Any, Any]) -> wire.Block | None:
    org_id = which_org(call.caller, call.query.org_id)
    for block in await work.blocks.of_org(org_id):
        if (TO_WIRE[block.kind], block.target) == (call["kind"], call["target"]):
            return _block(block)
    return None


ROUTES: Final = (
    route(wire.LIST_LEASES, list_leases),
    route(wire.GET_LEASE, get_lease),
    route(wire.LIST_REVOCATIONS, list_revocations),
    route(wire.CREATE_REVOCATION, create_revocation),
    route(wire.GET_REVOCATION, get_revocation),
    route(wire.LIST_BLOCKS, list_blocks),
    route(wire.GET_BLOCK, get_block, now=_block_now),
    route(wire.PUT_BLOCK, put_block),
    route(wire.DELETE_BLOCK, delete_block),
)
