"""The pace of work that is cut into many transactions: others come in between two of them.

A transaction that writes keeps SQLite's file to itself, and whatever its rows take keeps the event
loop busy. A queue lets in who waits already; a rest lets in who comes.
"""

from __future__ import annotations

import asyncio
from typing import Final

#: About as long as one part takes: half of the time is everybody else's.
REST_SECONDS: Final = 0.01
#: So many rows one transaction writes, or looks at one by one, at most.
PART: Final = 50
#: So many rows one transaction deletes at most, by one statement.
DELETED: Final = 500


async def rest() -> None:
    """Let others go first, between two parts."""
    await asyncio.sleep(REST_SECONDS)
