"""Carrying a revocation out: hold new sessions, claim the leases, deny them at AWS, prove it.

The order is what makes the answer true. A hold is stored first, and every cache forgets: from then
on nothing of the target leaves that was not on record before (vending looks again once its record
is durable). Only then are the leases claimed, so that all of them are. The hold ends when AWS
refuses them and that was seen, or when it is known why not, and that was answered.

Whoever ends no more than what is theirs is held to a share of a role's policy in the transaction
that claims: what was claimed is stored, so that it counts before AWS is told of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

from valetkey.domain.access import Principal
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import StorageUnavailable, ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.domain.lease import LeaseClaim
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.revocation import (
    Block,
    Hold,
    Kind,
    Revocation,
    RevocationState,
    after,
    has_pattern,
    has_room,
    select_sessions,
)
from valetkey.domain.tags import blocks_tag, location_tag, role_tag
from valetkey.services.after_response import once_answered
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import RevocationResult
from valetkey.services.revocation.enforcement import Enforcer
from valetkey.services.revocation.proof import DenialProver, Probe
from valetkey.services.revocation.targets import Target

#: Longer than telling AWS and proving it take; a server that died holds nobody up for longer.
_LONGEST_HOLD: Final = timedelta(minutes=2)
#: A deny by the time reaches into the present second, which AWS does not divide.
_MOST_WAIT: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A revocation of one role, and the leases that it means, if there are any."""

    revocation: Revocation
    claim: LeaseClaim | None
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class ClaimedSessions:
    """What a revocation of a target claimed: one for each role, of so many leases."""

    target: Target
    roles: Sequence[_Claimed]
    leases: int
    blocked: bool


def _whatever_room() -> None:
    """It is an owner's of the organisation to revoke whatever that takes."""


class Revoker:
    """Revokes sessions."""

    def __init__(
        self,
        storage: Storage,
        enforcer: Enforcer,
        prover: DenialProver,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._enforcer = enforcer
        self._prover = prover
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def revoke(
        self,
        caller: Caller,
        target: Target,
        reason: str,
        *,
        refuse_new: bool = False,
        administrator: AwsCredentials | None = None,
        no_room: Callable[[], None] = _whatever_room,
    ) -> RevocationResult:
        """Revoke the sessions of a target. Raises StorageUnavailable, and what ``no_room`` raises,
        which :meth:`claim` calls."""
        block = self._block(caller, target, reason) if refuse_new else None
        async with self.held(target, block):
            async with self._storage.begin() as work:
                claims = await self.claim(
                    work, caller, target, reason, blocked=refuse_new, no_room=no_room
                )
            return await self.finish(claims, administrator)

    @asynccontextmanager
    async def held(self, target: Target, block: Block | None = None) -> AsyncIterator[None]:
        """Have no new session given to the target while inside, and until the request that asks
        for it was answered: what is vended before that would work after it. ``block`` stays."""
        hold = Hold(
            self._new_id(),
            target.org_id,
            target.kind,
            target.name,
            self._clock.now() + _LONGEST_HOLD,
        )
        tags = target.tags | {blocks_tag(target.org_id)}
        async with self._storage.begin() as work:
            if target.kind is not Kind.LEASE:  # there are no new ones of it
                await work.blocks.hold(hold)
            if block is not None:
                await work.blocks.add(block)
            await work.invalidations.publish(tags)
        try:
            yield
        finally:
            await once_answered(partial(self._release, hold))

    async def _release(self, hold: Hold) -> None:
        # If it can't be ended, it ends by itself.
        with suppress(StorageUnavailable):
            async with self._storage.begin() as work:
                await work.blocks.release(hold.id)
                await work.invalidations.publish({blocks_tag(hold.org_id)})

    async def claim(
        self,
        work: UnitOfWork,
        caller: Caller,
        target: Target,
        reason: str,
        *,
        blocked: bool = False,
        no_room: Callable[[], None] = _whatever_room,
    ) -> ClaimedSessions:
        """Store all of it before AWS is told anything, within a transaction; from its end on it
        can't be lost. ``no_room`` raises, if the caller may not do so, where others' sessions would
        end with the target's, or where a role's policy would be left without room for others."""
        wanted = await target.filter_now(work, self._clock.now())
        roles = dict(await work.leases.roles(wanted))
        if target.kind is Kind.INTEGRATION:
            roles |= await _present_role(work, target.name)
        claimed = []
        for role_arn, integration_id in sorted(roles.items()):
            await work.revocations.lock(role_arn)
            revocation_id = self._new_id()
            unnamed = target.name if has_pattern(target.kind, target.name) else ""
            claim = await work.leases.claim(wanted, role_arn, revocation_id, unnamed=unnamed)
            if claim is None and target.kind is not Kind.INTEGRATION:
                continue
            revocation = self._revocation(
                caller, target, reason, revocation_id, role_arn, integration_id, claim
            )
            if not has_room(await work.revocations.of_role(role_arn), revocation):
                no_room()
            await work.revocations.add(revocation)
            claimed.append(_Claimed(revocation, claim, _tags(target, revocation, claim)))
        claims = ClaimedSessions(
            target, claimed, sum(each.claim.count for each in claimed if each.claim), blocked
        )
        await self._tell(work, caller, claims, reason)
        return claims

    async def _tell(
        self, work: UnitOfWork, caller: Caller, claims: ClaimedSessions, reason: str
    ) -> None:
        tags = frozenset[str]().union(*(each.tags for each in claims.roles))
        await work.invalidations.publish(tags)
        event = self._audit.event(
            caller,
            "leases.revoke",
            claims.target.subject,
            org_id=claims.target.org_id,
            reason=reason,
            leases=claims.leases,
            refuse_new=claims.blocked,
        )
        await work.audit.append([event])

    async def finish(
        self, claims: ClaimedSessions, administrator: AwsCredentials | None = None
    ) -> RevocationResult:
        """Deny at AWS what was claimed, the roles side by side, and see that it is."""
        finished = await asyncio.gather(
            *(self._carry_out(each, administrator) for each in claims.roles)
        )
        others = await self._others(claims.target, finished)
        return RevocationResult(claims.leases, finished, claims.blocked, others)

    def _revocation(
        self,
        caller: Caller,
        target: Target,
        reason: str,
        revocation_id: str,
        role_arn: str,
        integration_id: str,
        claim: LeaseClaim | None,
    ) -> Revocation:
        now = self._clock.now()
        selected = select_sessions(target.kind, target.name, claim, now)
        return Revocation(
            id=revocation_id,
            org_id=target.org_id,
            integration_id=integration_id,
            role_arn=role_arn,
            kind=target.kind,
            target=target.name,
            sessions=selected.sessions,
            before=selected.before,
            until=selected.until,
            state=RevocationState.PENDING,
            reason=reason,
            actor=caller.principal.email,
            created_at=now,
            widened=selected.widened,
        )

    def _block(self, caller: Caller, target: Target, reason: str) -> Block:
        return Block(
            self._new_id(),
            target.org_id,
            target.kind,
            target.name,
            reason,
            caller.principal.email,
            self._clock.now(),
        )

    async def _carry_out(
        self, claimed: _Claimed, administrator: AwsCredentials | None
    ) -> Revocation:
        revocation, claim = claimed.revocation, claimed.claim
        nothing = Probe.none("no session of it is known")
        probe = await self._prover.prepare(claim.sample) if claim else nothing
        await self._cover(revocation, probe)
        try:
            await self._enforcer.enforce(revocation.role_arn, administrator)
        except ValetkeyError:
            return await self._current(revocation)  # it says itself what is the matter
        proof = await self._prover.prove(probe)
        await self._let_pass(await self._current(revocation), probe)
        return await self._proven(claimed, proof)

    async def _proven(self, claimed: _Claimed, proof: str) -> Revocation:
        async with self._storage.begin() as work:
            await work.revocations.lock(claimed.revocation.role_arn)
            current = await work.revocations.get(claimed.revocation.id) or claimed.revocation
            proven = replace(current, proof=proof)
            await work.revocations.save(proven)
            # What was made while AWS was being told may be denied as well: no cache may keep it.
            is_wide = proven.is_wide or proven.widened
            wide = {role_tag(proven.role_arn)} if is_wide else set()
            await work.invalidations.publish(claimed.tags | wide)
            event = self._audit.event(
                Caller(Principal("", proven.actor)),
                "leases.revoke",
                f"integration:{proven.integration_id}",
                org_id=proven.org_id,
                reason=proof,
                revocation_id=proven.id,
                state=proven.state.value,
                widened=proven.widened,
            )
            await work.audit.append([event])
        return proven

    async def _let_pass(self, revocation: Revocation, probe: Probe) -> None:
        """Wait for the second that a deny by time reaches into: what AWS makes after it is good."""
        if revocation.is_by_time or revocation.widened:
            aws_now = self._clock.now() + probe.aws_is_ahead
            left = (revocation.before - aws_now).total_seconds()
            if left > 0:
                await self._clock.sleep(min(left, _MOST_WAIT))

    async def _cover(self, revocation: Revocation, probe: Probe) -> None:
        """Let ``before`` reach the probe: a deny by time tells it from no other session."""
        if probe.credentials is None:
            return
        before = after(self._clock.now() + max(probe.aws_is_ahead, timedelta()))
        if before <= revocation.before:
            return
        async with self._storage.begin() as work:
            await work.revocations.lock(revocation.role_arn)
            current = await work.revocations.get(revocation.id) or revocation
            # What was told to AWS meanwhile did not reach as far.
            state = RevocationState.PENDING
            await work.revocations.save(replace(current, before=before, state=state))

    async def _current(self, revocation: Revocation) -> Revocation:
        async with self._storage.read() as work:
            return await work.revocations.get(revocation.id) or revocation

    async def _others(self, target: Target, finished: Sequence[Revocation]) -> list[str]:
        if not finished or target.kind not in {Kind.PRINCIPAL, Kind.TOKEN, Kind.SERVICE_ACCOUNT}:
            return []
        async with self._storage.read() as work:
            found = await work.leases.holders([each.id for each in finished])
        return [principal for principal in found if principal != target.name]


async def _present_role(work: UnitOfWork, integration_id: str) -> dict[str, str]:
    """Return the role that an integration has now, if it is there and has one."""
    integration = await work.integrations.get(integration_id)
    if integration is None or not integration.role_arn:
        return {}
    return {str(integration.role_arn): integration.id}


def _tags(target: Target, revocation: Revocation, claim: LeaseClaim | None) -> frozenset[str]:
    """Name what no cache may keep: the sessions of whom and what the leases were for."""
    shared = {location_tag(each) for each in claim.shared_at} if claim else set[str]()
    wide = {role_tag(revocation.role_arn)} if revocation.is_wide else set[str]()
    return target.tags | shared | wide
