"""Whose a token or a cookie is, with the roles of this moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.access import Principal
from valetkey.domain.errors import Unauthenticated
from valetkey.domain.people import ApiToken, BrowserSession, TokenForm, User
from valetkey.domain.ports import Clock, Storage, TokenSigner, UnitOfWork
from valetkey.domain.shown_secrets import SecretKind, is_shown_secret, secret_hash


@dataclass(frozen=True, slots=True)
class ShownToken:
    """Whose a token is, and until when it is good by itself."""

    principal: Principal
    expires_at: datetime


#: A browser session ends when it was not used for so long, and in any case at its own end.
IDLE: Final = timedelta(hours=2)


class Authentication:
    """Reads what somebody shows. Nothing is kept here: :class:`~valetkey.identity.principals`
    does."""

    def __init__(self, storage: Storage, tokens: TokenSigner, clock: Clock) -> None:
        self._storage = storage
        self._tokens = tokens
        self._clock = clock

    async def of(self, token: str) -> ShownToken:
        """Return who a login's or an API token belongs to.

        Raises Unauthenticated: bad, expired or revoked, or a user who is gone. A console's cookie
        is none of these.
        """
        if is_shown_secret(token, SecretKind.TOKEN):
            async with self._storage.read() as work:
                return await self._by_token(work, await work.api_tokens.by_hash(secret_hash(token)))
        claims = self._tokens.read(token, now=self._clock.now())
        async with self._storage.read() as work:
            if claims.token_id:
                return await self._by_jwt(work, claims.token_id, claims.user_id)
            principal = await _login_principal(
                work, claims.user_id, claims.generation, claims.logged_in_at
            )
        return ShownToken(principal, claims.expires_at)

    async def of_session(self, cookie: str) -> tuple[Principal, BrowserSession]:
        """Return who a console's cookie belongs to. Raises Unauthenticated."""
        if not is_shown_secret(cookie, SecretKind.SESSION):
            raise _signed_out()
        async with self._storage.read() as work:
            session = await work.browser_sessions.by_hash(secret_hash(cookie))
            return await self._by_session(work, session)

    async def again(self, principal: Principal) -> Principal:
        """Return the same principal with the roles of this moment.

        Raises Unauthenticated when the token was revoked, the sign-in ended, or the user is gone.
        """
        async with self._storage.read() as work:
            return await principal_now(work, principal)

    async def _by_jwt(self, work: UnitOfWork, token_id: str, user_id: str) -> ShownToken:
        token = await work.api_tokens.get(token_id)
        if token is None or token.user_id != user_id or token.form is not TokenForm.JWT:
            raise stale("This API token is not known here.")
        return await self._by_token(work, token)

    async def _by_token(self, work: UnitOfWork, token: ApiToken | None) -> ShownToken:
        if token is None:
            raise stale("This API token is not known here.")
        if token.expires_at <= self._clock.now():
            raise stale("This API token has expired.")
        return ShownToken(await _token_principal(work, token), token.expires_at)

    async def _by_session(
        self, work: UnitOfWork, session: BrowserSession | None
    ) -> tuple[Principal, BrowserSession]:
        now = self._clock.now()
        if session is None or session.expires_at <= now or session.last_seen_at + IDLE <= now:
            raise _signed_out()
        return await _session_principal(work, session), session


async def principal_now(work: UnitOfWork, principal: Principal) -> Principal:
    """Return a principal with the rights that are stored.

    Raises Unauthenticated when the token was revoked, the sign-in ended, or the user is gone.
    """
    if principal.token_id:
        token = await work.api_tokens.get(principal.token_id)
        if token is None:
            raise stale("This API token is not known here.")
        return await _token_principal(work, token)
    if principal.session_id:
        session = await work.browser_sessions.get(principal.session_id)
        if session is None:
            raise _signed_out()
        return await _session_principal(work, session)
    return await _login_principal(
        work, principal.user_id, principal.generation, principal.logged_in_at
    )


async def principal_of_work(work: UnitOfWork, user_id: str, token_id: str = "") -> Principal:
    """Return whoever ordered some work that goes on without them, with the rights that are stored:
    the token's, if they showed one.

    Raises Unauthenticated when the token was revoked, or the user is gone.
    """
    if token_id:
        return await principal_now(work, Principal(user_id, "", token_id=token_id))
    return await _principal(work, await _user(work, user_id))


async def _token_principal(work: UnitOfWork, token: ApiToken) -> Principal:
    if token.revoked_at is not None:
        raise stale("This API token was revoked.")
    user = await _user(work, token.user_id)
    return await _principal(work, user, token=token)


async def _session_principal(work: UnitOfWork, session: BrowserSession) -> Principal:
    user = await _user(work, session.user_id)
    if session.generation != user.generation:
        raise _signed_out()
    return await _principal(work, user, session_id=session.id)


async def _login_principal(
    work: UnitOfWork, user_id: str, generation: int, logged_in_at: datetime | None
) -> Principal:
    user = await _user(work, user_id)
    if generation != user.generation:
        raise stale("This login was ended.")
    return await _principal(work, user, logged_in_at=logged_in_at)


async def _user(work: UnitOfWork, user_id: str) -> User:
    user = await work.users.get(user_id)
    if user is None:
        raise stale("The user of this token no longer exists.")
    return user


async def _principal(
    work: UnitOfWork,
    user: User,
    *,
    token: ApiToken | None = None,
    session_id: str = "",
    logged_in_at: datetime | None = None,
) -> Principal:
    """Put a principal together. A token acts in its own organisation only."""
    orgs = {
        member.org_id: member.role
        for member in await work.organizations.memberships(user.id)
        if token is None or member.org_id == token.org_id
    }
    projects = {
        member.project_id: member.role for member in await work.projects.memberships(user.id)
    }
    principal = Principal(
        user_id=user.id,
        email=user.email,
        session_id=session_id,
        org_roles=orgs,
        project_roles=projects,
        logged_in_at=logged_in_at,
        generation=user.generation,
    )
    if token is None:
        return principal
    return replace(principal, token_id=token.id, limits=token.limits, ends_at=token.expires_at)


def stale(message: str) -> Unauthenticated:
    """Return the refusal of what was good once."""
    return Unauthenticated(message, hint="Log in again, or use another API token.")


def _signed_out() -> Unauthenticated:
    return Unauthenticated("You are not signed in.", hint="Sign in, and try again.")
