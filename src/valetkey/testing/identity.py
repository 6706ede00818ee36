"""API tokens, browser sessions, one-time links and known sources in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from valetkey.domain.people import ApiToken, BrowserSession, PasswordLink
from valetkey.domain.sign_in import Tries


class MemoryApiTokens:
    """Implements ports.ApiTokenRepository."""

    def __init__(self) -> None:
        self.rows: dict[str, ApiToken] = {}

    async def add(self, token: ApiToken) -> None:
        self.rows[token.id] = token

    async def get(self, token_id: str) -> ApiToken | None:
        return self.rows.get(token_id)

    async def by_hash(self, secret_hash: str) -> ApiToken | None:
        found = (token for token in self.rows.values() if token.secret_hash == secret_hash)
        return next(found, None)

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        return [token for _, token in sorted(self.rows.items()) if token.user_id == user_id]

    async def of_org(
        self, org_id: str, *, after: str = "", limit: int | None = None
    ) -> Sequence[ApiToken]:
        found = [
            token
            for _, token in sorted(self.rows.items(), reverse=True)
            if token.org_id == org_id and (not after or token.id < after)
        ]
        return found[:limit]

    async def revoke(self, token_id: str, at: datetime) -> bool:
        token = self.rows.get(token_id)
        if token is None or token.revoked_at is not None:
            return False
        self.rows[token_id] = replace(token, revoked_at=at)
        return True

    async def note_use(self, token_id: str, at: datetime, source: str) -> None:
        token = self.rows.get(token_id)
        if token is not None and (token.last_used_at is None or token.last_used_at < at):
            self.rows[token_id] = replace(token, last_used_at=at, last_used_from=source)

    def forget_user(self, user_id: str) -> None:
        """Do what the table's foreign key does."""
        self.rows = {key: row for key, row in self.rows.items() if row.user_id != user_id}


class MemoryBrowserSessions:
    """Implements ports.BrowserSessionRepository."""

    def __init__(self) -> None:
        self.rows: dict[str, BrowserSession] = {}

    async def add(self, session: BrowserSession) -> None:
        self.rows[session.id] = session

    async def get(self, session_id: str) -> BrowserSession | None:
        return self.rows.get(session_id)

    async def by_hash(self, secret_hash: str) -> BrowserSession | None:
        found = (each for each in self.rows.values() if each.secret_hash == secret_hash)
        return next(found, None)

    async def of_user(self, user_id: str) -> Sequence[BrowserSession]:
        newest_first = sorted(self.rows.items(), reverse=True)
        return [session for _, session in newest_first if session.user_id == user_id]

    async def see(self, session_id: str, at: datetime) -> None:
        session = self.rows.get(session_id)
        if session is not None and session.last_seen_at < at:
            self.rows[session_id] = replace(session, last_seen_at=at)

    async def end(self, session_id: str) -> bool:
        return self.rows.pop(session_id, None) is not None

    async def end_all(self, user_id: str) -> int:
        theirs = [session.id for session in await self.of_user(user_id)]
        for session_id in theirs:
            del self.rows[session_id]
        return len(theirs)

    def forget_user(self, user_id: str) -> None:
        """Do what the table's foreign key does."""
        self.rows = {key: row for key, row in self.rows.items() if row.user_id != user_id}

    async def purge(self, before: datetime) -> int:
        over = [each.id for each in self.rows.values() if each.expires_at < before]
        for session_id in over:
            del self.rows[session_id]
        return len(over)


class MemoryPasswordLinks:
    """Implements ports.PasswordLinkRepository."""

    def __init__(self) -> None:
        self.rows: dict[str, PasswordLink] = {}

    async def put(self, link: PasswordLink) -> None:
        self.rows[link.user_id] = link

    async def by_hash(self, secret_hash: str) -> PasswordLink | None:
        found = (link for link in self.rows.values() if link.secret_hash == secret_hash)
        return next(found, None)

    async def take(self, secret_hash: str) -> PasswordLink | None:
        link = await self.by_hash(secret_hash)
        return self.rows.pop(link.user_id) if link is not None else None

    async def forget(self, user_id: str) -> None:
        self.rows.pop(user_id, None)


class MemorySignInTries:
    """Implements ports.SignInTries."""

    def __init__(self) -> None:
        self.rows: dict[str, Tries] = {}

    async def take(self, names: Sequence[str]) -> Mapping[str, Tries]:
        return {name: self.rows[name] for name in names if name in self.rows}

    async def put(self, name: str, tries: Tries) -> None:
        self.rows[name] = tries

    async def drop(self, name: str) -> None:
        self.rows.pop(name, None)

    async def purge(self, now: datetime) -> int:
        over = [name for name, tries in self.rows.items() if tries.until <= now]
        for name in over:
            del self.rows[name]
        return len(over)


class MemoryKnownSources:
    """Implements ports.KnownSources."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], datetime] = {}

    async def has(self, user_id: str, source: str, *, since: datetime) -> bool:
        seen_at = self.rows.get((user_id, source))
        return seen_at is not None and seen_at >= since

    async def put(self, user_id: str, source: str, at: datetime, *, keep: int) -> None:
        self.rows[user_id, source] = at
        theirs = [(key, seen_at) for key, seen_at in self.rows.items() if key[0] == user_id]
        theirs.sort(key=lambda entry: (-entry[1].timestamp(), entry[0][1]))
        for key, _ in theirs[keep:]:
            del self.rows[key]

    async def forget(self, user_id: str) -> None:
        self.forget_user(user_id)

    def forget_user(self, user_id: str) -> None:
        """Do what the table's foreign key does."""
        self.rows = {key: at for key, at in self.rows.items() if key[0] != user_id}
