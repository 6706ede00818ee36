"""Blocks: whom, or through what, no new session is given until that is undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from valetkey.domain.access import Action
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.names import clean_reason
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.revocation import Block, Kind
from valetkey.domain.tags import blocks_tag
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import Ending
from valetkey.services.lookup import missing
from valetkey.services.nouns import ORGANIZATION
from valetkey.services.revocation.targets import Target

LIST: Final = Verb("block.list", Action.MANAGE_INTEGRATIONS)
BLOCK: Final = Verb("leases.block", Action.MANAGE_INTEGRATIONS)
UNBLOCK: Final = Verb("leases.unblock", Action.MANAGE_INTEGRATIONS)


class BlockList:
    """Refuses new sessions, and gives them again. What was vended before lives on until it ends or
    is revoked."""

    def __init__(self, storage: Storage, audit: AuditLog, clock: Clock, new_id: IdFactory) -> None:
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._clock = clock
        self._new_id = new_id

    async def of_org(self, caller: Caller, org_id: str) -> Sequence[Block]:
        """List who is given no new session. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST, ORGANIZATION, org_id) as read:
            return await read.work.blocks.of_org(org_id)

    async def get(self, caller: Caller, target: Target) -> Block:
        """Return a target's block. Raises NotFound (there is none), Denied."""
        found = _of(await self.of_org(caller, target.org_id), target)
        if found is None:
            raise missing(f"block:{target.name[:80]}")
        return found

    async def block(self, caller: Caller, target: Target, reason: str) -> tuple[Block, Ending]:
        """Give a target no new session, and say why; one that is blocked already gets the reason.
        Return which leases of it are live.

        Raises NotFound, Denied, InvalidInput (a lease, which has no new sessions; no reason).
        """
        why = clean_reason(reason)
        if not why:
            raise InvalidInput(
                "A block needs its reason.", hint="Say why: it is audited.", field="reason"
            )
        if target.kind is Kind.LEASE:
            raise InvalidInput(
                "A lease is one session: there are no new ones of it to refuse.",
                hint="Block its principal or its location.",
                field="kind",
            )
        async with self._access.changing(
            caller, BLOCK, ORGANIZATION, target.org_id, subject=target.subject
        ) as change:
            blocks, now = change.work.blocks, self._clock.now()
            live = await change.work.leases.count(await target.filter_now(change.work, now))
            known = _of(await blocks.of_org(target.org_id), target)
            if known is not None and known.reason == why:
                return known, Ending(live)
            await blocks.remove(target.org_id, target.kind, target.name)
            made = Block(
                self._new_id(),
                target.org_id,
                target.kind,
                target.name,
                why,
                caller.principal.email,
                now,
            )
            await blocks.add(made)
            change.publish(target.tags | {blocks_tag(target.org_id)})
            change.note(reason=why)
        return made, Ending(live)

    async def unblock(self, caller: Caller, target: Target) -> None:
        """Give new sessions again. Raises NotFound (there is no block), Denied."""
        async with self._access.changing(
            caller, UNBLOCK, ORGANIZATION, target.org_id, subject=target.subject
        ) as change:
            if not await change.work.blocks.remove(target.org_id, target.kind, target.name):
                raise missing(f"block:{target.name[:80]}")
            change.publish({blocks_tag(target.org_id)})
            change.note()


def _of(blocks: Sequence[Block], target: Target) -> Block | None:
    meant = (target.kind, target.name)
    return next((block for block in blocks if (block.kind, block.target) == meant), None)
