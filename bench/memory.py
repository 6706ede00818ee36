"""How much memory the cache of credentials takes, in a process of its own.

STS would need minutes for 100,000 sessions, so a double of it gives tokens as long as AWS's; what
keeps them is the real service.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from bench.figures import Figure
from bench.presign import TOKEN
from bench.processes import memory_mb
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.lease import Lease
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.services.vending.issuing import IssuedSession, credential_key
from valetkey.services.vending.session_cache import SessionCache
from valetkey.system import SystemClock

CREDENTIALS = 100_000


def figures(idle_mb: float) -> list[Figure]:
    """Return both figures; ``idle_mb`` is the server's memory before it did anything."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.memory"], check=True, capture_output=True, text=True
    )
    grown = json.loads(ran.stdout)["grown_mb"]
    return [
        Figure("rss_mb_idle", round(idle_mb), "MB", "none"),
        Figure(
            "rss_mb_100k_credentials",
            round(idle_mb + grown),
            "MB",
            f"idle, and {grown:.0f} MB of {CREDENTIALS} credentials with tokens of {len(TOKEN)} "
            "letters",
        ),
    ]


async def _fill() -> float:
    cache: SessionCache[IssuedSession] = SessionCache(SystemClock(), capacity=CREDENTIALS)
    before = memory_mb("VmRSS")
    for number in range(CREDENTIALS):
        user = f"{number:024x}"

        async def issue(user: str = user, number: int = number) -> IssuedSession:
            return _issued(user, number)

        await cache.get(
            credential_key(user), [f"user:{user}", "location:d", "integration:i"], issue
        )
    assert len(cache) == CREDENTIALS
    return memory_mb("VmRSS") - before


def _issued(user: str, number: int) -> IssuedSession:
    now = datetime.now(UTC)
    ends = now + timedelta(hours=1)
    token = Secret(f"{TOKEN}{number}")
    credentials = TemporaryCredentials(f"ASIA{number:016d}", Secret(f"{number:040d}"), token, ends)
    lease = Lease(
        id=user,
        org_id="o" * 24,
        integration_id="i" * 24,
        location_id="d" * 24,
        user_id=user,
        principal=f"{number}@example.com",
        role_arn="arn:aws:iam::123456789012:role/bench",
        session_name=f"{number}@example.com-{user}",
        access_key_id=credentials.access_key_id,
        issued_at=now,
        expires_at=ends,
        bucket="bench",
        prefixes=(f"train/{number}/",),
        levels=frozenset({AccessLevel.READ}),
    )
    return IssuedSession(credentials, lease)


if __name__ == "__main__":
    print(json.dumps({"grown_mb": asyncio.run(_fill())}))
