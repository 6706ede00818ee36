from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.rotating import Case, Ground, open_case
from valetkey.db.schema import migrate
from valetkey.embedded import EmbeddedAws


@pytest.fixture(scope="module")
def ground(_running_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One AWS and one migrated database file for all cases of a module."""
    _running_aws.reset()
    template = tmp_path_factory.mktemp("template") / "valetkey.db"
    asyncio.run(migrate(f"sqlite:///{template}"))
    made = Ground(_running_aws, template)
    yield made
    made.close()


@pytest.fixture
async def case(ground: Ground, tmp_path: Path) -> AsyncIterator[Case]:
    """A user with one key, and an integration on it."""
    ground.aws.faults.clear()
    async with open_case(ground, tmp_path) as opened:
        yield opened
