"""Who people are: first start, login, tokens and API keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.access import OrgRole, Principal, ProjectRole
from valetkey.domain.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from valetkey.domain.ids import IdFactory, is_id
from valetkey.domain.names import clean_name
from valetkey.domain.people import (
    ApiKey,
    Organization,
    OrgMember,
    Project,
    ProjectMember,
    User,
    check_password,
    parse_email,
)
from valetkey.domain.ports import (
    Clock,
    Entropy,
    Installation,
    Passwords,
    Sealer,
    Storage,
    TokenClaims,
    Tokens,
    UnitOfWork,
)
from valetkey.domain.sealing import SealContext
from valetkey.domain.secret import Secret
from valetkey.domain.tags import api_key_tag, user_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.throttle import Throttle

LOGIN_LIFETIME: Final = timedelta(hours=12)
#: A login can be refreshed for this long; then the password is asked for again.
LONGEST_LOGIN: Final = timedelta(days=7)
API_KEY_LIFETIME: Final = timedelta(days=365)
_MAX_KEY_DAYS: Final = 3650
FIRST_PROJECT: Final = "default"


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """What the first start made."""

    installation_id: str
    organization: Organization
    project: Project
    user: User


@dataclass(frozen=True, slots=True)
class Login:
    """A token and its end."""

    token: Secret
    claims: TokenClaims


def token_key_context(installation_id: str) -> SealContext:
    """Return where the token-signing key belongs."""
    return SealContext(installation_id, installation_id, "token_key")


async def initialize(
    storage: Storage,
    sealer: Sealer,
    passwords: Passwords,
    clock: Clock,
    entropy: Entropy,
    new_id: IdFactory,
    *,
    organization: str,
    email: str,
    password: Secret,
) -> FirstOwner:
    """Make the installation, its organisation, the owner and a first project, all or nothing.

    Raises Conflict when the database already has an installation, InvalidInput.
    """
    org_name, email = clean_name(organization), parse_email(email)
    check_password(password.reveal())
    password_hash = await passwords.hash(password)
    now, installation_id = clock.now(), new_id()
    token_key = Secret(entropy.token_bytes(32).hex())
    sealed = await sealer.seal(token_key, token_key_context(installation_id))
    org = Organization(new_id(), org_name, now)
    user = User(new_id(), email, password_hash, now, sign_in_since=now)
    project = Project(new_id(), org.id, FIRST_PROJECT, email, now, now)
    async with storage.begin() as work:
        if await work.installations.get() is not None:
            raise Conflict(
                "This database already has an organisation and its owner.",
                hint="Log in; or choose another database in the settings.",
            )
        await work.installations.add(Installation(installation_id, now, sealed))
        await work.users.add(user)
        await work.organizations.add(org)
        await work.organizations.put_member(OrgMember(org.id, user.id, email, OrgRole.OWNER))
        await work.projects.add(project)
        await work.projects.put_member(ProjectMember(project.id, user.id, email, ProjectRole.OWNER))
    return FirstOwner(installation_id, org, project, user)


class Accounts:
    """Login and API keys."""

    def __init__(
        self,
        storage: Storage,
        passwords: Passwords,
        tokens: Tokens,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._tokens = tokens
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._throttle = Throttle(clock)

    async def login(self, email: str, password: Secret, *, source: str = "") -> Login:
        """Exchange a password for a token; ``source`` is the network address of who asks.

        Raises Unauthenticated, the same and after the same time whether the person or the
        password is wrong; TooManyRequests after too many failures.
        """
        address = email.strip().lower()
        names = (f"email {address}", f"source {source}" if source else "")
        self._throttle.check(*names)
        async with self._storage.read() as work:
            user = await work.users.by_email(address)
        if not await self._passwords.matches(password, user.password_hash if user else None):
            user = None
        if user is None:
            self._throttle.failed(*names)
            raise Unauthenticated(
                "The e-mail address or the password is wrong.", hint="Check both, and try again."
            )
        self._throttle.succeeded(*names)
        return self._issue(user, key_id="", lifetime=LOGIN_LIFETIME)

    async def refresh(self, token: Secret) -> Login:
        """Exchange a login's token that is still good for a later one.

        Raises Unauthenticated: also for an API key, and a week after the password was given.
        """
        principal = await self.authenticate(token.reveal())
        claims = self._tokens.read(token.reveal(), now=self._clock.now())
        if principal.key_id:
            raise _stale("An API key is not refreshed.")
        if self._clock.now() - claims.logged_in_at > LONGEST_LOGIN:
            raise _stale("The password was given too long ago.")
        async with self._storage.read() as work:
            user = await work.users.get(claims.user_id)
        if user is None:
            raise _stale("The user of this token no longer exists.")
        return self._issue(
            user, key_id="", lifetime=LOGIN_LIFETIME, logged_in_at=claims.logged_in_at
        )

    async def authenticate(self, token: str) -> Principal:
        """Return who a token belongs to, with the roles of this moment.

        Raises Unauthenticated: bad or expired token, revoked key, or a user who is gone.
        """
        claims = self._tokens.read(token, now=self._clock.now())
        return await self._principal(claims.user_id, claims.key_id, claims.logged_in_at)

    async def again(self, principal: Principal) -> Principal:
        """Return the same principal with the roles of this moment.

        Raises Unauthenticated when the key was revoked, the login ended, or the user is gone.
        """
        return await self._principal(principal.user_id, principal.key_id, principal.logged_in_at)

    async def _principal(
        self, user_id: str, key_id: str, logged_in_at: datetime | None
    ) -> Principal:
        async with self._storage.read() as work:
            user = await work.users.get(user_id)
            if user is None:
                raise _stale("The user of this token no longer exists.")
            if key_id:
                await self._check_key(work, key_id, user_id)
            elif logged_in_at is None or logged_in_at < user.sign_in_since:
                raise _stale("This login was ended.")
            return Principal(
                user_id=user.id,
                email=user.email,
                key_id=key_id,
                logged_in_at=None if key_id else logged_in_at,
                org_roles={
                    member.org_id: member.role
                    for member in await work.organizations.memberships(user.id)
                },
                project_roles={
                    member.project_id: member.role
                    for member in await work.projects.memberships(user.id)
                },
            )

    async def _check_key(self, work: UnitOfWork, key_id: str, user_id: str) -> None:
        key = await work.api_keys.get(key_id)
        if key is None or key.user_id != user_id:
            raise _stale("This API key is not known here.")
        if key.revoked_at is not None:
            raise _stale("This API key was revoked.")

    async def change_password(self, caller: Caller, old: Secret, new: Secret) -> Login:
        """Replace the caller's password; all earlier logins end, and a new one is returned.

        Raises Unauthenticated for a wrong old password, TooManyRequests, InvalidInput.
        """
        check_password(new.reveal())
        principal = caller.principal
        name = f"user {principal.user_id}"
        self._throttle.check(name)
        async with self._storage.read() as work:
            user = await work.users.get(principal.user_id)
        if user is None or not await self._passwords.matches(old, user.password_hash):
            self._throttle.failed(name)
            raise Unauthenticated("The old password is wrong.", hint="Check it, and try again.")
        self._throttle.succeeded(name)
        password_hash = await self._passwords.hash(new)
        return await self._restart(caller, replace(user, password_hash=password_hash))

    async def sign_out_everywhere(self, caller: Caller) -> Login:
        """End all of the caller's logins but the new one that is returned; API keys stay."""
        async with self._storage.read() as work:
            user = await work.users.get(caller.principal.user_id)
        if user is None:
            raise _stale("The user of this token no longer exists.")
        return await self._restart(caller, user)

    async def _restart(self, caller: Caller, user: User) -> Login:
        user = replace(user, sign_in_since=self._clock.now())
        org_id = next(iter(caller.principal.org_roles), "")
        event = self._audit.event(caller, "user.sign_in_anew", f"user:{user.id}", org_id=org_id)
        async with self._storage.begin() as work:
            await work.users.save(user)
            await work.invalidations.publish([user_tag(user.id)])
            await work.audit.append([event])
        return self._issue(
            user, key_id="", lifetime=LOGIN_LIFETIME, logged_in_at=user.sign_in_since
        )

    async def create_api_key(
        self, caller: Caller, description: str, *, days: int | None = None
    ) -> tuple[ApiKey, Secret]:
        """Make an API key for the caller; the JWT is shown this once. Raises InvalidInput."""
        if days is not None and not 1 <= days <= _MAX_KEY_DAYS:
            raise InvalidInput(
                f"An API key can't live {days} days.",
                hint=f"Use 1 to {_MAX_KEY_DAYS}.",
                field="days",
            )
        lifetime = API_KEY_LIFETIME if days is None else timedelta(days=days)
        label = clean_name(description, field="description")
        key_id = self._new_id()
        async with self._storage.begin() as work:
            user = await work.users.get(caller.principal.user_id)
            if user is None:
                raise _stale("The user of this token no longer exists.")
            login = self._issue(user, key_id=key_id, lifetime=lifetime)
            claims = login.claims
            key = ApiKey(key_id, user.id, label, claims.issued_at, claims.expires_at)
            await work.api_keys.add(key)
            await self._note(work, caller, "api_key.create", key)
        return key, login.token

    async def api_keys(self, caller: Caller) -> list[ApiKey]:
        """List the caller's own keys, newest first."""
        async with self._storage.read() as work:
            keys = await work.api_keys.of_user(caller.principal.user_id)
        return sorted(keys, key=lambda key: key.id, reverse=True)

    async def revoke_api_key(self, caller: Caller, key_id: str) -> None:
        """End one of the caller's own keys at once. Raises NotFound."""
        async with self._storage.begin() as work:
            key = await work.api_keys.get(key_id) if is_id(key_id) else None
            if key is None or key.user_id != caller.principal.user_id:
                raise NotFound(f"There is no API key {key_id!r}.", hint="List your keys.")
            if await work.api_keys.revoke(key_id, self._clock.now()):
                await work.invalidations.publish([api_key_tag(key_id)])
                await self._note(work, caller, "api_key.revoke", key)

    async def _note(self, work: UnitOfWork, caller: Caller, action: str, key: ApiKey) -> None:
        org_id = next(iter(caller.principal.org_roles), "")
        event = self._audit.event(
            caller, action, f"api_key:{key.id}", org_id=org_id, description=key.description
        )
        await work.audit.append([event])

    def _issue(
        self,
        user: User,
        *,
        key_id: str,
        lifetime: timedelta,
        logged_in_at: datetime | None = None,
    ) -> Login:
        moment = self._clock.now()
        now = moment.replace(microsecond=0)
        claims = TokenClaims(
            user.id, user.email, key_id, now, now + lifetime, logged_in_at or moment
        )
        return Login(self._tokens.issue(claims), claims)


def _stale(message: str) -> Unauthenticated:
    return Unauthenticated(message, hint="Log in again, or use another API key.")
