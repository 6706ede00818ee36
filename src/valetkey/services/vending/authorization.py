"""May a caller have a credential, and what follows from that.

An :class:`Authorization` is a function of the caller's roles, what is known of the location, and
the request; it is kept, so that a program that asks every minute is not thought about every
minute.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from valetkey.domain.access import Action, Allow, Decision, Deny, Principal, decide, require
from valetkey.domain.credentials import DEFAULT_TTL
from valetkey.domain.errors import BeingRevoked, Conflict, Denied, InvalidInput
from valetkey.domain.grants import Grant, decide_scope
from valetkey.domain.integration import IntegrationState
from valetkey.domain.location import Location
from valetkey.domain.names import MAX_REASON, is_line
from valetkey.domain.ports import Clock
from valetkey.domain.revocation import Kind, find_block, find_hold
from valetkey.domain.scope import AccessLevel, Extra, Scope
from valetkey.domain.session_policy import render
from valetkey.domain.tags import token_tag, user_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.caches import Caches, TaggedCache
from valetkey.services.lookup import missing
from valetkey.services.vending.issuing import SessionSpec
from valetkey.services.vending.location_context import LocationContext, LocationContexts

_CAPACITY: Final = 10_000
VEND: Final = "credentials.vend"
#: So much less than what was asked for is not worth a word.
_UNNOTICED: Final = timedelta(minutes=1)
_LIKE_AN_OBJECT: Final = re.compile(r"[^/]\.[A-Za-z][A-Za-z0-9]{0,7}$")


@dataclass(frozen=True, slots=True)
class VendRequest:
    """What is wanted: folders below the location's own (``""`` is all of it), levels, time to live
    (None: the longest that is allowed, and at most an hour).

    No folder at all is refused: absence is never everything. ``purpose`` is a sentence for the
    audit trail; ``bare``, ``versions`` and ``extras`` are those of a Scope. At least ``min_ttl``
    is left of what is handed out, where the right to it lasts that long.
    """

    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    ttl: timedelta | None = None
    purpose: str = ""
    bare: bool = False
    versions: bool = False
    extras: frozenset[Extra] = frozenset()
    min_ttl: timedelta = timedelta()
    #: Worked out once: requests are looked up far more often than made.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_purpose(self.purpose)
        if self.min_ttl > (self.ttl or DEFAULT_TTL):
            raise InvalidInput(
                "More time is to be left than a credential is asked for.",
                hint="Ask for a longer one, or for less to be left.",
                field="minTtlSeconds",
            )
        what = (self.prefixes, self.levels, self.purpose, self.bare, self.versions, self.extras)
        object.__setattr__(self, "_hash", hash((what, self.ttl, self.min_ttl)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Authorization:
    """Yes, by which right (``reason``), and to which session. ``key`` is the session's in the
    cache, ``session_tags`` name what it depends on, ``tags`` what all of this does."""

    principal: Principal
    request: VendRequest
    reason: str
    spec: SessionSpec
    key: bytes
    session_tags: frozenset[str]
    tags: frozenset[str]

    @property
    def context(self) -> LocationContext:
        return self.spec.context

    @property
    def scope(self) -> Scope:
        return self.spec.scope

    def least(self, now: datetime) -> timedelta:
        """Return how much must be left of a session, as far as the right to it lasts."""
        until, least = self.spec.until, min(self.request.min_ttl, self.spec.ttl)
        return least if until is None else min(least, until - now)

    def facts(self) -> dict[str, Any]:
        """What the audit trail tells of what was asked for."""
        facts = {
            "bucket": self.scope.bucket,
            "prefixes": list(self.scope.prefixes),
            "access": sorted(self.scope.levels),
            "ttl": int(self.spec.ttl.total_seconds()),
            "purpose": self.request.purpose,
        }
        scope = self.scope
        options = {"bare": scope.bare, "versions": scope.versions}
        options |= {extra.value: extra in scope.extras for extra in Extra}
        facts |= {name: True for name, asked in options.items() if asked}
        token_id = self.principal.token_id
        return facts | ({"token_id": token_id} if token_id else {})


class Authorizer:
    """Decides, and keeps what was decided until something changes."""

    def __init__(
        self, contexts: LocationContexts, audit: AuditLog, caches: Caches, clock: Clock
    ) -> None:
        self._contexts = contexts
        self._audit = audit
        self._caches = caches
        self._clock = clock
        self._kept: TaggedCache[tuple[int, str, VendRequest], Authorization] = TaggedCache(
            caches, capacity=_CAPACITY
        )

    def known(
        self, principal: Principal, location_id: str, request: VendRequest
    ) -> Authorization | None:
        """Return what was decided before and still holds, without waiting."""
        # It holds the principal, whose id is therefore not another's while the entry is kept; a
        # principal is read anew whenever a role changes, and brings an id of its own.
        kept = self._kept.get((id(principal), location_id, request))
        until = kept.spec.until if kept is not None else None
        return kept if until is None or self._clock.now() < until else None

    async def get(self, caller: Caller, location_id: str, request: VendRequest) -> Authorization:
        """Return the caller's authorization; a refusal is audited before it is raised.

        Raises NotFound, Denied, InvalidInput (TooLarge for too many prefixes), Conflict
        (integration disabled).
        """
        principal = caller.principal
        known = self.known(principal, location_id, request)
        if known is not None:
            return known
        epoch = self._caches.epoch
        context = await self._contexts.find(location_id)
        scope = scope_of(context.location, request)
        right = await self._require(caller, context, scope, request.ttl or timedelta())
        now = self._clock.now()
        authorization = authorize(principal, context, request, scope, right, now)
        name = (id(principal), location_id, request)
        self._kept.keep(name, authorization, authorization.tags, read_at=epoch)
        return authorization

    async def _require(
        self, caller: Caller, context: LocationContext, scope: Scope, ttl: timedelta
    ) -> Allow:
        """Return by which right the caller may have a scope: a role, or else grants.

        Raises NotFound to somebody outside the organisation, Denied (audited before) to others.
        """
        subject = f"location:{context.location.id}"
        if context.project.org_id not in caller.principal.org_roles:
            raise missing(subject)
        decision = await self._decide(caller.principal, context, scope, ttl)
        if isinstance(decision, Deny):
            await self._audit.write(
                self._audit.event(
                    caller,
                    VEND,
                    subject,
                    org_id=context.project.org_id,
                    outcome="denied",
                    reason=decision.reason,
                    prefixes=list(scope.prefixes),
                    access=sorted(scope.levels),
                )
            )
        return require(decision)

    async def _decide(
        self, principal: Principal, context: LocationContext, scope: Scope, ttl: timedelta
    ) -> Decision:
        location, project = context.location, context.project
        by_role = decide(principal, Action.VEND, org_id=project.org_id, project_id=project.id)
        grants: Sequence[Grant] = ()
        if isinstance(by_role, Deny):
            grants = await self._contexts.grants(location.id, principal.user_id)
        decision = decide_scope(by_role, grants, context.chain, scope, ttl, self._clock.now())
        if isinstance(decision, Deny):
            return decision
        carried = principal.limits.decide(context.chain, scope, ttl)
        if isinstance(carried, Deny):
            return carried
        return replace(decision, longest=min(decision.longest, carried.longest))


def authorize(
    principal: Principal,
    context: LocationContext,
    request: VendRequest,
    scope: Scope,
    right: Allow,
    now: datetime,
) -> Authorization:
    """Put an authorization together, once the right to it was found.

    Raises TooLarge for too many prefixes, Conflict (integration disabled), Denied (blocked),
    BeingRevoked.
    """
    location, integration = context.location, context.integration
    if integration.state is IntegrationState.DISABLED:
        raise Conflict(
            f"The integration {integration.name!r} is disabled.",
            hint="Ask its owner to enable it again.",
            code="integration_disabled",
        )
    _require_unblocked(principal, context, now)
    policy = render(
        scope, partition=integration.role_arn.partition, kms_key_arn=location.kms_key_arn
    )
    own = {user_tag(principal.user_id)}
    if principal.token_id:
        own.add(token_tag(principal.token_id))
    holder = None if location.shared_sessions else principal
    ends = [end for end in (right.until, principal.ends_at) if end is not None]
    ttl = request.ttl or min(DEFAULT_TTL, right.longest)
    spec = SessionSpec(context, holder, scope, policy, ttl, min(ends, default=None))
    session_tags = context.session_tags | (own if holder else set())
    return Authorization(
        principal, request, right.reason, spec, spec.key(), session_tags, context.tags | own
    )


def _require_unblocked(principal: Principal, context: LocationContext, now: datetime) -> None:
    """Raise Denied while an owner has new sessions refused, BeingRevoked while a revocation of
    such sessions is carried out."""
    about = {
        (Kind.PRINCIPAL, principal.email),
        (Kind.SERVICE_ACCOUNT, principal.user_id),
        (Kind.TOKEN, principal.token_id),
        *((Kind.LOCATION, each.id) for each in context.chain),
        (Kind.INTEGRATION, context.integration.id),
    }
    if find_hold(context.holds, about, now) is not None:
        raise BeingRevoked(
            "Sessions like this one are being revoked at this moment, so none is given.",
            hint="Ask again in some seconds, when that is done.",
        )
    block = find_block(context.blocks, about)
    if block is not None:
        raise Denied(
            f"No new sessions are given for the {block.kind.value} {block.target}: {block.reason}",
            hint=f"{block.actor} blocked them; an owner can unblock (valetkey blocks delete).",
        )


def scope_of(location: Location, request: VendRequest) -> Scope:
    """Return the scope of folders below a location's own.

    Raises InvalidInput for an unusable folder (none can lead outside) and for none at all.
    """
    full = tuple(location.full_prefix(prefix) for prefix in request.prefixes)
    return Scope(
        location.bucket,
        full,
        request.levels,
        bare=request.bare,
        versions=request.versions,
        extras=request.extras,
    )


def warnings_of(found: Authorization, ends_at: datetime, now: datetime) -> tuple[str, ...]:
    """Say what of a credential may surprise whoever asked for it, in sentences."""
    told = [warning for each in found.request.prefixes if (warning := _surprise(each))]
    if ends_at - now < found.spec.ttl - _UNNOTICED:
        told.append(
            f"It ends at {ends_at:%Y-%m-%dT%H:%M:%SZ}, which is sooner than was asked for: it is "
            "shared with earlier requests, or your right ends then. Ask with minTtlSeconds for "
            "one that lasts longer."
        )
    return tuple(told)


def _surprise(prefix: str) -> str:
    folder = f"{prefix.strip('/')}/"
    if any(letter in prefix for letter in "*?["):
        return (
            f"The prefix {prefix[:200]!r} is taken letter by letter: it opens the folder "
            f"{folder[:200]!r} and what is below, and matches nothing else."
        )
    if _LIKE_AN_OBJECT.search(prefix):
        return (
            f"The prefix {prefix[:200]!r} looks like an object's name: it opens the folder "
            f"{folder[:200]!r}, and no object of that name. Ask for the folder that holds it, or "
            "presign it."
        )
    return ""


def check_purpose(text: str) -> None:
    """Raise InvalidInput for a purpose that is too long or has control characters."""
    if not is_line(text):
        raise InvalidInput(
            "The purpose is not one line of ordinary text.",
            hint=f"Say why in at most {MAX_REASON} printable characters.",
            field="purpose",
        )
