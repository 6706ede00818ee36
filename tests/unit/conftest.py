"""Unit tests are alone: no work rests so that others go first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def rests_are_short() -> Iterator[None]:
    """A rest is a turn of the event loop, and still no mere ``sleep(0)``: its test counts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("valetkey.catalog.services.pace.REST_SECONDS", 1e-9)
        yield
