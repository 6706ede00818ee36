"""API tokens, browser sessions, one-time links and known sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update

from valetkey.db.repositories.rows import Repository, from_row, to_row
from valetkey.db.tables import identity as t
from valetkey.domain.people import ApiToken, BrowserSession, PasswordLink, TokenForm
from valetkey.domain.scope import AccessLevel
from valetkey.domain.sign_in import Tries
from valetkey.domain.token_limits import TokenLimits


class SqlApiTokens(Repository):
    """Implements ports.ApiTokenRepository."""

    async def add(self, token: ApiToken) -> None:
        await self._insert(t.api_tokens, _token_row(token))

    async def get(self, token_id: str) -> ApiToken | None:
        row = await self._one(select(t.api_tokens).where(t.api_tokens.c.id == token_id))
        return _token(row) if row else None

    async def by_hash(self, secret_hash: str) -> ApiToken | None:
        query = select(t.api_tokens).where(t.api_tokens.c.secret_hash == secret_hash)
        row = await self._one(query)
        return _token(row) if row else None

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        query = select(t.api_tokens).where(t.api_tokens.c.user_id == user_id)
        return [_token(row) for row in await self._all(query.order_by(t.api_tokens.c.id))]

    async def of_org(
        self, org_id: str, *, after: str = "", limit: int | None = None
    ) -> Sequence[ApiToken]:
        query = select(t.api_tokens).where(t.api_tokens.c.org_id == org_id)
        if after:
            query = query.where(t.api_tokens.c.id < after)
        newest_first = query.order_by(t.api_tokens.c.id.desc()).limit(limit)
        return [_token(row) for row in await self._all(newest_first)]

    async def revoke(self, token_id: str, at: datetime) -> bool:
        table = t.api_tokens
        match = (table.c.id == token_id, table.c.revoked_at.is_(None))
        return await self._change(update(table).where(*match).values(revoked_at=at))

    async def note_use(self, token_id: str, at: datetime, source: str) -> None:
        table = t.api_tokens
        earlier = or_(table.c.last_used_at.is_(None), table.c.last_used_at < at)
        change = update(table).where(table.c.id == token_id, earlier)
        await self._change(change.values(last_used_at=at, last_used_from=source))


class SqlBrowserSessions(Repository):
    """Implements ports.BrowserSessionRepository."""

    async def add(self, session: BrowserSession) -> None:
        await self._insert(t.browser_sessions, to_row(session))

    async def get(self, session_id: str) -> BrowserSession | None:
        query = select(t.browser_sessions).where(t.browser_sessions.c.id == session_id)
        row = await self._one(query)
        return from_row(BrowserSession, row) if row else None

    async def by_hash(self, secret_hash: str) -> BrowserSession | None:
        table = t.browser_sessions
        row = await self._one(select(table).where(table.c.secret_hash == secret_hash))
        return from_row(BrowserSession, row) if row else None

    async def of_user(self, user_id: str) -> Sequence[BrowserSession]:
        table = t.browser_sessions
        query = select(table).where(table.c.user_id == user_id).order_by(table.c.id.desc())
        return [from_row(BrowserSession, row) for row in await self._all(query)]

    async def see(self, session_id: str, at: datetime) -> None:
        table = t.browser_sessions
        match = (table.c.id == session_id, table.c.last_seen_at < at)
        await self._change(update(table).where(*match).values(last_seen_at=at))

    async def end(self, session_id: str) -> bool:
        table = t.browser_sessions
        return await self._change(delete(table).where(table.c.id == session_id))

    async def end_all(self, user_id: str) -> int:
        table = t.browser_sessions
        statement = delete(table).where(table.c.user_id == user_id)
        return (await self._connection.execute(statement)).rowcount

    async def purge(self, before: datetime) -> int:
        table = t.browser_sessions
        statement = delete(table).where(table.c.expires_at < before)
        return (await self._connection.execute(statement)).rowcount


class SqlPasswordLinks(Repository):
    """Implements ports.PasswordLinkRepository."""

    async def put(self, link: PasswordLink) -> None:
        await self._put(t.password_links, {"user_id": link.user_id}, to_row(link))

    async def by_hash(self, secret_hash: str) -> PasswordLink | None:
        table = t.password_links
        row = await self._one(select(table).where(table.c.secret_hash == secret_hash))
        return from_row(PasswordLink, row) if row else None

    async def take(self, secret_hash: str) -> PasswordLink | None:
        table = t.password_links
        statement = delete(table).where(table.c.secret_hash == secret_hash).returning(table)
        row = await self._one(statement)
        return from_row(PasswordLink, row) if row else None

    async def forget(self, user_id: str) -> None:
        table = t.password_links
        await self._change(delete(table).where(table.c.user_id == user_id))


class SqlKnownSources(Repository):
    """Implements ports.KnownSources."""

    async def has(self, user_id: str, source: str, *, since: datetime) -> bool:
        table = t.known_sources
        match = (table.c.user_id == user_id, table.c.source == source, table.c.seen_at >= since)
        found = await self._one(select(func.count()).select_from(table).where(*match))
        return bool(found and found[0])

    async def put(self, user_id: str, source: str, at: datetime, *, keep: int) -> None:
        table = t.known_sources
        await self._put(table, {"user_id": user_id, "source": source}, {"seen_at": at})
        query = select(table.c.source).where(table.c.user_id == user_id)
        rows = await self._all(query.order_by(table.c.seen_at.desc(), table.c.source))
        for row in rows[keep:]:
            old = (table.c.user_id == user_id, table.c.source == row.source)
            await self._change(delete(table).where(*old))

    async def forget(self, user_id: str) -> None:
        table = t.known_sources
        await self._change(delete(table).where(table.c.user_id == user_id))


class SqlSignInTries(Repository):
    """Implements ports.SignInTries."""

    async def take(self, names: Sequence[str]) -> Mapping[str, Tries]:
        if self._connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
            for name in sorted(names):  # whoever takes several takes them in one order
                lock = func.pg_advisory_xact_lock(func.hashtextextended(name, 0))
                await self._connection.execute(select(lock))
        table = t.sign_in_tries
        rows = await self._all(select(table).where(table.c.name.in_(names)))
        return {row.name: from_row(Tries, row) for row in rows}

    async def put(self, name: str, tries: Tries) -> None:
        await self._put(t.sign_in_tries, {"name": name}, to_row(tries))

    async def drop(self, name: str) -> None:
        table = t.sign_in_tries
        await self._change(delete(table).where(table.c.name == name))

    async def purge(self, now: datetime) -> int:
        table = t.sign_in_tries
        return await self._change(delete(table).where(table.c.until <= now))


def _token_row(token: ApiToken) -> dict[str, Any]:
    limits = token.limits
    row = to_row(token)
    del row["limits"]
    return row | {
        "locations": None if limits.locations is None else sorted(limits.locations),
        "prefixes": None if limits.prefixes is None else list(limits.prefixes),
        "levels": None if limits.levels is None else sorted(limits.levels),
        "max_ttl": None if limits.max_ttl is None else int(limits.max_ttl.total_seconds()),
        "networks": None if limits.networks is None else list(limits.networks),
    }


def _token(row: Row[Any]) -> ApiToken:
    limits = TokenLimits(
        locations=None if row.locations is None else frozenset(row.locations),
        prefixes=None if row.prefixes is None else tuple(row.prefixes),
        levels=None if row.levels is None else frozenset(map(AccessLevel, row.levels)),
        max_ttl=None if row.max_ttl is None else timedelta(seconds=row.max_ttl),
        networks=None if row.networks is None else tuple(row.networks),
    )
    return from_row(ApiToken, row, form=TokenForm(row.form), limits=limits)
