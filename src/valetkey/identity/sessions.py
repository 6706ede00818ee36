"""Sessions of the console: a row here, and a cookie that opens the console and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from valetkey.domain.access import Action, Principal
from valetkey.domain.errors import NotFound
from valetkey.domain.ids import IdFactory
from valetkey.domain.people import BrowserSession, User
from valetkey.domain.ports import Clock, Entropy, Storage
from valetkey.domain.secret import Secret
from valetkey.domain.shown_secrets import SecretKind, make_secret, secret_hash
from valetkey.domain.tags import session_tag
from valetkey.identity.accounts import Accounts
from valetkey.identity.authentication import Authentication
from valetkey.identity.records import SIGN_OUT, org_ids, require_own, user_events
from valetkey.services.audit import AuditLog, Caller

#: A session ends after this time, however much it is used.
LIFETIME: Final = timedelta(hours=12)
_SEEN_EVERY: Final = timedelta(minutes=1)
_MOST_SESSIONS: Final = 20
_MOST_BROWSER: Final = 200
_MOST_SOURCE: Final = 64


class BrowserSessions:
    """Signing in to the console, seeing one's sessions, ending them."""

    def __init__(
        self,
        storage: Storage,
        accounts: Accounts,
        authentication: Authentication,
        audit: AuditLog,
        clock: Clock,
        entropy: Entropy,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._accounts = accounts
        self._authentication = authentication
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self._new_id = new_id

    async def sign_in(
        self, email: str, password: Secret, *, source: str, request_id: str, browser: str
    ) -> Secret:
        """Exchange a password for a session's cookie. Raises as ``Accounts.login`` does."""
        user = await self._accounts.prove(
            email, password, way="console", source=source, request_id=request_id
        )
        return await self.start(user, source=source, browser=browser)

    async def start(self, user: User, *, source: str, browser: str) -> Secret:
        """Begin a session of somebody who has just proven who they are; return its cookie. Of too
        many sessions the oldest ends."""
        now, cookie = self._clock.now(), make_secret(SecretKind.SESSION, self._entropy)
        session = BrowserSession(
            id=self._new_id(),
            user_id=user.id,
            secret_hash=secret_hash(cookie.reveal()),
            generation=user.generation,
            created_at=now,
            last_seen_at=now,
            expires_at=now + LIFETIME,
            source=source[:_MOST_SOURCE],
            browser="".join(filter(str.isprintable, browser))[:_MOST_BROWSER],
        )
        async with self._storage.begin() as work:
            await work.browser_sessions.purge(now)
            for old in (await work.browser_sessions.of_user(user.id))[_MOST_SESSIONS - 1 :]:
                await work.browser_sessions.end(old.id)
                await work.invalidations.publish([session_tag(old.id)])
            await work.browser_sessions.add(session)
        return cookie

    async def of(self, cookie: str) -> Principal:
        """Return who a cookie belongs to, with the roles of this moment. Raises Unauthenticated."""
        principal, session = await self._authentication.of_session(cookie)
        now = self._clock.now()
        if now - session.last_seen_at >= _SEEN_EVERY:
            async with self._storage.begin() as work:
                await work.browser_sessions.see(session.id, now)
        return principal

    async def own(self, caller: Caller) -> Sequence[BrowserSession]:
        """List the caller's sessions, newest first. Raises Denied to an API token."""
        action = Action.MANAGE_OWN_SIGN_IN
        await require_own(self._audit, caller, action, "session.list")
        now = self._clock.now()
        async with self._storage.read() as work:
            sessions = await work.browser_sessions.of_user(caller.principal.user_id)
        return [session for session in sessions if session.expires_at > now]

    async def end(self, caller: Caller, session_id: str) -> None:
        """End one of the caller's sessions. Raises NotFound; Denied to an API token."""
        await require_own(self._audit, caller, Action.MANAGE_OWN_SIGN_IN, SIGN_OUT)
        async with self._storage.begin() as work:
            session = await work.browser_sessions.get(session_id)
            user = await work.users.get(caller.principal.user_id)
            if session is None or user is None or session.user_id != user.id:
                raise NotFound("There is no such session.", hint="List your sessions.")
            await work.browser_sessions.end(session.id)
            await work.invalidations.publish([session_tag(session.id)])
            orgs = await org_ids(work, user.id)
            await work.audit.append(
                user_events(self._audit, caller, SIGN_OUT, user, orgs, session_id=session.id)
            )
