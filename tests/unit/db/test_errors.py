"""What a database says, however it says it, while it commits: nobody knows whether that is done."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.exc import OperationalError

from valetkey.db.errors import commit_unknown
from valetkey.domain.errors import CommitUnknown

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
