"""Leases: list them, and revoke them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Final

from valetkey.domain.access import Action, Deny, OrgRole, decide
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import Denied, InvalidInput
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.lease import Lease, LeaseFilter
from valetkey.domain.names import MAX_REASON, is_line
from valetkey.domain.ports import Clock, ObjectStore, RolePolicies, Sealer, Storage, Sts, UnitOfWork
from valetkey.domain.revocation import MOST_NAMES, Kind, Revocation, RevocationState
from valetkey.domain.tags import location_tag, user_tag
from valetkey.services.access import Access, Change, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import RevocationResult
from valetkey.services.lookup import load_project, missing
from valetkey.services.nouns import LEASE, ORGANIZATION
from valetkey.services.revocation.enforcement import Enforcer, HandPolicy
from valetkey.services.revocation.proof import DenialProver
from valetkey.services.revocation.revoking import ClaimedSessions, Revoker
from valetkey.services.revocation.targets import Target, own_tags
from valetkey.services.work import WorkLocks

FIND: Final = Verb("lease.list", Action.READ_ORG)
READ: Final = Verb("lease.read", Action.READ_ORG)
REVOKE: Final = Verb("leases.revoke", Action.MANAGE_INTEGRATIONS)
LIST_REVOCATIONS: Final = Verb("revocation.list", Action.MANAGE_INTEGRATIONS)


_NO_ROOM: Final = (
    f"Of more than {MOST_NAMES} leases, and of fewer where much of the role is revoked already, "
    "every session of the role has to be revoked, whoever holds it."
)
_AN_OWNERS: Final = "That is an owner's of the organisation to do."
_NOT_YET: Final = (
    "AWS has not confirmed it yet; it is tried again. An owner of the organisation sees why."
)


class Leases:
    """Sessions that were vended. An owner sees and revokes all; others see their own."""

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
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._audit = audit
        self._clock = clock
        self.policies = policies
        locks = WorkLocks(storage, clock, new_id)
        self._enforcer = Enforcer(storage, sealer, policies, audit, locks, clock)
        prover = DenialProver(storage, self._enforcer, sts, stores, clock)
        self._revoker = Revoker(storage, self._enforcer, prover, audit, clock, new_id)

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
        """List leases, newest first; somebody who is not an owner sees those that they hold.

        ``active`` are those that AWS does not refuse yet. Raises NotFound, Denied.
        """
        owner = caller.principal.org_roles.get(org_id) is OrgRole.OWNER
        wanted = LeaseFilter(
            org_id,
            location_id=location_id,
            integration_id=integration_id,
            principal=principal,
            user_id="" if owner else caller.principal.user_id,
            live_at=self._clock.now() if active else None,
        )
        async with self._access.reading(caller, FIND, ORGANIZATION, org_id) as read:
            return await read.work.leases.find(wanted, after=after, limit=limit)

    async def get(self, caller: Caller, lease_id: str) -> Lease:
        """Return a lease; somebody who is not an owner sees their own. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, LEASE, lease_id) as read:
            lease = read.entity
        owner = caller.principal.org_roles.get(lease.org_id) is OrgRole.OWNER
        if not owner and lease.user_id != caller.principal.user_id:
            raise missing(f"lease:{lease_id}")
        return lease

    async def target(self, caller: Caller, kind: Kind, name: str, org_id: str = "") -> Target:
        """Find what is meant, in which organisation. Raises NotFound (also of what is another
        organisation's), InvalidInput."""
        if kind is Kind.PRINCIPAL:
            return await self._person(name.strip().lower(), org_id or only_org(caller))
        if not is_id(name):
            raise missing(f"{kind.value}:{name[:80]}")
        async with self._storage.read() as work:
            if kind is Kind.LEASE:
                lease = await work.leases.get(name)
                found, tags = (lease.org_id, _tags_of(lease)) if lease else ("", frozenset[str]())
            else:
                found = await self._org_of(work, caller, kind, name, org_id)
                tags = own_tags(kind, name)
        if found not in caller.principal.org_roles:
            raise missing(f"{kind.value}:{name}")
        return Target(kind, name, found, tags)

    async def _person(self, email: str, org_id: str) -> Target:
        async with self._storage.read() as work:
            user = await work.users.by_email(email)
        kind = Kind.PRINCIPAL
        return Target(kind, email, org_id, own_tags(kind, email, user.id if user else ""))

    async def _org_of(
        self, work: UnitOfWork, caller: Caller, kind: Kind, name: str, org_id: str
    ) -> str:
        """Return whose a thing is, or was: leases outlive what they were given for."""
        if kind is Kind.LOCATION and (location := await work.locations.get(name)) is not None:
            return (await load_project(work, location.project_id)).org_id
        if kind is Kind.INTEGRATION:
            integration = await work.integrations.get(name)
            if integration is not None:
                return integration.org_id
        for known in [org_id] if org_id else sorted(caller.principal.org_roles):
            gone = Target(kind, name, known).filter()
            if await work.leases.find(gone, limit=1):
                return known
        if kind in {Kind.TOKEN, Kind.SERVICE_ACCOUNT}:
            return org_id or only_org(caller)  # it may be about to get its first session
        raise missing(f"{kind.value}:{name}")

    async def revoke(
        self,
        caller: Caller,
        target: Target,
        *,
        reason: str,
        refuse_new: bool = False,
        administrator: AwsCredentials | None = None,
    ) -> RevocationResult:
        """Revoke sessions, and with ``refuse_new`` give no new ones until that is undone.

        While this goes on, no new ones are given either. When a revocation of the answer is
        ``enforced`` and proven, no credential works any more that could have left before. What AWS
        could not be told yet stays ``pending``, says so, and is tried again. Raises NotFound,
        Denied, InvalidInput, StorageUnavailable.
        """
        _check_reason(reason)
        # The right is looked at once: what is begun here is carried out.
        await self._access.require(
            caller, REVOKE, ORGANIZATION, target.org_id, subject=target.subject
        )
        if refuse_new and target.kind is Kind.LEASE:
            raise InvalidInput(
                "A lease is one session: there are no new ones of it to refuse.",
                hint="Refuse its principal or its location.",
                field="refuseNew",
            )
        return await self._revoker.revoke(
            caller, target, reason, refuse_new=refuse_new, administrator=administrator
        )

    def held(self, target: Target) -> AbstractAsyncContextManager[None]:
        """Have no new session given to a target that the caller may end, while inside and until
        the request was answered."""
        return self._revoker.held(target)

    async def claim(
        self, change: Change[Any, UnitOfWork], target: Target, reason: str
    ) -> ClaimedSessions:
        """Claim, within a change that ends them and while they are :meth:`held`, the sessions of a
        target; :meth:`finish` is to follow. Raises Denied where that is an owner's of the
        organisation to do: it would end others' sessions of a role, or leave them no room in its
        policy."""
        return await self._revoker.claim(
            change.work,
            change.caller,
            target,
            reason,
            no_room=lambda: change.require(Action.MANAGE_INTEGRATIONS, _NO_ROOM),
        )

    async def finish(self, caller: Caller, claims: ClaimedSessions) -> RevocationResult:
        """Deny at AWS what was claimed. Who does not manage integrations is not told what else is
        revoked of the role. Raises StorageUnavailable."""
        result = await self._revoker.finish(claims)
        return result if _manages(caller, claims.target.org_id) else _in_short(result)

    async def carry_out(self, caller: Caller, target: Target, reason: str) -> RevocationResult:
        """Revoke what the caller has ended by another verb: a member's leaving, a service account's
        deletion. Raises as :meth:`claim`, and StorageUnavailable."""

        def no_room() -> None:
            if not _manages(caller, target.org_id):
                raise Denied(f"{_NO_ROOM} {_AN_OWNERS}", hint="Ask an owner of the organisation.")

        try:
            result = await self._revoker.revoke(caller, target, reason, no_room=no_room)
        except Denied as refusal:
            event = self._audit.event(
                caller,
                REVOKE.name,
                target.subject,
                org_id=target.org_id,
                outcome="denied",
                reason=refusal.message,
            )
            await self._audit.write(event)
            raise
        return result if _manages(caller, target.org_id) else _in_short(result)

    async def resume(self) -> None:
        """Try again what is pending, see that what is enforced still stands at AWS, and take out
        what is over."""
        await self._enforcer.resume()

    async def revocations(self, caller: Caller, org_id: str) -> Sequence[Revocation]:
        """List an organisation's revocations, newest first. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST_REVOCATIONS, ORGANIZATION, org_id) as read:
            return await read.work.revocations.of_org(org_id)

    async def by_hand(self, caller: Caller, revocation: Revocation) -> HandPolicy | None:
        """Return what to apply by hand for a revocation that is pending, to whoever manages
        integrations: it names all that is revoked of the role."""
        is_pending = revocation.state is RevocationState.PENDING
        if not is_pending or not _manages(caller, revocation.org_id):
            return None
        return await self._enforcer.by_hand(revocation.role_arn)

    async def revocation(self, caller: Caller, org_id: str, revocation_id: str) -> Revocation:
        """Return one revocation. Raises NotFound, Denied."""
        async with self._access.reading(caller, LIST_REVOCATIONS, ORGANIZATION, org_id) as read:
            revocations = read.work.revocations
            found = await revocations.get(revocation_id) if is_id(revocation_id) else None
        if found is None or found.org_id != org_id:
            raise missing(f"revocation:{revocation_id[:80]}")
        return found


def _tags_of(lease: Lease) -> frozenset[str]:
    """Return the tags of the caches that may keep a lease's session."""
    tag = user_tag(lease.user_id) if lease.user_id else location_tag(lease.location_id)
    return frozenset({tag})


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


def _manages(caller: Caller, org_id: str) -> bool:
    decision = decide(caller.principal, Action.MANAGE_INTEGRATIONS, org_id=org_id)
    return not isinstance(decision, Deny)


def _in_short(result: RevocationResult) -> RevocationResult:
    """Leave out who else is revoked, or shared a session: what is the matter may name them."""
    short = [replace(each, problem=each.problem and _NOT_YET) for each in result.revocations]
    return replace(result, revocations=short, others=())


def _check_reason(reason: str) -> None:
    if not reason.strip() or not is_line(reason):
        raise InvalidInput(
            "A revocation needs its reason.",
            hint=f"Say why, in one line of at most {MAX_REASON} characters: it is audited.",
            field="reason",
        )
