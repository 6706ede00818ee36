"""Leases: list them, call them back, and keep new ones from being given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Final

from valetkey.domain.access import Action, OrgRole, Principal
from valetkey.domain.errors import Denied, InvalidInput, ValetkeyError
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.lease import Lease, LeaseFilter
from valetkey.domain.ports import (
    BucketPlace,
    Clock,
    ObjectStore,
    RolePolicies,
    Sealer,
    Signer,
    Storage,
    Sts,
    UnitOfWork,
)
from valetkey.domain.revocation import Block, Kind, Revocation, RevocationState, meant
from valetkey.domain.tags import blocks_tag, integration_tag, location_tag, user_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_integration, load_location, load_project, missing
from valetkey.services.revocation.enforcement import Enforcer, HandPolicy
from valetkey.services.revocation.proof import Probe, Prover
from valetkey.services.work import WorkLocks

_MOST_REASON: Final = 500
#: A deny by the time reaches into the present second, which AWS does not divide.
_MOST_WAIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be called back: a lease's, location's or integration's id, a principal's e-mail
    address, always of one organisation."""

    kind: Kind
    name: str
    org_id: str

    def filter(self, **more: object) -> LeaseFilter:
        names = {
            Kind.LEASE: "lease_id",
            Kind.PRINCIPAL: "principal",
            Kind.LOCATION: "location_id",
            Kind.INTEGRATION: "integration_id",
        }
        return LeaseFilter(**{"org_id": self.org_id, names[self.kind]: self.name} | more)  # type: ignore[arg-type]  # fields by name

    @property
    def subject(self) -> str:
        return f"{self.kind.value}:{self.name}"


@dataclass(frozen=True, slots=True)
class Recall:
    """What a revocation came to. ``leases`` were called back; one revocation a role."""

    leases: int
    revocations: Sequence[Revocation]
    blocked: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """The leases of one integration on one role."""

    integration_id: str
    role_arn: str
    leases: tuple[Lease, ...]


class Leases:
    """Sessions that were handed out. An owner sees and revokes all; others see their own."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        stores: ObjectStore,
        policies: RolePolicies,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock
        self._new_id = new_id
        self.policies = policies
        self._enforcer = Enforcer(
            storage, sealer, policies, WorkLocks(storage, clock, new_id), clock
        )
        self._prover = Prover(storage, self._enforcer, sts, stores, clock)

    async def find(
        self,
        caller: Caller,
        org_id: str,
        *,
        location_id: str = "",
        integration_id: str = "",
        principal: str = "",
        active: bool = False,
        after: str = "",
        limit: int | None = None,
    ) -> Sequence[Lease]:
        """List leases, newest first; somebody who is not an owner sees their own.

        Raises NotFound, Denied.
        """
        await self._guard.require(
            caller, Action.READ_ORG, org_id=org_id, subject=f"organisation:{org_id}"
        )
        owner = caller.principal.org_roles.get(org_id) is OrgRole.OWNER
        wanted = LeaseFilter(
            org_id,
            location_id=location_id,
            integration_id=integration_id,
            principal=principal,
            user_id="" if owner else caller.principal.user_id,
            live_at=self._clock.now() if active else None,
        )
        async with self._storage.read() as work:
            return await work.leases.find(wanted, after=after, limit=limit)

    async def target(self, caller: Caller, kind: Kind, name: str, org_id: str = "") -> Target:
        """Find what is meant, in which organisation. Raises NotFound, InvalidInput."""
        if kind is Kind.PRINCIPAL:
            return Target(kind, name.strip().lower(), org_id or only_org(caller))
        if not is_id(name):
            raise missing(f"{kind.value}:{name[:80]}")
        async with self._storage.read() as work:
            if kind is Kind.LEASE:
                lease = await work.leases.get(name)
                if lease is None:
                    raise missing(f"lease:{name}")
                return Target(kind, name, lease.org_id)
            if kind is Kind.LOCATION:
                location = await load_location(work, name)
                project = await load_project(work, location.project_id)
                return Target(kind, name, project.org_id)
            return Target(kind, name, (await load_integration(work, name)).org_id)

    async def revoke(
        self,
        caller: Caller,
        target: Target,
        *,
        reason: str,
        refuse_new: bool = False,
        administrator: Signer | None = None,
    ) -> Recall:
        """Call sessions back, and with ``refuse_new`` give no new ones until that is lifted.

        Caches forget them at once. What AWS could not be told yet stays pending, says so, and is
        tried again. Raises NotFound, Denied, InvalidInput, StorageUnavailable.
        """
        _check_reason(reason)
        await self._guard.require(
            caller, Action.MANAGE_INTEGRATIONS, org_id=target.org_id, subject=target.subject
        )
        if refuse_new and target.kind is Kind.LEASE:
            raise InvalidInput(
                "A lease is one session: there are no new ones of it to refuse.",
                hint="Refuse its principal or its location.",
                field="refuseNew",
            )
        stored, probes, count = await self._record(caller, target, reason, refuse_new=refuse_new)
        finished = [
            await self._carry_out(revocation, probe, administrator)
            for revocation, probe in zip(stored, probes, strict=True)
        ]
        return Recall(count, finished, refuse_new)

    async def _record(
        self, caller: Caller, target: Target, reason: str, *, refuse_new: bool
    ) -> tuple[list[Revocation], list[Lease | None], int]:
        """Store all of it before AWS is told anything; from here on it can't be lost."""
        now = self._clock.now()
        async with self._storage.begin() as work:
            leases = await work.leases.find(target.filter(live_at=now))
            groups = await self._groups(work, target, leases)
            revocations = [self._revocation(caller, target, group, reason) for group in groups]
            for revocation in revocations:
                await work.revocations.add(revocation)
            count = await work.leases.revoke(target.filter(live_at=now), now)
            if refuse_new:
                await work.blocks.add(self._block(caller, target, reason))
            await work.invalidations.publish(_tags(target, leases, blocked=refuse_new))
            event = self._audit.event(
                caller,
                "leases.revoke",
                target.subject,
                org_id=target.org_id,
                reason=reason,
                leases=count,
                refuse_new=refuse_new,
                revocations=[revocation.id for revocation in revocations],
            )
            await work.audit.append([event])
        return revocations, [next(iter(group.leases), None) for group in groups], count

    async def _groups(
        self, work: UnitOfWork, target: Target, leases: Sequence[Lease]
    ) -> list[_Group]:
        def place(lease: Lease) -> tuple[str, str]:
            return lease.integration_id, lease.role_arn

        found = [
            _Group(*where, tuple(those))
            for where, those in groupby(sorted(leases, key=place), place)
        ]
        if target.kind is Kind.INTEGRATION:
            integration = await load_integration(work, target.name)
            role = str(integration.role_arn)
            if all(group.role_arn != role for group in found):
                # Sessions that are being made this very moment are not recorded yet.
                found.append(_Group(integration.id, role, ()))
        return found

    def _revocation(self, caller: Caller, target: Target, group: _Group, reason: str) -> Revocation:
        now = self._clock.now()
        sessions = meant(target.kind, target.name, group.leases, now)
        return Revocation(
            id=self._new_id(),
            org_id=target.org_id,
            integration_id=group.integration_id,
            role_arn=group.role_arn,
            kind=target.kind,
            target=target.name,
            sessions=sessions.sessions,
            before=sessions.before,
            until=sessions.until,
            state=RevocationState.PENDING,
            reason=reason,
            actor=caller.principal.email,
            created_at=now,
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
        self, revocation: Revocation, lease: Lease | None, administrator: Signer | None
    ) -> Revocation:
        nothing = Probe(None, BucketPlace(""), "", "no session of it is known")
        probe = await self._prover.prepare(lease) if lease else nothing
        await self._cover(revocation, probe)
        try:
            await self._enforcer.enforce(revocation.role_arn, administrator)
        except ValetkeyError:
            return await self._current(revocation)  # it says itself what is the matter
        proof = await self._prover.prove(probe)
        await self._let_pass(revocation)
        async with self._storage.begin() as work:
            current = await work.revocations.get(revocation.id) or revocation
            proven = replace(current, proof=proof)
            await work.revocations.save(proven)
            # What was made while AWS was being told is denied as well: no cache may keep it.
            await work.invalidations.publish({integration_tag(revocation.integration_id)})
            event = self._audit.event(
                Caller(Principal("", revocation.actor)),
                "leases.revoke",
                f"integration:{revocation.integration_id}",
                org_id=revocation.org_id,
                reason=proof,
                revocation_id=revocation.id,
                state=proven.state.value,
                widened=proven.widened,
            )
            await work.audit.append([event])
        return proven

    async def _let_pass(self, revocation: Revocation) -> None:
        """Wait for the second that the deny reaches into: what is made after it is good."""
        if not revocation.sessions or revocation.kind is Kind.PRINCIPAL:
            current = await self._current(revocation)
            left = (current.before - self._clock.now()).total_seconds()
            if left > 0:
                await self._clock.sleep(min(left, _MOST_WAIT))

    async def _cover(self, revocation: Revocation, probe: Probe) -> None:
        """Let ``before`` reach the probe, too, whose name does not tell it from later ones."""
        now = self._clock.now().replace(microsecond=0) + timedelta(seconds=1)
        if probe.credentials is None or now <= revocation.before:
            return
        async with self._storage.begin() as work:
            current = await work.revocations.get(revocation.id) or revocation
            await work.revocations.save(replace(current, before=now))

    async def resume(self) -> None:
        """Try again what is pending, and take out what is over. One role's trouble doesn't keep
        the others waiting."""
        now = self._clock.now()
        async with self._storage.read() as work:
            unfinished = await work.revocations.unfinished()
        due = {
            each.role_arn
            for each in unfinished
            if each.state is RevocationState.PENDING or each.until <= now
        }
        for role_arn in sorted(due):
            try:
                await self._enforcer.enforce(role_arn)
            except ValetkeyError:
                continue  # kept with the revocations

    async def revocations(self, caller: Caller, org_id: str) -> Sequence[Revocation]:
        """List an organisation's revocations, newest first. Raises NotFound, Denied."""
        await self._require_owner(caller, org_id)
        async with self._storage.read() as work:
            return await work.revocations.of_org(org_id)

    async def by_hand(self, revocation: Revocation) -> HandPolicy:
        """Return what to apply by hand for a revocation that Valetkey may not enforce itself."""
        return await self._enforcer.by_hand(revocation.role_arn)

    async def blocks(self, caller: Caller, org_id: str) -> Sequence[Block]:
        """List who is given no new session. Raises NotFound, Denied."""
        await self._require_owner(caller, org_id)
        async with self._storage.read() as work:
            return await work.blocks.of_org(org_id)

    async def lift(self, caller: Caller, target: Target) -> None:
        """Give new sessions again. Raises NotFound, Denied."""
        await self._guard.require(
            caller, Action.MANAGE_INTEGRATIONS, org_id=target.org_id, subject=target.subject
        )
        async with self._storage.begin() as work:
            if not await work.blocks.lift(target.org_id, target.kind, target.name):
                raise missing(f"block:{target.name}")
            await work.invalidations.publish({blocks_tag(target.org_id)})
            event = self._audit.event(caller, "leases.lift", target.subject, org_id=target.org_id)
            await work.audit.append([event])

    async def _current(self, revocation: Revocation) -> Revocation:
        async with self._storage.read() as work:
            return await work.revocations.get(revocation.id) or revocation

    async def _require_owner(self, caller: Caller, org_id: str) -> None:
        await self._guard.require(
            caller,
            Action.MANAGE_INTEGRATIONS,
            org_id=org_id,
            subject=f"organisation:{org_id}",
        )


def only_org(caller: Caller) -> str:
    """Return the caller's one organisation. Raises InvalidInput when there are several."""
    orgs = sorted(caller.principal.org_roles)
    if not orgs:
        raise Denied("You belong to no organisation.", hint="Ask an owner to add you.")
    if len(orgs) > 1:
        raise InvalidInput(
            "You belong to several organisations.", hint="Say which: org.", field="org"
        )
    return orgs[0]


def _tags(target: Target, leases: Sequence[Lease], *, blocked: bool) -> set[str]:
    """Name what no cache may keep: the sessions of whom and what the leases were for."""
    tags = {blocks_tag(target.org_id)} if blocked else set()
    if target.kind is Kind.INTEGRATION:
        tags.add(integration_tag(target.name))
    elif target.kind is Kind.LOCATION:
        tags.add(location_tag(target.name))
    for lease in leases:
        tags.add(user_tag(lease.user_id) if lease.user_id else location_tag(lease.location_id))
    return tags


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > _MOST_REASON or not reason.isprintable():
        raise InvalidInput(
            "A revocation needs its reason.",
            hint=f"Say why, in one line of at most {_MOST_REASON} characters: it is audited.",
            field="reason",
        )
