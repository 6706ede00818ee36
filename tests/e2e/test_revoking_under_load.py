"""While clients vend at full speed a right is taken: no credential that had left works after the
answer, and none leaves. A small edition of ``make revocations``, which says how it is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from judges.revocation.office import Office, office
from judges.revocation.proofs import PROOFS
from support.databases import execute
from valetkey.embedded import EmbeddedAws

#: So many credentials are out when the right is taken, at least.
CREDENTIALS = 150

pytestmark = pytest.mark.xdist_group("revoking under load")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest,
    _running_aws: EmbeddedAws,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    """One process over SQLite, then two over PostgreSQL."""
    home, server, url = tmp_path_factory.mktemp("office"), "", ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        asyncio.run(execute(server, "CREATE DATABASE judged"))
        url = server.replace("/postgres?", "/judged?")
    _running_aws.reset()
    with office(_running_aws, home, database=url, servers=2 if url else 1) as made:
        yield made
    if url:
        asyncio.run(execute(server, "DROP DATABASE judged WITH (FORCE)"))


@pytest.mark.parametrize("name", PROOFS)
def test_no_credential_works_after_the_answer_that_ended_it(served: Office, name: str) -> None:
    result = PROOFS[name](served, CREDENTIALS)
    assert result.holds, result
