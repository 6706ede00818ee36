"""Desks for the tests of items."""

from __future__ import annotations

import pytest

from support.desk import Desk, make_desk
from support.memory import Memory


@pytest.fixture
async def desk(memory: Memory) -> Desk:
    """A dataset whose location lets objects be deleted."""
    return await make_desk(memory)


@pytest.fixture
async def careful_desk(memory: Memory) -> Desk:
    """A dataset whose location does not."""
    return await make_desk(memory, allow_delete=False)


@pytest.fixture(params=[True, False], ids=["with objects", "without"])
async def any_desk(memory: Memory, request: pytest.FixtureRequest) -> Desk:
    """A dataset whose location lets objects be deleted, and one whose location does not."""
    return await make_desk(memory, allow_delete=request.param)
