"""What a database says, in whichever language: while it commits, nobody knows whether that is done;
else its cause is told."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from valetkey.db.errors import BrokenRule, commit_unknown, from_driver, translated, unavailable
from valetkey.domain.errors import CommitUnknown, StorageBusy

SAID = [
    OSError("connection reset"),
    TimeoutError(),
    OperationalError("COMMIT", {}, OSError("gone")),
    asyncpg.InternalClientError("got result for unknown protocol state"),
]


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_a_commit_that_nobody_confirms_is_one_of_which_nobody_knows(said: Exception) -> None:
    with pytest.raises(CommitUnknown), commit_unknown():
        raise said


#: PostgreSQL's words are in the language of its settings (lc_messages); its codes are not.
CAUSES = [
    (asyncpg.DiskFullError("Auf dem Gerät ist kein Speicherplatz mehr frei"), "the disk is full"),
    (asyncpg.TooManyConnectionsError("désolé, trop de clients sont connectés"), "no connections"),
    (asyncpg.ReadOnlySQLTransactionError("nur lesend"), "can only be read"),
    (asyncpg.LockNotAvailableError("Zeitüberschreitung beim Warten auf Sperre"), "holds a lock"),
    (asyncpg.DeadlockDetectedError("Verklemmung entdeckt"), "waited for each other"),
    (asyncpg.QueryCanceledError("Anfrage wird abgebrochen"), "takes too long"),
]


@pytest.mark.parametrize(("said", "cause"), CAUSES, ids=lambda of: type(of).__name__)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_cause_is_known_in_whichever_language_it_is_said(
    said: asyncpg.PostgresError, cause: str, wrapped: bool
) -> None:
    told = unavailable(OperationalError("SELECT", {}, said) if wrapped else said)
    assert cause in told.message
    held = (
        asyncpg.LockNotAvailableError,
        asyncpg.DeadlockDetectedError,
        asyncpg.QueryCanceledError,
    )
    assert isinstance(told, StorageBusy) is isinstance(said, held)


#: The second line of what PostgreSQL says quotes the row.
ROW_RULES = [
    asyncpg.NotNullViolationError('null value in column "id"\nDETAIL: Failing row (secret)'),
    asyncpg.CheckViolationError('violates check constraint "c"\nDETAIL: Failing row (secret)'),
    sqlite3.IntegrityError("NOT NULL constraint failed: items.id"),
    sqlite3.IntegrityError("CHECK constraint failed: c"),
]


@pytest.mark.parametrize("said", ROW_RULES, ids=str)
def test_a_rule_that_we_broke_ourselves_is_no_outage(said: Exception) -> None:
    """What is away is asked again and again; a mistake of ours ends with a traceback."""
    with pytest.raises(BrokenRule) as raised, translated():
        raise IntegrityError("INSERT", {}, said)
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__
    if isinstance(said, asyncpg.PostgresError):
        with pytest.raises(BrokenRule) as past_sqlalchemy:
            raise from_driver(said)
        assert str(past_sqlalchemy.value) == str(raised.value)
