"""Warrants: a decision that a caller may have a credential, with all that follows from it.

A warrant is a function of the caller's roles, the place and the request; it is kept, so that a
program that asks every minute is not thought about every minute.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from valetkey.domain.access import Action, Decision, Deny, Principal, decide, require
from valetkey.domain.audit import AuditForm
from valetkey.domain.errors import Conflict, Denied
from valetkey.domain.grants import Grant, decide_scope
from valetkey.domain.integration import IntegrationState
from valetkey.domain.revocation import find_block
from valetkey.domain.scope import Scope
from valetkey.domain.session_policy import render
from valetkey.domain.tags import api_key_tag, user_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.caches import Caches, TaggedCache
from valetkey.services.guard import missing
from valetkey.services.vending.orders import Minted, Ready, Vended, VendRequest, scope_of
from valetkey.services.vending.places import Place, Places

_CAPACITY: Final = 10_000
VEND: Final = "credentials.vend"


@dataclass(slots=True)
class Warrant:
    """Yes, and to what. ``holder`` is whom the session is for; None for one that is shared."""

    principal: Principal
    place: Place
    request: VendRequest
    scope: Scope
    policy: str
    reason: str
    key: bytes
    tags: frozenset[str]
    _ready: Ready | None = field(default=None, repr=False)

    @property
    def holder(self) -> Principal | None:
        return None if self.place.location.shared_sessions else self.principal

    @property
    def ttl(self) -> timedelta:
        return self.request.ttl

    def ready(self, minted: Minted) -> Ready:
        """Return what is handed out with a session, and the form of its audit record."""
        if self._ready is None or self._ready.minted is not minted:
            location = self.place.location
            vended = Vended(minted.lease.id, minted.credentials, self.scope, location)
            self._ready = Ready(vended, self._form(minted), minted, self.key)
        return self._ready

    def facts(self) -> dict[str, Any]:
        """What the audit trail tells of what was asked for."""
        facts = {
            "bucket": self.scope.bucket,
            "prefixes": list(self.scope.prefixes),
            "access": sorted(self.scope.levels),
            "ttl": int(self.ttl.total_seconds()),
            "purpose": self.request.purpose,
        }
        extras = {"bare": self.scope.bare, "versions": self.scope.versions}
        return facts | {name: True for name, asked in extras.items() if asked}

    def _form(self, minted: Minted) -> AuditForm:
        return AuditForm(
            org_id=self.place.project.org_id,
            actor=self.principal.email,
            action=VEND,
            outcome="allowed",
            subject=f"location:{self.place.location.id}",
            reason=self.reason,
            details=self.facts()
            | {
                "lease_id": minted.lease.id,
                "access_key_id": minted.credentials.access_key_id,
                "expires_at": minted.expires_at.isoformat(),
            },
        )


class Warrants:
    """Decides, and keeps what was decided until something changes."""

    def __init__(self, places: Places, audit: AuditLog, caches: Caches) -> None:
        self._places = places
        self._audit = audit
        self._caches = caches
        self._kept: TaggedCache[tuple[int, str, VendRequest], Warrant] = TaggedCache(
            caches, capacity=_CAPACITY
        )

    def known(self, principal: Principal, location_id: str, request: VendRequest) -> Warrant | None:
        """Return a warrant that was decided before and still holds, without waiting."""
        # The warrant holds the principal, so its id is not another's while the entry is kept; a
        # principal is read anew whenever a role changes, and brings an id of its own.
        return self._kept.get((id(principal), location_id, request))

    async def get(self, caller: Caller, location_id: str, request: VendRequest) -> Warrant:
        """Return the caller's warrant; a refusal is audited before it is raised.

        Raises NotFound, Denied, InvalidInput (TooLarge for too many prefixes), Conflict
        (integration disabled).
        """
        principal = caller.principal
        known = self.known(principal, location_id, request)
        if known is not None:
            return known
        epoch = self._caches.epoch
        place = await self._places.find(location_id)
        scope = scope_of(place.location, request)
        reason = await self.authorize(caller, place, scope, request.ttl)
        warrant = make_warrant(principal, place, request, scope, reason)
        name = (id(principal), location_id, request)
        self._kept.keep(name, warrant, warrant.tags, read_at=epoch)
        return warrant

    async def authorize(self, caller: Caller, place: Place, scope: Scope, ttl: timedelta) -> str:
        """Return by which right the caller may have a scope: a role, or else grants.

        Raises NotFound to somebody outside the organisation, Denied (audited before) to others.
        """
        subject = f"location:{place.location.id}"
        if place.project.org_id not in caller.principal.org_roles:
            raise missing(subject)
        decision = await self._decide(caller.principal, place, scope, ttl)
        if isinstance(decision, Deny):
            await self._audit.write(
                self._audit.event(
                    caller,
                    VEND,
                    subject,
                    org_id=place.project.org_id,
                    outcome="denied",
                    reason=decision.reason,
                    prefixes=list(scope.prefixes),
                    access=sorted(scope.levels),
                )
            )
        return require(decision).reason

    async def _decide(
        self, principal: Principal, place: Place, scope: Scope, ttl: timedelta
    ) -> Decision:
        location, project = place.location, place.project
        by_role = decide(principal, Action.VEND, org_id=project.org_id, project_id=project.id)
        grants: Sequence[Grant] = ()
        if isinstance(by_role, Deny):
            grants = await self._places.grants(location.id, principal.user_id)
        return decide_scope(by_role, grants, location, scope, ttl)


def make_warrant(
    principal: Principal, place: Place, request: VendRequest, scope: Scope, reason: str
) -> Warrant:
    """Put a warrant together. Raises TooLarge for too many prefixes, Conflict (integration
    disabled)."""
    location, integration = place.location, place.integration
    if integration.state is IntegrationState.DISABLED:
        raise Conflict(
            f"The integration {integration.name!r} is disabled.",
            hint="Ask its owner to enable it again.",
        )
    _require_unblocked(principal, place)
    policy = render(
        scope, partition=integration.role_arn.partition, kms_key_arn=location.kms_key_arn
    )
    tags = place.tags | {user_tag(principal.user_id)}
    if principal.key_id:
        tags |= {api_key_tag(principal.key_id)}
    return Warrant(
        principal=principal,
        place=place,
        request=request,
        scope=scope,
        policy=policy,
        reason=reason,
        key=credential_key(
            integration.id,
            integration.access_key_id,
            integration.role_arn,
            location.id,
            "" if location.shared_sessions else principal.user_id,
            policy,
            request.ttl,
        ),
        tags=tags,
    )


def _require_unblocked(principal: Principal, place: Place) -> None:
    """Raise Denied while an owner has new sessions refused."""
    block = find_block(
        place.blocks,
        principal=principal.email,
        location_id=place.location.id,
        integration_id=place.integration.id,
    )
    if block is not None:
        raise Denied(
            f"No new sessions are given for the {block.kind.value} {block.target}: {block.reason}",
            hint=f"{block.actor} has refused them; an owner can lift it (valetkey leases allow).",
        )


def credential_key(*shaping: object) -> bytes:
    """Return the cache key of a credential: all that shapes it, none of it able to pose as
    another part."""
    digest = hashlib.sha256()
    for part in (str(each).encode() for each in shaping):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
