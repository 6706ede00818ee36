"""Signing in with a password, over the API: logins, their refreshing and their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.access import Action, Credential, Principal
from valetkey.domain.errors import Conflict, TooManyRequests, Unauthenticated
from valetkey.domain.people import User, UserKind
from valetkey.domain.ports import Clock, Storage, TokenClaims, TokenSigner, UnitOfWork
from valetkey.domain.secret import Secret
from valetkey.domain.sources import source_network
from valetkey.domain.tags import user_tag
from valetkey.identity.authentication import Authentication, stale
from valetkey.identity.fair_queue import FairQueue
from valetkey.identity.passwords import PasswordCheck
from valetkey.identity.records import (
    SIGN_IN,
    SIGN_OUT,
    caller_of,
    org_ids,
    record_failed_sign_in,
    require_own,
    user_events,
)
from valetkey.services.audit import AuditLog, Caller

LOGIN_LIFETIME: Final = timedelta(hours=12)
#: A login can be refreshed for this long; then the password is asked for again.
LONGEST_LOGIN: Final = timedelta(days=7)
#: How long, and how many for each user, a source that somebody signed in from is remembered.
_KNOWN_FOR: Final = timedelta(days=90)
_KNOWN_SOURCES: Final = 20
#: How many look at once whose account it is: a flood takes no more of the database.
_LOOKUPS: Final = 4


@dataclass(frozen=True, slots=True)
class Login:
    """A token and its end."""

    token: Secret
    claims: TokenClaims


class Accounts:
    """Passwords and logins."""

    def __init__(
        self,
        storage: Storage,
        passwords: PasswordCheck,
        tokens: TokenSigner,
        authentication: Authentication,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._passwords = passwords
        self._tokens = tokens
        self._authentication = authentication
        self._audit = audit
        self._clock = clock
        self._lookups = FairQueue(clock, at_once=_LOOKUPS)

    async def login(
        self, email: str, password: Secret, *, source: str = "", request_id: str = ""
    ) -> Login:
        """Exchange a password for a token; ``source`` is the network address of who asks.

        Raises Unauthenticated, the same and after the same time whether the person or the
        password is wrong; TooManyRequests after too many failures, or while many sign in.
        """
        user = await self.prove(email, password, way="login", source=source, request_id=request_id)
        return self._issue(user)

    async def prove(
        self, email: str, password: Secret, *, way: str, source: str, request_id: str
    ) -> User:
        """Return the person who has this password, and record the sign-in, good or bad. ``way``
        says where they sign in. Raises as :meth:`login` does."""
        address = email.strip().lower()[:254]
        user: User | None = None
        orgs: list[str] = []
        network = source_network(source)
        try:
            user, known, orgs = await self._lookups.run(
                network, lambda: self._find(address, network)
            )
            right = await self._passwords.is_right(
                address, user, password, source=source, known=known
            )
        except TooManyRequests as error:
            await self._failed(user, orgs, way, error.message, request_id, source)
            raise
        if user is None or not right:
            reason = "The address is not known." if user is None else "The password is wrong."
            await self._failed(user, orgs, way, reason, request_id, source)
            raise Unauthenticated(
                "The e-mail address or the password is wrong.", hint="Check both, and try again."
            )
        caller = caller_of(user, request_id=request_id, source=source)
        async with self._storage.begin() as work:
            await work.known_sources.put(user.id, network, self._clock.now(), keep=_KNOWN_SOURCES)
            await work.audit.append(user_events(self._audit, caller, SIGN_IN, user, orgs, way=way))
        return user

    async def _find(self, address: str, network: str) -> tuple[User | None, bool, list[str]]:
        """Return a person, whether they have signed in from there, and their organisations."""
        async with self._storage.read() as work:
            user = await work.users.by_email(address)
            if user is None or user.kind is not UserKind.PERSON:
                return None, False, []
            since = self._clock.now() - _KNOWN_FOR
            known = await work.known_sources.has(user.id, network, since=since)
            return user, known, await org_ids(work, user.id)

    async def _failed(
        self,
        user: User | None,
        orgs: list[str],
        way: str,
        reason: str,
        request_id: str,
        source: str,
    ) -> None:
        await record_failed_sign_in(
            self._audit,
            user,
            orgs,
            way=way,
            reason=reason,
            request_id=request_id,
            source=source,
        )

    async def refresh(self, token: Secret) -> Login:
        """Exchange a login's token that is still good for a later one.

        Raises Unauthenticated: also for an API token, and a week after the password was given.
        """
        principal = (await self._authentication.of(token.reveal())).principal
        logged_in_at = principal.logged_in_at
        if principal.credential is not Credential.LOGIN or logged_in_at is None:
            raise stale("An API token is not refreshed.")
        if self._clock.now() - logged_in_at > LONGEST_LOGIN:
            raise stale("The password was given too long ago.")
        user = await self._user(principal)
        return self._issue(user, logged_in_at=logged_in_at)

    async def change_password(self, caller: Caller, old: Secret, new: Secret) -> Login:
        """Replace the caller's password; all earlier sign-ins end, and a new login is returned.

        Raises Denied (an API token can't), Unauthenticated for a wrong old password,
        TooManyRequests, InvalidInput, Conflict (changed meanwhile).
        """
        return self._issue(await self.replace_password(caller, old, new))

    async def replace_password(self, caller: Caller, old: Secret, new: Secret) -> User:
        """Replace the caller's password; all sign-ins end. Returns the user, whose next sign-in
        is good. Raises as :meth:`change_password` does."""
        await require_own(self._audit, caller, Action.MANAGE_OWN_SIGN_IN, "user.change_password")
        user = await self._user(caller.principal)
        right = await self._passwords.is_right(
            f"change {user.id}", user, old, source=caller.source, known=True
        )
        if not right:
            raise Unauthenticated("The old password is wrong.", hint="Check it, and try again.")
        password_hash = await self._passwords.hash(new, source=caller.source)
        return await self._end_sign_ins(caller, user, password_hash, "user.change_password")

    async def sign_out_everywhere(self, caller: Caller) -> Login:
        """End all of the caller's sign-ins but the new one that is returned; API tokens stay.

        Raises Denied (an API token can't), Conflict.
        """
        return self._issue(await self.end_all(caller))

    async def end_all(self, caller: Caller) -> User:
        """End all of the caller's sign-ins. Raises as :meth:`sign_out_everywhere` does."""
        await require_own(self._audit, caller, Action.MANAGE_OWN_SIGN_IN, SIGN_OUT)
        user = await self._user(caller.principal)
        return await self._end_sign_ins(caller, user, user.password_hash, SIGN_OUT)

    async def _user(self, principal: Principal) -> User:
        async with self._storage.read() as work:
            user = await work.users.get(principal.user_id)
        if user is None:
            raise stale("The user of this token no longer exists.")
        return user

    async def _end_sign_ins(
        self, caller: Caller, user: User, password_hash: str, action: str
    ) -> User:
        async with self._storage.begin() as work:
            user = await end_sign_ins(work, user, password_hash)
            orgs = await org_ids(work, user.id)
            facts = {"everywhere": True}
            await work.audit.append(user_events(self._audit, caller, action, user, orgs, **facts))
        return user

    def _issue(self, user: User, *, logged_in_at: datetime | None = None) -> Login:
        moment = self._clock.now()
        now = moment.replace(microsecond=0)
        claims = TokenClaims(
            user.id,
            user.email,
            "",
            now,
            now + LOGIN_LIFETIME,
            logged_in_at or moment,
            user.generation,
        )
        return Login(self._tokens.issue(claims), claims)


async def end_sign_ins(work: UnitOfWork, user: User, password_hash: str) -> User:
    """End a user's logins, browser sessions and one-time link, and store a password's hash; return
    the user as stored now. Raises Conflict when another did so since ``user`` was read."""
    if not await work.users.end_sign_ins(user, password_hash):
        raise Conflict(
            "The sign-ins of this user were changed meanwhile.",
            hint="Look again, and repeat it.",
            code="changed_meanwhile",
        )
    await work.browser_sessions.end_all(user.id)
    await work.password_links.forget(user.id)
    await work.invalidations.publish([user_tag(user.id)])
    now = await work.users.get(user.id)
    if now is None:
        raise stale("The user no longer exists.")
    return now
