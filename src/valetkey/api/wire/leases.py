"""Leases, revocations and blocks."""

from __future__ import annotations

from datetime import datetime

from valetkey.api.wire.base import In, Out, moment, moment_or_none
from valetkey.api.wire.rotation import AdministratorIn
from valetkey.domain.errors import InvalidInput
from valetkey.domain.lease import Lease
from valetkey.domain.revocation import Block, Kind, Revocation
from valetkey.services.revocation.enforcement import HandPolicy


class LeaseOut(Out, frozen=True):
    """A session that was handed out; never its secret. ``state`` is active, expired or revoked."""

    id: str
    org: str
    integration: str
    driver: str
    principal: str
    session_name: str
    access_key_id: str
    role_arn: str
    bucket: str
    prefixes: list[str]
    access: list[str]
    issued_at: str
    expires_at: str
    revoked_at: str | None
    state: str

    @classmethod
    def of(cls, lease: Lease, now: datetime) -> LeaseOut:
        """Return a lease's shape at a moment."""
        over = "expired" if lease.expires_at <= now else "active"
        return cls(
            id=lease.id,
            org=lease.org_id,
            integration=lease.integration_id,
            driver=lease.location_id,
            principal=lease.principal,
            session_name=lease.session_name,
            access_key_id=lease.access_key_id,
            role_arn=lease.role_arn,
            bucket=lease.bucket,
            prefixes=list(lease.prefixes),
            access=sorted(lease.levels),
            issued_at=moment(lease.issued_at),
            expires_at=moment(lease.expires_at),
            revoked_at=moment_or_none(lease.revoked_at),
            state="revoked" if lease.revoked_at else over,
        )


class TargetIn(In, frozen=True, kw_only=True):
    """What is meant: exactly one of a lease, a principal (e-mail address), a driver, an
    integration, a token, a service account. ``org`` is needed by people of several organisations
    who name a principal, a token or a service account."""

    lease: str = ""
    principal: str = ""
    driver: str = ""
    integration: str = ""
    token: str = ""
    service_account: str = ""
    org: str = ""

    def one(self) -> tuple[Kind, str]:
        """Return the one thing that is meant. Raises InvalidInput for none, or several."""
        named = {
            Kind.LEASE: self.lease,
            Kind.PRINCIPAL: self.principal,
            Kind.LOCATION: self.driver,
            Kind.INTEGRATION: self.integration,
            Kind.TOKEN: self.token,
            Kind.SERVICE_ACCOUNT: self.service_account,
        }
        given = [(kind, name) for kind, name in named.items() if name]
        if len(given) != 1:
            raise InvalidInput(
                "Say what is meant: one of lease, principal, driver, integration, token, "
                "serviceAccount.",
                hint="An integration means every session before now.",
            )
        return given[0]


class RevokeIn(TargetIn, frozen=True, kw_only=True):
    """What to call back, and why. ``refuseNew`` gives no new sessions until that is lifted."""

    reason: str
    refuse_new: bool = False
    administrator: AdministratorIn | None = None


class HandPolicyOut(Out, frozen=True):
    """What somebody with the right can apply by hand."""

    name: str
    document: str
    command: str

    @classmethod
    def of(cls, policy: HandPolicy) -> HandPolicyOut:
        """Return its shape."""
        return cls(name=policy.name, document=policy.document, command=policy.command)


class RevocationOut(Out, frozen=True):
    """A revocation on one role. ``widened``: for want of room in the policy it reaches every
    session of the role before its moment. ``byHand`` is there while AWS has not confirmed it."""

    id: str
    kind: str
    target: str
    integration: str
    role_arn: str
    state: str
    reason: str
    actor: str
    created_at: str
    until: str
    widened: bool
    problem: str
    proof: str
    by_hand: HandPolicyOut | None = None

    @classmethod
    def of(cls, revocation: Revocation, by_hand: HandPolicy | None = None) -> RevocationOut:
        """Return a revocation's shape."""
        return cls(
            id=revocation.id,
            kind=revocation.kind.value,
            target=revocation.target,
            integration=revocation.integration_id,
            role_arn=revocation.role_arn,
            state=revocation.state.value,
            reason=revocation.reason,
            actor=revocation.actor,
            created_at=moment(revocation.created_at),
            until=moment(revocation.until),
            widened=revocation.widened,
            problem=revocation.problem,
            proof=revocation.proof,
            by_hand=HandPolicyOut.of(by_hand) if by_hand else None,
        )


class RecallOut(Out, frozen=True):
    """How many leases were revoked, and what became of it on each role. ``others`` are people
    who were vended sessions that the target shared with them: theirs are refused as well."""

    leases: int
    blocked: bool
    revocations: list[RevocationOut]
    others: list[str]


class BlockOut(Out, frozen=True):
    """Who, or through what, is given no new session."""

    kind: str
    target: str
    reason: str
    actor: str
    created_at: str

    @classmethod
    def of(cls, block: Block) -> BlockOut:
        """Return a block's shape."""
        return cls(
            kind=block.kind.value,
            target=block.target,
            reason=block.reason,
            actor=block.actor,
            created_at=moment(block.created_at),
        )
