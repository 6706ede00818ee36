"""Database errors -> ours. Nothing of SQLAlchemy or of a driver leaves this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from valetkey.domain.errors import (
    CommitUnknown,
    Conflict,
    InUse,
    NameTaken,
    StorageBusy,
    StorageUnavailable,
    Unstorable,
    ValetkeyError,
)

#: PostgreSQL's SQLSTATEs as the words below, which it says in the language of its settings.
_STATES: Final = {
    "25006": "read-only",
    "40P01": "deadlock detected",
    "53100": "no space left",
    "53300": "too many clients",
    "55P03": "lock timeout",
    "57014": "statement timeout",
}
#: Words of the driver, what they mean, what to do: where somebody else holds what is needed.
_HELD: Final = (
    (
        "write turn",
        "other work of this server writes to it for too long",
        "Try again; a large change may be under way.",
    ),
    ("database is locked", "another process holds the database", "Try again; see who holds it."),
    (
        "lock timeout",
        "somebody else holds a lock for too long",
        "Try again; pg_locks tells who holds it.",
    ),
    (
        "deadlock detected",
        "two changes waited for each other, and this one was given up",
        "Try again: nothing of it was stored.",
    ),
    (
        "statement timeout",
        "it takes too long for what was asked",
        "Try again, or ask for less; see what else the database is busy with.",
    ),
)
_CAUSES: Final = (
    (
        "unsupported startup parameter",
        "a pooler such as PgBouncer stands before it, and does not pass on what is asked of "
        "PostgreSQL itself",
        "Point the database URL at PostgreSQL: the server keeps its connections, and hears of "
        "changes by one of them.",
    ),
    (
        "too many c",
        "it has no connections left",
        "Let it have more (max_connections), or let fewer others connect.",
    ),
    ("remaining connection slots", "it has no connections left", "Raise its max_connections."),
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
    ("no space left", "the disk is full", "Make room; nothing was half-written."),
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


#: What asyncpg raises where the server said goodbye between two statements, and the end of the
#: connection was not seen yet: it takes that for a mistake of its own.
ENDED_BY_SERVER: Final = asyncpg.InternalClientError
#: What says that the database failed, rather than we.
_FAILURES: Final = (SQLAlchemyError, OSError, TimeoutError, ENDED_BY_SERVER)
#: What a driver raises for a value that the database would not even be sent.
REFUSED_BY_DRIVER: Final = (UnicodeEncodeError, OverflowError)
#: The class of SQLSTATEs that say so of a value that was sent ("data exception"), and the one that
#: says so of a text that no index has room for.
_OF_VALUES: Final = ("22", "54000")
#: Foreign keys, of whichever kind, and uniqueness.
_REFERENCES: Final = frozenset({"23001", "23503"})
_UNIQUE: Final = frozenset({"23505"})
#: Rules of one row: NOT NULL, CHECK. Whoever writes a row sees to them.
_OF_A_ROW: Final = frozenset({"23502", "23514"})


class BrokenRule(RuntimeError):  # not for users: a mistake of ours
    """A statement broke a rule of the database that Valetkey has to keep. Asking again does not
    help, as it does where the database is away."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn whatever the database says inside into StorageUnavailable, what it says of a value into
    Unstorable, and what it says of other rows into Conflict. Raises BrokenRule for a mistake of
    ours."""
    try:
        yield
    except REFUSED_BY_DRIVER:
        raise unstorable() from None
    except _FAILURES as error:
        # The driver's text may quote parameters: it decides the cause, and is not repeated.
        raise _from_sqlalchemy(error) from None


def _from_sqlalchemy(error: Exception) -> ValetkeyError:
    if _is_of_a_value(error):
        return unstorable()
    if _is_of_a_reference(error) or _is_of_a_twin(error):
        return _crossed()
    if _breaks(error, _OF_A_ROW, "not null constraint failed", "check constraint failed"):
        raise _broken(error) from None
    return unavailable(error)


def from_driver(error: Exception) -> ValetkeyError:
    """Return the error for what asyncpg raised where it was used past SQLAlchemy. Raises
    BrokenRule."""
    state = getattr(error, "sqlstate", None) or ""
    if state in _OF_A_ROW:
        raise _broken(error) from None
    if isinstance(error, (ValueError, *REFUSED_BY_DRIVER)) or state.startswith(_OF_VALUES):
        return unstorable()
    return _crossed() if state in _REFERENCES | _UNIQUE else unavailable(error)


def _crossed() -> Conflict:
    """Return the error for a row that does not fit what others stored: somebody came first."""
    return Conflict(
        "What this is about was deleted, or made, by somebody else just now.",
        hint="Read again what there is, and decide anew; nothing of this request was stored.",
        code="changed_meanwhile",
    )


def _broken(error: Exception) -> BrokenRule:
    told = getattr(error, "orig", None) or error
    # The first line names the rule; the others quote the row.
    return BrokenRule(f"{type(told).__name__}: {str(told).partition(chr(10))[0]}")


def _is_of_a_reference(error: Exception) -> bool:
    """Tell whether a row refers to one that is not there, or is referred to by one that is."""
    return _breaks(error, _REFERENCES, "foreign key constraint failed")


def _is_of_a_twin(error: Exception) -> bool:
    return _breaks(error, _UNIQUE, "unique constraint failed")


def _breaks(error: Exception, states: frozenset[str], *sqlite_says: str) -> bool:
    """Tell whether a rule was broken, by PostgreSQL's SQLSTATE or SQLite's words (its codes call
    some of them a trigger's)."""
    if not isinstance(error, IntegrityError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    said = str(error.orig).lower()
    return state in states if state else any(words in said for words in sqlite_says)


@contextmanager
def commit_unknown() -> Iterator[None]:
    """Turn what the database says while it commits into CommitUnknown: it may be done or not."""
    try:
        yield
    except _FAILURES as error:
        told = unavailable(error)
        raise CommitUnknown(
            f"{told.message} It was about to commit: nobody knows whether that is done.",
            hint=told.hint,
        ) from None


def unstorable() -> Unstorable:
    """Return the error for a value that the database refuses."""
    return Unstorable(
        "A text or a number of the request can't be stored.",
        hint="Leave out control characters and half characters; send shorter texts and smaller "
        "numbers.",
    )


def _is_of_a_value(error: Exception) -> bool:
    if not isinstance(error, StatementError) or error.orig is None:
        return False
    if isinstance(error.orig, REFUSED_BY_DRIVER):
        return True
    state = getattr(error.orig, "sqlstate", None) or ""
    # asyncpg raises a ValueError for what it can't encode.
    return state.startswith(_OF_VALUES) or isinstance(
        error.orig.__cause__, (ValueError, *REFUSED_BY_DRIVER)
    )


def unavailable(error: BaseException) -> StorageUnavailable:
    """Return the error for a database that did not do what it was asked."""
    if isinstance(error, PoolTimeout):
        return StorageBusy(
            "All connections to the database are busy.",
            hint="Try again; allow more connections if it stays so.",
        )
    told = getattr(error, "orig", None) or error
    if isinstance(told, TimeoutError):
        return StorageUnavailable(
            "The database does not answer in time.",
            hint="See that it runs and can be reached; connections are made anew by themselves.",
        )
    state = getattr(told, "sqlstate", None) or ""
    said = f"{_STATES.get(state, '')} {told}".lower()
    for words, cause, fix in _HELD:
        if words in said:
            return StorageBusy(f"The database can't be used: {cause}.", hint=fix)
    for words, cause, fix in _CAUSES:
        if words in said:
            return StorageUnavailable(f"The database can't be used: {cause}.", hint=fix)
    return StorageUnavailable(
        f"The database can't be used ({type(told).__name__}).",
        hint="See that it runs and that its URL in the settings is right.",
    )


@contextmanager
def conflict(
    message: str, hint: str = "Choose another name.", *, kind: type[ValetkeyError] = NameTaken
) -> Iterator[None]:
    """Turn a broken uniqueness rule into NameTaken, or another ``kind`` of error."""
    try:
        yield
    except IntegrityError as error:
        if not _is_of_a_twin(error):
            raise
        raise kind(message, hint=hint) from None


@contextmanager
def in_use(message: str, hint: str) -> Iterator[None]:
    """Turn a broken reference into InUse."""
    try:
        yield
    except IntegrityError as error:
        if not _is_of_a_reference(error):
            raise
        raise InUse(message, hint=hint) from None
