"""How people and programs sign in: repositories of what a sign-in leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from valetkey.domain.people import ApiToken, BrowserSession, PasswordLink
from valetkey.domain.sign_in import Tries


class ApiTokenRepository(Protocol):
    """Records of API tokens; never the tokens themselves."""

    async def add(self, token: ApiToken) -> None:
        """Store a new token's record."""
        ...

    async def get(self, token_id: str) -> ApiToken | None:
        """Return a token's record; None if there is none."""
        ...

    async def by_hash(self, secret_hash: str) -> ApiToken | None:
        """Return the record of the token with this hash; None if there is none."""
        ...

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        """Return a user's tokens in the order in which they were made."""
        ...

    async def of_org(
        self, org_id: str, *, after: str = "", limit: int | None = None
    ) -> Sequence[ApiToken]:
        """Return an organisation's tokens, newest first, from below the id ``after``."""
        ...

    async def revoke(self, token_id: str, at: datetime) -> bool:
        """Tell whether the token was good until now (it may have expired)."""
        ...

    async def note_use(self, token_id: str, at: datetime, source: str) -> None:
        """Store the last use, unless a later one is stored."""
        ...


class BrowserSessionRepository(Protocol):
    """Sessions of the console."""

    async def add(self, session: BrowserSession) -> None:
        """Store a session that begins."""
        ...

    async def get(self, session_id: str) -> BrowserSession | None:
        """Return a session; None if there is none."""
        ...

    async def by_hash(self, secret_hash: str) -> BrowserSession | None:
        """Return the session whose cookie has this hash; None if there is none."""
        ...

    async def of_user(self, user_id: str) -> Sequence[BrowserSession]:
        """Return a user's sessions, newest first."""
        ...

    async def see(self, session_id: str, at: datetime) -> None:
        """Store when the session was used last."""
        ...

    async def end(self, session_id: str) -> bool:
        """Forget a session; tell whether there was one."""
        ...

    async def end_all(self, user_id: str) -> int:
        """Forget all of somebody's sessions; return how many."""
        ...

    async def purge(self, before: datetime) -> int:
        """Forget sessions whose absolute end is before a moment."""
        ...


class PasswordLinkRepository(Protocol):
    """One-time links; a user has one at most."""

    async def put(self, link: PasswordLink) -> None:
        """Store a link in place of the user's earlier one."""
        ...

    async def by_hash(self, secret_hash: str) -> PasswordLink | None:
        """Return the link with this hash, and let it be; None if there is none."""
        ...

    async def take(self, secret_hash: str) -> PasswordLink | None:
        """Return a link and forget it: of several takers one gets it."""
        ...

    async def forget(self, user_id: str) -> None:
        """Forget somebody's link, if there is one."""
        ...


class SignInTries(Protocol):
    """Tries at passwords, counted by name for all processes together."""

    async def take(self, names: Sequence[str]) -> Mapping[str, Tries]:
        """Return what is counted under names. Until this transaction ends, nobody else takes
        them."""
        ...

    async def put(self, name: str, tries: Tries) -> None: ...
    async def drop(self, name: str) -> None: ...
    async def purge(self, now: datetime) -> int:
        """Forget what is kept no longer; return how many."""
        ...


class KnownSources(Protocol):
    """The networks from which somebody has signed in lately: a few for each user."""

    async def has(self, user_id: str, source: str, *, since: datetime) -> bool:
        """Tell whether somebody signed in from a source since a moment."""
        ...

    async def put(self, user_id: str, source: str, at: datetime, *, keep: int) -> None:
        """Store the latest sign-in from a source, and of the user's sources the ``keep`` latest."""
        ...

    async def forget(self, user_id: str) -> None:
        """Forget all of somebody's sources."""
        ...
