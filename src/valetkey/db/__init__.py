"""The database behind the domain's storage ports (SQLAlchemy Core; SQLite and PostgreSQL)."""
