"""One asynchronous client over several event loops: after one another, side by side, and forked.

Each program is a process of its own: a loop that ended leaves connections that nobody can close.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.server import DEVELOPER, Installation

_CLIENT = """
import asyncio, os, threading
import valetkey
client = valetkey.AsyncClient()

async def who():
    return (await client.accounts.get_me()).email
"""
AFTER_ONE_ANOTHER = """
print(*[asyncio.run(who()) for _ in range(4)])
asyncio.run(client.close())
try:
    asyncio.run(who())
except valetkey.ClientClosed as error:
    print("closed" in str(error))
"""
SIDE_BY_SIDE = """
found = []

async def often():
    found.extend([await who() for _ in range(3)])

threads = [threading.Thread(target=lambda: asyncio.run(often())) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join(60)
print(*found)
"""
FORKED = """
asyncio.run(who())
child = os.fork()
if child == 0:
    os._exit(0 if asyncio.run(who()) else 1)
print(os.waitpid(child, 0)[1], asyncio.run(who()))
"""


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        (AFTER_ONE_ANOTHER, [*[DEVELOPER] * 4, "True"]),
        (SIDE_BY_SIDE, [DEVELOPER] * 12),
        (FORKED, ["0", DEVELOPER]),
    ],
    ids=["after one another", "side by side", "forked"],
)
def test_one_client_serves_several_loops(
    valetkey_server: Installation, program: str, printed: list[str]
) -> None:
    here = {"VALETKEY_URL": valetkey_server.url, "VALETKEY_TOKEN": valetkey_server.token()}
    done = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", _CLIENT + program],
        env=os.environ | here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (printed, "")
