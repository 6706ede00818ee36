"""A PostgreSQL as one that has run for a while has its write-ahead log.

A new one has no segments of it to write over: whoever comes to the end of one makes the next, 16 MB
of zeros on the disk, while all commits wait. That is measured of nobody's server but a new one's,
and the guide (docs/guides/processes.md) says how many to keep.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

#: What the guide says.
SETTINGS: Final = {"min_wal_size": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min"}
_MEGABYTES: Final = 1024
_EACH: Final = 16


def season(url: str) -> None:
    """Set what the guide says, and have the log's segments made."""
    asyncio.run(_season(url))


async def _season(url: str) -> None:
    server = await asyncpg.connect(url)
    try:
        for name, value in SETTINGS.items():
            await server.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        await server.execute("SELECT pg_reload_conf()")
        for _ in range(_MEGABYTES // _EACH):
            await server.execute(
                "SELECT pg_logical_emit_message(false, 'bench', repeat('x', $1))",
                _EACH << 20,
            )
        await server.execute("CHECKPOINT")
    finally:
        await server.close()
