"""What earlier releases stored of people and keys is still there, under today's rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic import command
from sqlalchemy import Connection, text

from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.engine import EngineOptions, make_engine
from valetkey.db.schema import _config, migrate
from valetkey.domain.people import TokenForm, UserKind
from valetkey.domain.token_limits import UNLIMITED

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ORG, ADA, EVE = "a" * 24, "b" * 24, "c" * 24


def _to_before(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0007")


def _fill(connection: Connection) -> None:
    def put(table: str, **row: Any) -> None:
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), row)  # noqa: S608  # names of ours

    at = NOW if connection.dialect.name == "postgresql" else NOW.strftime("%Y-%m-%d %H:%M:%S.%f")
    put("organizations", id=ORG, name="acme", created_at=at, version=1)
    for user_id, email in ((ADA, "ada@example.com"), (EVE, "eve@example.com")):
        put("users", id=user_id, email=email, password_hash="h", created_at=at, sign_in_since=at)
        put(
            "api_keys",
            id=user_id.replace(user_id[0], str(ord(user_id[0]) % 10)),
            user_id=user_id,
            description="robot",
            created_at=at,
            expires_at=at,
        )
    put("org_members", org_id=ORG, user_id=ADA, role="owner")


async def test_keys_become_tokens_of_their_users_organisation_and_of_who_left_none(
    database_url: str,
) -> None:
    engine = make_engine(database_url, EngineOptions(references=False))
    async with engine.begin() as connection:
        await connection.run_sync(_to_before)
        await connection.run_sync(_fill)
    await engine.dispose()
    await migrate(database_url)
    storage = SqlCatalogStorage.at(database_url)
    try:
        async with storage.read() as work:
            ada = await work.users.get(ADA)
            (token,) = await work.api_tokens.of_org(ORG)
            assert await work.api_tokens.of_user(EVE) == []
    finally:
        await storage.close()
    assert ada is not None
    assert (ada.kind, ada.generation, ada.password_hash) == (UserKind.PERSON, 0, "h")
    assert (token.user_id, token.form, token.creator) == (ADA, TokenForm.JWT, "ada@example.com")
    assert (token.limits, token.created_at, token.secret_hash) == (UNLIMITED, NOW, None)
