"""Passwords: argon2id, off the event loop, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from valetkey.domain.secret import Secret
from valetkey.system import step_back

R = TypeVar("R")

#: Each hash takes 64 MiB for its time: more at once would let guessing eat the memory.
_AT_ONCE: Final = 2
#: The hash's threads (it has four) let everything else go first, where the system can tell threads
#: apart: a flood of guesses must not keep the event loop from the processor.
_NICE: Final = 5


class Argon2Passwords:
    """Implements ports.Passwords with argon2-cffi's defaults (RFC 9106, low-memory profile)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(
            _AT_ONCE, thread_name_prefix="argon2", initializer=partial(step_back, _NICE)
        )
        self._decoy = ""

    async def hash(self, password: Secret) -> str:
        return await self._run(self._hasher.hash, password.reveal())

    async def matches(self, password: Secret, password_hash: str | None) -> bool:
        if password_hash is None:
            # Somebody unknown costs the same as a wrong password.
            if not self._decoy:
                self._decoy = await self._run(self._hasher.hash, "nobody's password")
            await self._run(self._verify, self._decoy, password.reveal())
            return False
        return await self._run(self._verify, password_hash, password.reveal())

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., R], *args: str) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
