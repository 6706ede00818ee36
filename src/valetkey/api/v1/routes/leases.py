"""Leases, revocations and blocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from valetkey.api.shaping import Shaping
from valetkey.api.v1.asking import Ask, route
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

_lease: Final = Shaping(
    wire.Lease, lease.Lease, named={"access": "levels"}, added=("state", "holder")
)
_block: Final = Shaping(
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


async def list_leases(ask: Ask[wire.LeasesQuery, Nothing]) -> Page[wire.Lease]:
    query = ask.query
    after = read_cursor(query.cursor, tuple[str])
    found = await ask.services.leases.find(
        ask.caller,
        which_org(ask.caller, query.org_id),
        location_id=query.location_id or "",
        integration_id=query.integration_id or "",
        principal=(query.principal or "").strip().lower(),
        active=query.active,
        after=after[0] if after else "",
        limit=query.limit + 1,
    )
    now, shown = ask.services.clock.now(), found[: query.limit]
    following = cursor(shown[-1].id) if len(found) > query.limit else None
    return page_of(shown, lambda each: lease_shape(each, now), following)


async def get_lease(ask: Ask[Nothing, Nothing]) -> wire.Lease:
    found = await ask.services.leases.get(ask.caller, ask["leaseId"])
    return lease_shape(found, ask.services.clock.now())


async def list_revocations(ask: Ask[wire.RevocationsQuery, Nothing]) -> Page[wire.Revocation]:
    query = ask.query
    found = await ask.services.leases.revocations(ask.caller, which_org(ask.caller, query.org_id))
    after = read_cursor(query.cursor, tuple[str])
    left = [each for each in found if after is None or each.id < after[0]]
    shown = left[: query.limit]
    items = [await revocation_shape(ask, each) for each in shown]
    return Page(items=items, next=cursor(shown[-1].id) if len(left) > query.limit else None)


async def create_revocation(ask: Ask[Nothing, wire.NewRevocation]) -> wire.Revoked:
    body, leases = ask.body, ask.services.leases
    target = await leases.target(ask.caller, FROM_WIRE[body.kind], body.target, body.org_id or "")
    result = await leases.revoke(
        ask.caller,
        target,
        reason=body.reason,
        refuse_new=body.refuse_new,
        administrator=signer(body.administrator),
    )
    return await revoked_shape(ask, result)


async def get_revocation(ask: Ask[wire.InOrg, Nothing]) -> wire.Revocation:
    org_id = which_org(ask.caller, ask.query.org_id)
    found = await ask.services.leases.revocation(ask.caller, org_id, ask["revocationId"])
    return await revocation_shape(ask, found)


async def list_blocks(ask: Ask[wire.BlocksQuery, Nothing]) -> Page[wire.Block]:
    org_id = which_org(ask.caller, ask.query.org_id)
    found = await ask.services.blocks.of_org(ask.caller, org_id)
    return part(found, ask.query, lambda block: ("", block.id), _block)


async def _target(ask: Ask[wire.InOrg, Any]) -> Target:
    kinds = {word: kind for word, kind in FROM_WIRE.items() if kind is not Kind.LEASE}
    if ask["kind"] not in kinds:
        raise InvalidInput(
            f"{ask['kind'][:40]!r} is nothing that can be blocked.",
            hint=f"Use {', '.join(kinds)}.",
            field="kind",
        )
    org_id = which_org(ask.caller, ask.query.org_id)
    return await ask.services.leases.target(ask.caller, kinds[ask["kind"]], ask["target"], org_id)


async def get_block(ask: Ask[wire.InOrg, Nothing]) -> wire.Block:
    return _block(await ask.services.blocks.get(ask.caller, await _target(ask)))


async def put_block(ask: Ask[wire.InOrg, wire.NewBlock]) -> wire.Block:
    blocks, target = ask.services.blocks, await _target(ask)
    made, ending = await blocks.block(ask.caller, target, ask.body.reason)
    return _block(made, **living(ending))


async def delete_block(ask: Ask[wire.InOrg, Nothing]) -> Nothing:
    await ask.services.blocks.unblock(ask.caller, await _target(ask))
    return Nothing()


async def _block_now(work: Any, ask: Ask[Any, Any]) -> wire.Block | None:
    org_id = which_org(ask.caller, ask.query.org_id)
    for block in await work.blocks.of_org(org_id):
        if (TO_WIRE[block.kind], block.target) == (ask["kind"], ask["target"]):
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
