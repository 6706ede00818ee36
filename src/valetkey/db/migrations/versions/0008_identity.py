"""Who is asking: API tokens in place of API keys, browser sessions, one-time links, service
accounts, and a count of sign-ins' generations in place of a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

#: A key becomes a token of the one organisation that its user belongs to; who belongs to none has
#: left, and so has the key.
_KEEP_KEYS = """
INSERT INTO api_tokens (id, user_id, org_id, creator, description, form, created_at, expires_at,
                        revoked_at, last_used_from)
SELECT k.id, k.user_id, m.org_id, u.email, k.description, 'jwt', k.created_at, k.expires_at,
       k.revoked_at, ''
FROM api_keys k
JOIN users u ON u.id = k.user_id
JOIN (SELECT user_id, MIN(org_id) AS org_id FROM org_members GROUP BY user_id) m
  ON m.user_id = k.user_id
"""


def upgrade() -> None:
    """Step forward."""
    with op.batch_alter_table("users") as table:
        table.drop_column("sign_in_since")
        table.add_column(sa.Column("generation", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("kind", sa.String(20), nullable=False, server_default="person"))
        table.add_column(sa.Column("name", sa.String(400), nullable=False, server_default=""))
        table.add_column(sa.Column("project_id", sa.String(24), nullable=True))
        table.create_foreign_key(
            "fk_users_project_id", "projects", ["project_id"], ["id"], ondelete="RESTRICT"
        )
    op.create_index("ix_users_project_id", "users", ["project_id"])
    _create_tokens()
    op.execute(_KEEP_KEYS)
    op.drop_table("api_keys")
    _create_sessions()


def _create_tokens() -> None:
    op.create_table(
        "api_tokens",
        _id("id"),
        _id("user_id"),
        _id("org_id"),
        sa.Column("creator", sa.String(254), nullable=False),
        sa.Column("description", sa.String(400), nullable=False),
        sa.Column("form", sa.String(20), nullable=False),
        sa.Column("secret_hash", sa.String(64)),
        _moment("created_at"),
        _moment("expires_at"),
        sa.Column("locations", sa.JSON),
        sa.Column("prefixes", sa.JSON),
        sa.Column("levels", sa.JSON),
        sa.Column("max_ttl", sa.Integer),
        sa.Column("networks", sa.JSON),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_from", sa.String(64), nullable=False),
        _of_user("api_tokens"),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name="fk_api_tokens_org_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_index("ix_api_tokens_org_id", "api_tokens", ["org_id", "id"])
    op.create_index("ix_api_tokens_secret_hash", "api_tokens", ["secret_hash"], unique=True)


def _create_sessions() -> None:
    op.create_table(
        "browser_sessions",
        _id("id"),
        _id("user_id"),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        _moment("created_at"),
        _moment("last_seen_at"),
        _moment("expires_at"),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("browser", sa.String(200), nullable=False),
        _of_user("browser_sessions"),
        sa.PrimaryKeyConstraint("id", name="pk_browser_sessions"),
    )
    op.create_index("ix_browser_sessions_user_id", "browser_sessions", ["user_id"])
    op.create_index(
        "ix_browser_sessions_secret_hash", "browser_sessions", ["secret_hash"], unique=True
    )
    op.create_table(
        "password_links",
        _id("user_id"),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("creator", sa.String(254), nullable=False),
        _moment("created_at"),
        _moment("expires_at"),
        _of_user("password_links"),
        sa.PrimaryKeyConstraint("user_id", name="pk_password_links"),
    )
    op.create_index("ix_password_links_secret_hash", "password_links", ["secret_hash"], unique=True)
    op.create_table(
        "known_sources",
        _id("user_id"),
        sa.Column("source", sa.String(64), nullable=False),
        _moment("seen_at"),
        _of_user("known_sources"),
        sa.PrimaryKeyConstraint("user_id", "source", name="pk_known_sources"),
    )


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(24), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"
    )


def downgrade() -> None:
    """Not supported: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
