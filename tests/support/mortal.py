"""``python -m support.mortal FOLDER ENDPOINT``: a server that dies on request, and comes again.

A request whose Idempotency-Key begins with the name of a moment is the last of its process, the
first time that it comes: SIGKILL, as a machine loses power. The next process takes the same socket,
so that whoever connects meanwhile waits for it. Processes are forked from one that has everything
imported: a new one is there in a moment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from support.real_api import settings_for
from valetkey.api import create_app
from valetkey.bootstrap import open_services
from valetkey.config import Settings
from valetkey.domain.idempotency import KeptResponse
from valetkey.services.audit import Caller
from valetkey.services.idempotency import Idempotency
from valetkey.serving import reserve, serve

#: Once what is asked for is there, and nobody knows it yet; and once its answer is kept.
AFTER_EFFECT: Final = "after-effect"
BEFORE_ANSWER: Final = "before-answer"
#: More deaths than any test asks for.
_LIVES: Final = 200


class Mortal(Idempotency):
    """Kills its process at the moment that a key names."""

    def __init__(self, folder: Path, like: Idempotency) -> None:
        self._folder, self._like = folder, like

    async def once(
        self,
        caller: Caller,
        key: str,
        fingerprint: str,
        work: Callable[[], Awaitable[KeptResponse]],
        *,
        secret: bool = False,
    ) -> KeptResponse:
        async def dying() -> KeptResponse:
            answer = await work()
            self._die(key, AFTER_EFFECT)
            return answer

        answer = await self._like.once(caller, key, fingerprint, dying, secret=secret)
        self._die(key, BEFORE_ANSWER)
        return answer

    def _die(self, key: str, moment: str) -> None:
        told = self._folder / f"died-{key}"
        if key.startswith(moment) and not told.exists():
            told.touch()
            os.kill(os.getpid(), signal.SIGKILL)


async def _live(settings: Settings, held: socket.socket, folder: Path) -> None:
    async with open_services(settings) as services:
        mortal = Mortal(folder, services.idempotency)
        parts: dict[str, Any] = {
            each.name: getattr(services, each.name) for each in fields(services)
        }
        changed = replace(services, **(parts | {"idempotency": mortal}))
        app = create_app(changed, services.catalog)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await serve(app, held, ready=lambda _: None, stop=stop, shortcut=app)


def main() -> None:
    """Serve in one process after another, until one ends otherwise than by being killed."""
    folder, endpoint = Path(sys.argv[1]), sys.argv[2]
    settings = settings_for(folder, endpoint, allowed_endpoint_hosts=("127.0.0.1",))
    held = reserve("127.0.0.1", 0)
    sys.stdout.write(f"{held.getsockname()[1]}\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on
    for _ in range(_LIVES):
        child = os.fork()
        if child == 0:
            asyncio.run(_live(settings, held, folder))
            os._exit(0)
        signal.signal(signal.SIGTERM, lambda *_, to=child: os.kill(to, signal.SIGTERM))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
