"""The present time, which tests may replace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

#: Returns the present time, aware.
Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present time, aware."""
    return datetime.now(UTC)
