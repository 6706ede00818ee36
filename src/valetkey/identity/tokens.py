"""API tokens: what programs show. Each carries what its holder may at most, and less if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from valetkey.counting import counted
from valetkey.domain.access import Action, Allow, decide
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.lease import LeaseFilter
from valetkey.domain.names import clean_name
from valetkey.domain.people import ApiToken, TokenForm, User
from valetkey.domain.ports import Clock, Entropy, Storage, TokenClaims, TokenSigner, UnitOfWork
from valetkey.domain.secret import Secret
from valetkey.domain.shown_secrets import SecretKind, make_secret, secret_hash
from valetkey.domain.tags import token_tag
from valetkey.domain.token_limits import UNLIMITED, TokenLimits
from valetkey.identity.authentication import stale
from valetkey.identity.records import require_own
from valetkey.services.access import Access, Home, Noun, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import Ending
from valetkey.services.lookup import missing
from valetkey.services.nouns import ORGANIZATION

CREATE: Final = Verb("token.create", Action.MANAGE_OWN_TOKENS)
READ: Final = Verb("token.read", Action.MANAGE_OWN_TOKENS)
REVOKE: Final = Verb("token.revoke", Action.MANAGE_OWN_TOKENS)
LIST_OF_ORG: Final = Verb("token.list", Action.MANAGE_ORG)
TOKEN_LIFETIME: Final = timedelta(days=90)
LONGEST_TOKEN: Final = timedelta(days=365)
#: How many good tokens a user may have.
_MOST_TOKENS: Final = 100


async def _home(_: UnitOfWork, token: ApiToken) -> Home:
    return Home(token.org_id)


#: Whose it is decides who may read and revoke it: see ``_may_revoke``.
TOKEN: Final[Noun[ApiToken]] = Noun(
    "token", load=lambda work, token_id: work.api_tokens.get(token_id), home=_home
)


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is to be: for how long (90 days unless said), limited to what, in which of the
    caller's organisations (the only one unless said), in which form."""

    description: str
    lifetime: timedelta = TOKEN_LIFETIME
    limits: TokenLimits = UNLIMITED
    org_id: str = ""
    form: TokenForm = TokenForm.OPAQUE

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.lifetime <= LONGEST_TOKEN:
            raise InvalidInput(
                "An API token can't live that long, or that short.",
                hint=f"Let it live at most {LONGEST_TOKEN.days} days.",
                field="days",
            )


class ApiTokens:
    """Making, listing and revoking API tokens."""

    def __init__(
        self,
        storage: Storage,
        tokens: TokenSigner,
        audit: AuditLog,
        clock: Clock,
        entropy: Entropy,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._tokens = tokens
        self._audit = audit
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._clock = clock
        self._entropy = entropy
        self._new_id = new_id

    async def create(self, caller: Caller, new: NewToken) -> tuple[ApiToken, Secret]:
        """Make a token for the caller; it is shown this once.

        Raises Denied (an API token makes no tokens), InvalidInput, Unauthenticated.
        """
        org_id, user_id = _org(caller, new.org_id), caller.principal.user_id
        async with self._access.changing(
            caller, CREATE, ORGANIZATION, org_id, subject=f"user:{user_id}"
        ) as change:
            user = await change.work.users.get(user_id)
            if user is None:
                raise stale("The user of this token no longer exists.")
            return await self.add(change.work, change.caller, user, org_id, new)

    async def add(
        self, work: UnitOfWork, caller: Caller, user: User, org_id: str, new: NewToken
    ) -> tuple[ApiToken, Secret]:
        """Make a token for a user within a transaction, once the right to it was found.

        Raises InvalidInput: also for somebody who is not in the organisation (any more).
        """
        description = clean_name(new.description, field="description")
        # Who is being removed meanwhile must not keep a token that comes back with them.
        await work.lock(ORGANIZATION.name, org_id)
        members = {member.org_id for member in await work.organizations.memberships(user.id)}
        if org_id not in members:
            raise InvalidInput(
                f"{user.email} is not a member of the organisation.", hint="Add them first."
            )
        await self._check_count(work, user)
        await _check_locations(work, org_id, new.limits)
        token, secret = self._make(caller, user, org_id, description, new)
        await work.api_tokens.add(token)
        facts = {"description": token.description, "holder": user.email}
        await self._note(work, caller, "token.create", token, **facts, **limits_facts(token.limits))
        return token, secret

    def _make(
        self, caller: Caller, user: User, org_id: str, description: str, new: NewToken
    ) -> tuple[ApiToken, Secret]:
        now = self._clock.now().replace(microsecond=0)
        token_id, expires_at = self._new_id(), now + new.lifetime
        if new.form is TokenForm.JWT:
            claims = TokenClaims(user.id, user.email, token_id, now, expires_at, now)
            secret, digest = self._tokens.issue(claims), None
        else:
            secret = make_secret(SecretKind.TOKEN, self._entropy)
            digest = secret_hash(secret.reveal())
        token = ApiToken(
            token_id,
            user.id,
            org_id,
            caller.principal.email,
            description,
            new.form,
            digest,
            now,
            expires_at,
            new.limits,
        )
        return token, secret

    async def _check_count(self, work: UnitOfWork, user: User) -> None:
        now = self._clock.now()
        tokens = await work.api_tokens.of_user(user.id)
        good = [token for token in tokens if is_good(token, now)]
        if len(good) >= _MOST_TOKENS:
            raise InvalidInput(
                f"{user.email} has {counted(len(good), 'API token')}, and more are not made.",
                hint="Revoke some that are not used.",
            )

    async def own(self, caller: Caller) -> Sequence[ApiToken]:
        """List the caller's tokens, newest first. Raises Denied to an API token."""
        await require_own(self._audit, caller, Action.MANAGE_OWN_TOKENS, "token.list")
        async with self._storage.read() as work:
            tokens = await work.api_tokens.of_user(caller.principal.user_id)
        return list(reversed(tokens))

    async def of_org(
        self, caller: Caller, org_id: str, *, after: str = "", limit: int | None = None
    ) -> Sequence[tuple[ApiToken, str]]:
        """List all tokens of an organisation with their holders' addresses, newest first.

        Raises NotFound, Denied.
        """
        async with self._access.reading(caller, LIST_OF_ORG, ORGANIZATION, org_id) as read:
            work = read.work
            tokens = await work.api_tokens.of_org(org_id, after=after, limit=limit)
            holders = dict.fromkeys({token.user_id for token in tokens}, "")
            for user_id in holders:
                user = await work.users.get(user_id)
                holders[user_id] = user.email if user else ""
        return [(token, holders[token.user_id]) for token in tokens]

    async def get(self, caller: Caller, token_id: str) -> tuple[ApiToken, str]:
        """Return a token that the caller may revoke, with its holder's address.

        Raises NotFound, Denied (to an API token)."""
        async with self._access.reading(caller, READ, TOKEN, token_id) as read:
            token, work = read.entity, read.work
            if not await _may_revoke(work, caller, token):
                raise missing(f"token:{token_id[:80]}")
            holder = await work.users.get(token.user_id)
        return token, holder.email if holder else ""

    async def revoke(self, caller: Caller, token_id: str) -> Ending:
        """End a token at once: one's own, a service account's as an owner of its project, any of
        the organisation as its owner. Return which leases were vended with it, and are live.

        Raises NotFound, Denied (an API token revokes none)."""
        async with self._access.changing(caller, REVOKE, TOKEN, token_id) as change:
            token, work = change.entity, change.work
            if not await _may_revoke(work, change.caller, token):
                raise missing(f"token:{token_id[:80]}")
            await self.end(work, change.caller, token)
            with_it = LeaseFilter(token.org_id, token_id=token.id, live_at=self._clock.now())
            return Ending(await work.leases.count(with_it))

    async def end(self, work: UnitOfWork, caller: Caller, token: ApiToken) -> bool:
        """Revoke a token within a transaction; tell whether it was good by then."""
        if not await work.api_tokens.revoke(token.id, self._clock.now()):
            return False
        await work.invalidations.publish([token_tag(token.id)])
        await self._note(work, caller, "token.revoke", token, description=token.description)
        return True

    async def _note(
        self, work: UnitOfWork, caller: Caller, action: str, token: ApiToken, **facts: Any
    ) -> None:
        event = self._audit.event(caller, action, f"token:{token.id}", org_id=token.org_id, **facts)
        await work.audit.append([event])


def lifetime_of(days: int) -> timedelta:
    """Read a lifetime in days. Raises InvalidInput outside 1 to 365."""
    if not 1 <= days <= LONGEST_TOKEN.days:
        raise InvalidInput(
            f"An API token can't live {counted(days, 'day')}.",
            hint=f"Use 1 to {LONGEST_TOKEN.days}.",
            field="days",
        )
    return timedelta(days=days)


def is_good(token: ApiToken, now: datetime) -> bool:
    """Tell whether a token was neither revoked nor has expired."""
    return token.revoked_at is None and token.expires_at > now


def limits_facts(limits: TokenLimits) -> dict[str, Any]:
    """Return a token's limits as the audit trail tells them."""
    facts: dict[str, Any] = {}
    if limits.locations is not None:
        facts["locations"] = sorted(limits.locations)
    if limits.prefixes is not None:
        facts["prefixes"] = list(limits.prefixes)
    if limits.levels is not None:
        facts["access"] = sorted(limits.levels)
    if limits.max_ttl is not None:
        facts["max_ttl"] = int(limits.max_ttl.total_seconds())
    if limits.networks is not None:
        facts["networks"] = list(limits.networks)
    return facts


def _org(caller: Caller, org_id: str) -> str:
    orgs = sorted(caller.principal.org_roles)
    if org_id:
        if org_id not in orgs:
            raise missing(f"organisation:{org_id[:80]}")
        return org_id
    if len(orgs) != 1:
        raise InvalidInput(
            f"An API token is of one organisation, and you belong to {len(orgs)}.",
            hint="Name the organisation." if orgs else "Ask an owner to add you.",
            field="orgId",
        )
    return orgs[0]


async def _check_locations(work: UnitOfWork, org_id: str, limits: TokenLimits) -> None:
    for location_id in sorted(limits.locations or ()):
        location = await work.locations.get(location_id) if is_id(location_id) else None
        project = await work.projects.get(location.project_id) if location else None
        if project is None or project.org_id != org_id:
            raise InvalidInput(
                f"There is no location {location_id[:80]!r} in the organisation.",
                hint="List the locations.",
                field="locations",
            )


async def _may_revoke(work: UnitOfWork, caller: Caller, token: ApiToken) -> bool:
    """Tell whether a token is the caller's own, or of somebody whom the caller manages."""
    principal = caller.principal
    if token.user_id == principal.user_id:
        return True
    if token.org_id not in principal.org_roles:
        return False
    ways = [decide(principal, Action.MANAGE_ORG, org_id=token.org_id)]
    holder = await work.users.get(token.user_id)
    if holder is not None and holder.project_id:
        ways.append(
            decide(
                principal,
                Action.MANAGE_PROJECT,
                org_id=token.org_id,
                project_id=holder.project_id,
            )
        )
    return any(isinstance(way, Allow) for way in ways)
