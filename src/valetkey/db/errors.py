"""Database errors -> ours. Nothing of SQLAlchemy or of a driver leaves this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from valetkey.domain.errors import Conflict, InUse, StorageUnavailable

_CAUSES: Final = (
    ("database is locked", "another process holds the database", "Try again; see who holds it."),
    (
        "readonly",
        "the database can only be read",
        "See the file's and its folder's owner, permissions, and the disk's mount options.",
    ),
    (
        "read-only",
        "the database can only be read",
        "Point the database URL at the primary server, not at a replica.",
    ),
    ("disk is full", "the disk is full", "Make room; nothing was half-written."),
    (
        "disk i/o error",
        "its file can't be read or written",
        "See that there is room, that no limit on file sizes holds, and the system's log.",
    ),
    ("no such table", "the database has no tables yet", "Run 'valetkey migrate'."),
    ("does not exist", "the database or a table does not exist", "Run 'valetkey migrate'."),
    (
        "unable to open database file",
        "the database file can't be opened",
        "See that its folder exists and may be written to.",
    ),
    ("file is not a database", "the file is not a database", "Choose another file, or restore it."),
    ("malformed", "the database file is damaged", "Restore it from a backup."),
    ("password authentication failed", "the database refuses the password", "Check its URL."),
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn whatever the database says inside into StorageUnavailable."""
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # The driver's text may quote parameters: it decides the cause, and is not repeated.
        raise unavailable(error) from None


def unavailable(error: Exception) -> StorageUnavailable:
    """Return the error for a database that did not do what it was asked."""
    if isinstance(error, PoolTimeout):
        return StorageUnavailable(
            "All connections to the database are busy.",
            hint="Try again; allow more connections if it stays so.",
        )
    said = str(error.orig if isinstance(error, DBAPIError) else error).lower()
    for words, cause, fix in _CAUSES:
        if words in said:
            return StorageUnavailable(f"The database can't be used: {cause}.", hint=fix)
    kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
    return StorageUnavailable(
        f"The database can't be used ({kind}).",
        hint="See that it runs and that its URL in the settings is right.",
    )


@contextmanager
def conflict(message: str, hint: str = "Choose another name.") -> Iterator[None]:
    """Turn a broken uniqueness rule into Conflict."""
    try:
        yield
    except IntegrityError:
        raise Conflict(message, hint=hint) from None


@contextmanager
def in_use(message: str, hint: str) -> Iterator[None]:
    """Turn a broken reference into InUse."""
    try:
        yield
    except IntegrityError:
        raise InUse(message, hint=hint) from None
